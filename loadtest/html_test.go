//go:build linux && (amd64 || arm64)

package loadtest

import (
	"strings"
	"testing"
)

func TestThePageShowsTheRunAndNeedsNothingElse(t *testing.T) {
	r := &Report{Scenario: "meeting", Participants: 30, Rooms: 1, ServerPID: 7, Error: `<b>broken</b>`, RatioToFloor: 1.25, FloorPerPacket: 1000, Series: []Second{
		{At: 1, PPS: 100, P50: 0.2, P99: 0.7, ServerCPU: 30, ServerRSS: 60}, {At: 2, PPS: 90, P50: 0.2, P99: 1.7, Lost: 3, ServerCPU: 31, ServerRSS: 61},
	}, Marks: []Mark{{At: 1.5, Name: "600kbps down"}}}
	var b strings.Builder
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, outside := range []string{"http://", "https://", "src=", "@import", "url("} {
		if strings.Contains(page, outside) {
			t.Errorf("the page has %q in it", outside)
		}
	}
	for _, want := range []string{"Packets forwarded", "Memory of the server", "&lt;b&gt;broken", "600kbps down", "Of the floor", "1.25"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestAReportWithoutASecondIsStillAPage(t *testing.T) {
	var b strings.Builder
	if err := (&Report{Series: []Second{}}).HTML(&b); err != nil || !strings.Contains(b.String(), "</html>") {
		t.Error(err)
	}
}
