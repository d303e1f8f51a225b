package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

// said is what a command has written.
type said struct {
	out, err string
	status   int
}

// run carries out a command line and collects what it says.
func run(t *testing.T, args ...string) said {
	t.Helper()
	dir := t.TempDir()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	c := console{out: open("out"), err: open("err")}
	defer c.out.Close()
	defer c.err.Close()
	status := c.run(t.Context(), args)
	read := func(f *os.File) string {
		content, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	return said{read(c.out), read(c.err), status}
}

func (s said) wants(t *testing.T, status int, out, err string) {
	t.Helper()
	if s.status != status || !strings.Contains(s.out, out) || !strings.Contains(s.err, err) {
		t.Errorf("status %d, want %d; out %q, want %q; err %q, want %q", s.status, status, s.out, out, s.err, err)
	}
}

func TestTheCommandLineSaysWhatIsMeant(t *testing.T) {
	for _, tc := range []struct {
		line     string
		status   int
		out, err string
	}{
		{"", 2, "", "no command"},
		{"help", 0, "tarasul serve", ""},
		{"--help", 0, "tarasul serve", ""},
		{"sevre", 2, "", `did you mean "serve"?`},
		{"version", 0, "tarasul unreleased", ""},
		{"version now", 2, "", "no arguments"},
		{"serve --help", 0, "--media ADDR", ""},
		{"serve --dmeo", 2, "", "did you mean --demo?"},
		{"serve --somethingelse", 2, "", "there is no flag --somethingelse"},
		{"serve here", 2, "", `takes no argument "here"`},
		{"serve --data", 2, "", "needs an argument"},
		{"serve --config /no/such.yaml", 1, "", "/no/such.yaml"},
		{"serve --http nowhere", 1, "", "signaling: http"},
		{"config", 2, "", "check, show or default"},
		{"config chekc", 2, "", `did you mean "check"?`},
		{"config check", 0, "sound", ""},
		{"config default", 0, "requests_per_second: 50", ""},
		{"config show", 0, "  requests_per_second: 50", ""},
		{"user", 2, "", "user what?"},
		{"user lsit", 2, "", `did you mean "list"?`},
		{"user add", 2, "", "takes 1 arguments, not 0"},
		{"user add x --role god", 2, "", `there is no role "god"`},
	} {
		t.Run(tc.line, func(t *testing.T) {
			args := strings.Fields(tc.line)
			if len(args) > 1 && args[0] == "user" {
				args = append(args, "--data", t.TempDir())
			}
			s := run(t, args...)
			s.wants(t, tc.status, tc.out, tc.err)
			if strings.Contains(s.err, "goroutine") {
				t.Error("a stack trace")
			}
		})
	}
}

func TestAWrongConfigurationIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tarasul.yaml")
	if err := os.WriteFile(file, []byte("signaling:\n  htpp: localhost:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "config", "check", file).wants(t, 1, "", "line 2: there is no option signaling.htpp; did you mean signaling.http?")
	run(t, "serve", "--config", file).wants(t, 1, "", "did you mean signaling.http?")
}

func TestPeopleAreManagedAtTheConsole(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	at := func(args ...string) said { return run(t, append(append([]string{"user"}, args...), "--data", data)...) }
	at("list").wants(t, 1, "", "there is no data")
	added := at("add", "Amal", "--name", "Amal Haddad", "--name-ar", "أمل حداد", "--role", "administrator")
	added.wants(t, 0, "amal may sign in with the password", "")
	at("add", "amal").wants(t, 1, "", "somebody has this login already")
	at("add", "badr").wants(t, 0, "badr may sign in", "")
	at("list").wants(t, 0, "Amal Haddad", "")
	at("role", "badr", "leader").wants(t, 0, "badr is leader now", "")
	at("role", "badr", "leadr").wants(t, 2, "", `did you mean "leader"?`)
	at("reset", "badr").wants(t, 0, "badr may sign in", "")
	at("disable", "badr").wants(t, 0, "may no longer sign in", "")
	at("list").wants(t, 0, "disabled", "")
	at("enable", "badr").wants(t, 0, "may sign in again", "")
	at("disable", "amal").wants(t, 1, "", "last administrator")
	at("disable", "bader").wants(t, 1, "", `did you mean "badr"?`)
	at("add", "celia", "--unit", "nowhere").wants(t, 2, "", "there is no unit")
}

// running is a server in this process.
type running struct {
	t      *testing.T
	url    string
	before string // what it has said up to being ready
	stop   func() int
}

var ready = regexp.MustCompile(`^Ready at (\S+).* after \d+ ms\.$`)

// serve starts a server on addresses that the kernel chooses, unless args say otherwise.
func serve(t *testing.T, args ...string) running {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	complaints, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	status := make(chan int, 1)
	go func() {
		c := console{out: writer, err: complaints}
		status <- c.run(ctx, append([]string{"serve", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--admin", "off"}, args...))
		writer.Close()
		complaints.Close()
	}()
	r := running{t: t}
	r.stop = sync.OnceValue(func() int { cancel(); return <-status })
	t.Cleanup(func() {
		if got := r.stop(); got != 0 {
			content, _ := os.ReadFile(complaints.Name())
			t.Errorf("the server ended with status %d: %s", got, content)
		}
		reader.Close()
	})
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			r.url = m[1]
			go func() { _, _ = io.Copy(io.Discard, reader) }() // ends with the server
			return r
		}
		r.before += lines.Text() + "\n"
	}
	content, _ := os.ReadFile(complaints.Name())
	t.Fatalf("never ready: %s%s", r.before, content)
	return r
}

func (r running) client() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	transport := &http.Transport{}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}
}

func (r running) post(client *http.Client, path string, body any) *http.Response {
	r.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := http.NewRequest("POST", r.url+path, strings.NewReader(string(encoded)))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Origin", r.url)
	answer, err := client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

func TestADemonstrationSaysSoAndLetsPeopleIn(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	r := serve(t, "--demo", "--data", data)
	if !strings.Contains(r.before, "D E M O N S T R A T I O N") || !strings.Contains(r.before, "Open "+r.url) {
		t.Errorf("it does not say that it is a demonstration:\n%s", r.before)
	}
	account := regexp.MustCompile(`(?m)^  minister +(\S+)`).FindStringSubmatch(r.before)
	if account == nil {
		t.Fatalf("no account of a minister:\n%s", r.before)
	}
	if answer := r.post(r.client(), "/api/session", protocol.SignIn{Login: "minister", Password: account[1]}); answer.StatusCode != 200 {
		t.Errorf("signing in: %d", answer.StatusCode)
	}

	// The data is taken as long as the server runs, for another server and for the console.
	run(t, "serve", "--data", data, "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--admin", "off").wants(t, 1, "", "another tarasul runs on this data")
	run(t, "user", "list", "--data", data).wants(t, 1, "", "a server runs on this data")
	began := time.Now()
	if status := r.stop(); status != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("stopped with status %d after %v", status, time.Since(began))
	}
	run(t, "user", "list", "--data", data).wants(t, 0, "minister", "")
	serve(t, "--demo", "--data", data)
}

func TestADemonstrationIsNotMixedWithRealPeople(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	run(t, "user", "add", "amal", "--data", data).wants(t, 0, "", "")
	run(t, "serve", "--demo", "--data", data, "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--admin", "off").wants(t, 1, "", "real people")
}

func TestTheFirstStartPrintsALinkThatEnrolsOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	r := serve(t, "--data", data)
	link := regexp.MustCompile(`(http://\S+)/enrol\?token=(\S+)`).FindStringSubmatch(r.before)
	if link == nil || link[1] != r.url {
		t.Fatalf("no link:\n%s", r.before)
	}
	enrol := protocol.Enrol{Token: link[2], Login: "root", Name: protocol.Multilingual{En: "Root"}, Password: "quite a long secret 7"}
	if answer := r.post(r.client(), "/api/enrol", enrol); answer.StatusCode != 200 {
		t.Fatalf("enrolment: %d", answer.StatusCode)
	}
	r.stop()
	if again := serve(t, "--data", data); strings.Contains(again.before, "enrol") {
		t.Errorf("a link although there is an administrator:\n%s", again.before)
	}
}

func TestATakenAddressIsNamedInOneLine(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for _, tc := range []struct{ flag, address string }{
		{"--http", tcp.Addr().String()}, {"--https", tcp.Addr().String()}, {"--admin", tcp.Addr().String()}, {"--media", udp.LocalAddr().String()},
	} {
		s := run(t, "serve", "--data", filepath.Join(t.TempDir(), "var"), "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--admin", "off", tc.flag, tc.address)
		s.wants(t, 1, "", tc.address)
		s.wants(t, 1, "", "choose another with ")
		s.wants(t, 1, "", tc.flag)
		if strings.Count(strings.TrimSpace(s.err), "\n") != 0 {
			t.Errorf("more than one line: %s", s.err)
		}
	}
}

func TestOtherHostsGetTLSAndSomebodyToTrust(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	r := serve(t, "--data", data, "--http", "0.0.0.0:0")
	if !strings.HasPrefix(r.url, "https://localhost:") || !strings.Contains(r.before, "/ca.crt") || !regexp.MustCompile(`SHA-256 ([0-9A-F]{2}:){31}`).MatchString(r.before) {
		t.Errorf("%s:\n%s", r.url, r.before)
	}
	if info, err := os.Stat(filepath.Join(data, "tls", "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info, err)
	}
}

func TestOperatorsAreAnsweredOnTheirListenerAlone(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	r := serve(t, "--data", filepath.Join(t.TempDir(), "var"), "--admin", address)
	get := func(url string) (int, string) {
		t.Helper()
		answer, err := r.client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	for path, want := range map[string]string{
		"/livez": "alive", "/readyz": "ready", "/metrics": "tarasul_media_up 1", "/debug/pprof/": "goroutine",
	} {
		if status, body := get("http://" + address + path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, no %q", path, status, want)
		}
		if _, body := get(r.url + path); strings.Contains(body, want) {
			t.Errorf("%s is answered to browsers", path)
		}
	}
}
