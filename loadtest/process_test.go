//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A run leaves nothing behind, but for the keep-alive connections of the test server's client.
	goleak.VerifyTestMain(m)
}

func TestCommandLinesAreSplitAsAShellDoes(t *testing.T) {
	for line, want := range map[string][]string{
		"bin/tarasul serve --demo":   {"bin/tarasul", "serve", "--demo"},
		` a  'b c' "d \" e" f\ g ''`: {"a", "b c", `d " e`, "f g", ""},
		"":                           nil,
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	for _, bad := range []string{"'a", `a"`, `a\`} {
		if _, err := splitWords(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestFlagsAreFoundInEveryForm(t *testing.T) {
	words := []string{"x", "serve", "--http", "a:1", "-data=d", "--demo"}
	for name, want := range map[string]string{"http": "a:1", "data": "d", "demo": ""} {
		if v, ok := flagValue(words, name); !ok || v != want {
			t.Errorf("%s: %q, %v", name, v, ok)
		}
	}
	if _, ok := flagValue(words, "media"); ok {
		t.Error("a flag was found that is not there")
	}
	if !isAssignment("GOGC=50") || isAssignment("--a=b") || isAssignment("./x=y") || isAssignment("serve") {
		t.Error("assignments are not told apart")
	}
}

func TestFreeAddressesAreFree(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		if a, err := freeAddress(network); err != nil || !strings.HasPrefix(a, "127.0.0.1:") {
			t.Errorf("%s: %q, %v", network, a, err)
		}
	}
}

func TestTheProcessThatListensIsFound(t *testing.T) {
	f := newFake(t)
	address, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	if pid := listener(address); pid != os.Getpid() {
		t.Errorf("process %d, we are %d", pid, os.Getpid())
	}
	if pid := listener(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}); pid != 0 {
		t.Errorf("process %d listens at port 1", pid)
	}
}

func TestUsageOfAProcessIsRead(t *testing.T) {
	before, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own := ownTime()
	for ownTime()-own < 50*time.Millisecond {
	}
	after, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used := after.user + after.system - before.user - before.system; used < 30*time.Millisecond || used > 10*time.Second {
		t.Errorf("50 ms of work were %v", used)
	}
	if after.resident < 1<<20 || after.peak < after.resident {
		t.Errorf("resident %d, peak %d", after.resident, after.peak)
	}
	if _, err := readUsage(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a process that is not there: %v", err)
	}
	idle, total := machineTime()
	if idle <= 0 || total <= idle {
		t.Errorf("idle %v of %v", idle, total)
	}
	if m := thisMachine(); m.Kernel == "" || m.CPUs < 1 || m.Go == "" {
		t.Errorf("%+v", m)
	}
}

func TestMetersAreReadAndCompared(t *testing.T) {
	const text = "# HELP a b\na 1\nb{x=\"y z\",q=\"1\"} 2.5 1700000000\nc_bucket{le=\"1\"} 7\nbroken\nd NaN\n"
	m, err := parseMeters(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if m["a"] != 1 || m[`b{x="y z",q="1"}`] != 2.5 {
		t.Errorf("%v", m)
	}
	delete(m, "d")
	changed := m.since(Meters{"a": 1})
	if len(changed) != 1 || changed[`b{x="y z",q="1"}`] != 2.5 {
		t.Errorf("changed: %v", changed)
	}
	if _, err := readMeters(context.Background(), "http://127.0.0.1:1"); err == nil {
		t.Error("metrics from nowhere")
	}
}

func TestSpreadsOfFewValuesAreExact(t *testing.T) {
	if got := spreadOf([]time.Duration{4e6, 1e6, 3e6, 2e6}); got.P50 != 2 || got.P95 != 4 || got.Max != 4 {
		t.Errorf("%+v", got)
	}
	if got := spreadOf(nil); got != (Spread{}) {
		t.Errorf("%+v", got)
	}
}
