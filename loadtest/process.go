//go:build linux && (amd64 || arm64)

package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tarasul/loadtest/bot"
)

// Times for starting and stopping a server of our own.
const (
	readyTimeout = 30 * time.Second
	readyPause   = 10 * time.Millisecond
	stopTimeout  = 10 * time.Second
)

// process is a server that the tester has started itself, in a process group of its own.
type process struct {
	command *exec.Cmd
	url     string
	admin   string // the operators' address
	data    string // temporary directory, or empty
	output  tail
	exited  chan struct{} // closed when err is set
	err     error
	ready   time.Duration // from start to the first answer over HTTP
}

// startServer starts the server by a command line such as "bin/tarasul serve --demo". Addresses and a data directory that it
// does not name are added: free ports of 127.0.0.1, and a temporary directory that is removed at the end.
func startServer(ctx context.Context, line string, demo bool) (*process, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, fmt.Errorf("--server-cmd: %w", err)
	}
	var environment []string
	for len(words) > 0 && isAssignment(words[0]) {
		environment = append(environment, words[0])
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, errors.New("--server-cmd: no command")
	}
	p := &process{exited: make(chan struct{})}
	fail := func(err error) (*process, error) {
		p.removeData()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	for _, network := range []struct{ flag, network string }{{"http", "tcp"}, {"media", "udp"}, {"admin", "tcp"}} {
		if _, ok := flagValue(words, network.flag); ok {
			continue
		}
		address, err := freeAddress(network.network)
		if err != nil {
			return fail(err)
		}
		words = append(words, "--"+network.flag, address)
	}
	if _, ok := flagValue(words, "data"); !ok {
		if p.data, err = os.MkdirTemp("", "loadtest-"); err != nil {
			return fail(err)
		}
		words = append(words, "--data", filepath.Join(p.data, "data"))
	}
	if _, ok := flagValue(words, "demo"); !ok && demo {
		words = append(words, "--demo")
	}
	if p.url, err = serverURL(words, "http"); err != nil {
		return fail(err)
	}
	if p.admin, err = serverURL(words, "admin"); err != nil {
		return fail(err)
	}
	p.command = exec.Command(words[0], words[1:]...)
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started := time.Now()
	if err := p.command.Start(); err != nil {
		return fail(err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.exited)
	}()
	if err := p.awaitReady(ctx, started); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// serverURL is where a server listens that was given its address by a flag.
func serverURL(words []string, name string) (string, error) {
	address, _ := flagValue(words, name)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", name, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// awaitReady asks over HTTP until the server answers.
func (p *process) awaitReady(ctx context.Context, started time.Time) error {
	server, err := bot.NewServer(p.url, true)
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if _, err = server.Visit(ctx); err == nil {
			p.ready = time.Since(started)
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%w: it ended with %v before it was ready: %s", ErrServer, p.err, p.output.last())
		case <-ctx.Done():
			return fmt.Errorf("%w: not ready within %v: %w", ErrServer, readyTimeout, err)
		case <-time.After(readyPause):
		}
	}
}

// stop ends the server as an operator does, and its whole group by force if it does not end in time. The error says that it
// did not end cleanly.
func (p *process) stop() error {
	defer p.removeData()
	group := -p.command.Process.Pid
	select {
	case <-p.exited:
		return fmt.Errorf("%w: it had ended with %v: %s", ErrServer, p.err, p.output.last())
	default:
	}
	if err := syscall.Kill(group, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		if err := syscall.Kill(group, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill the server: %w", err)
		}
		<-p.exited
		return fmt.Errorf("the server did not end within %v of SIGTERM", stopTimeout)
	}
	if p.err != nil {
		return fmt.Errorf("the server ended with %w: %s", p.err, p.output.last())
	}
	return nil
}

func (p *process) removeData() {
	if p.data != "" {
		os.RemoveAll(p.data)
	}
}

// tail keeps the last of what the server writes, for the case that it fails.
type tail struct{ b []byte }

const tailSize = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

// last is the last few lines in one; only to be read once the process has ended.
func (t *tail) last() string {
	lines := bytes.Split(bytes.TrimSpace(t.b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte(" | ")))
}

// splitWords splits a command line as a shell does: at spaces, with quotes and backslashes, and nothing more.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, c := range line {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote in %q is not closed", line)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// isAssignment reports whether a word sets an environment variable for the command after it.
func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, "-/.")
}

// flagValue finds a flag in a command line, in any of the forms that Go's flags have.
func flagValue(words []string, name string) (value string, ok bool) {
	for i, w := range words {
		bare := strings.TrimPrefix(strings.TrimPrefix(w, "-"), "-")
		if bare == w {
			continue
		}
		if bare == name {
			if i+1 < len(words) {
				value = words[i+1]
			}
			return value, true
		}
		if v, found := strings.CutPrefix(bare, name+"="); found {
			return v, true
		}
	}
	return "", false
}

// freeAddress is an address of 127.0.0.1 that is free now. A media server takes one port per shard, from the first one on.
func freeAddress(network string) (string, error) {
	if network == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		defer l.Close()
		return l.Addr().String(), nil
	}
	const shards = 8
	for range 100 {
		first, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		base := first.LocalAddr().(*net.UDPAddr).Port
		free := true
		for i := 0; i < shards && free; i++ {
			// The server listens on the same ports for TCP.
			address := net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i))
			if i > 0 {
				if c, err := net.ListenPacket("udp", address); err == nil {
					c.Close()
				} else {
					free = false
				}
			}
			if l, err := net.Listen("tcp", address); err == nil {
				l.Close()
			} else {
				free = false
			}
		}
		first.Close()
		if free {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(base)), nil
		}
	}
	return "", errors.New("no free ports for the media server")
}

// listener finds the process that listens at a server's address on this machine, through /proc. It returns 0 if there is
// none, or if we may not look.
func listener(address *url.URL) int {
	port := address.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[address.Scheme]
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			const listening = "0A"
			if len(f) > 9 && f[3] == listening && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", number)) {
				inodes = append(inodes, "socket:["+f[9]+"]")
			}
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(inodes) == 0 {
		return 0
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && slices.Contains(inodes, target) {
			pid, err := strconv.Atoi(strings.Split(link, "/")[2])
			if err == nil {
				return pid
			}
		}
	}
	return 0
}
