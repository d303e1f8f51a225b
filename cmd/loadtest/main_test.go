//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tarasul/loadtest"
)

// line runs a command line that must fail at once, and returns its exit code and what it said.
func line(args ...string) (int, string) {
	var out, err bytes.Buffer
	code := run(context.Background(), args, &out, &err)
	return code, err.String()
}

func TestWrongFlagsGetOneLineWithTheNearestRightOne(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"meting"}, []string{`"meting"`, `"meeting"`}},
		{[]string{"meeting", "--participant", "3"}, []string{"--participant;", "--participants"}},
		{[]string{"meeting", "-vidio=1Mbps"}, []string{"--vidio;", "--video"}},
		{[]string{"meeting", "durration"}, []string{`"durration"`, "--duration"}},
		{[]string{"meeting", "--video", "fast"}, []string{"fast", "-video", "150kbps"}},
		{[]string{"meeting", "--tile", "9"}, []string{"-tile", "320x180"}},
		{[]string{"meeting", "--duration", "12"}, []string{"-duration", "12"}},
		{[]string{"meeting", "--participants", "31", "--voices", "99"}, []string{"--participants: 31", "--voices: 99"}},
		{[]string{"meeting", "--server", "http://x", "--server-cmd", "y"}, []string{"--server and --server-cmd"}},
	} {
		code, said := line(test.args...)
		if code != exitUsage {
			t.Errorf("%q: exit code %d", test.args, code)
		}
		if strings.Count(said, "\n") != 1 {
			t.Errorf("%q: more or less than one line: %q", test.args, said)
		}
		for _, want := range test.want {
			if !strings.Contains(said, want) {
				t.Errorf("%q: %q does not say %q", test.args, said, want)
			}
		}
	}
}

func TestHelpListsScenariosAndFlags(t *testing.T) {
	if code, said := line("--help"); code != exitGood || !strings.Contains(said, "meeting") {
		t.Errorf("%d: %s", code, said)
	}
	if code, _ := line(); code != exitUsage {
		t.Errorf("nothing at all: exit code %d", code)
	}
	code, said := line("meeting", "-h")
	if code != exitGood || !strings.Contains(said, "--participants") || !strings.Contains(said, "(default 30)") || !strings.Contains(said, "150kbps") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestAServerThatIsNotThereIsExitCodeOneAndStillAReport(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	code, said := line("meeting", "--server", "http://127.0.0.1:1", "--json", name)
	if code != exitFailed || !strings.Contains(said, "server is gone") {
		t.Errorf("%d: %s", code, said)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var r loadtest.Report
	if err := json.Unmarshal(raw, &r); err != nil || r.Error == "" || r.StreamsExpected != 1050 {
		t.Errorf("%v: %+v", err, r)
	}
}

func TestBitRatesAreReadInEveryForm(t *testing.T) {
	for text, want := range map[string]int{
		"150kbps": 150_000, "1Mbps": 1_000_000, "2.5mbps": 2_500_000, "300000": 300_000, "64k": 64_000, "1.5 Mbit/s": 1_500_000, "0": 0,
	} {
		got := -1
		if err := (bitrate{&got}).Set(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "x", "-1", "1Gbps", "9999Mbps", "1k5"} {
		got := 7
		if err := (bitrate{&got}).Set(bad); err == nil || got != 7 {
			t.Errorf("%q was accepted as %d", bad, got)
		}
	}
	for bps, want := range map[int]string{150_000: "150kbps", 1_500_000: "1.5Mbps", 0: "0kbps"} {
		if got := (bitrate{&bps}).String(); got != want {
			t.Errorf("%d is %q, want %q", bps, got, want)
		}
	}
}

func TestSimulcastHasItsOwnBitRateUnlessOneIsGiven(t *testing.T) {
	var m loadtest.Meeting
	f := meetingFlags(&m)
	if err := f.parse([]string{"--simulcast"}); err != nil || f.given("video") {
		t.Errorf("%v, %v", err, f.given("video"))
	}
	if err := f.parse([]string{"--video", "1Mbps"}); err != nil || !f.given("video") || m.Video != 1_000_000 {
		t.Errorf("%v, %d", err, m.Video)
	}
}

func TestTheBarIsForTerminalsOnly(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&out)
	b.show("measuring", 1, 2)
	b.clear()
	if out.Len() != 0 {
		t.Errorf("it wrote %q", out.String())
	}
	b.terminal = true
	b.show("measuring", 1, 2)
	if !strings.Contains(out.String(), "measuring") || !strings.Contains(out.String(), "50 %") {
		t.Errorf("it wrote %q", out.String())
	}
}
