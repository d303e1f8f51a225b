//go:build linux

package loadtest

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestThePageNeedsNothingElse(t *testing.T) {
	r := &Report{Scenario: "meeting", Participants: 30, Rooms: 1, ServerPID: 7, Error: `<script>alert("x")</script>`, Series: []Second{
		{At: 1, PPS: 100, P50: 0.2, P99: 0.7, ServerCPU: 30, ServerRSS: 60}, {At: 2, PPS: 90, P50: 0.2, P99: 1.7, Lost: 3, ServerCPU: 31, ServerRSS: 61},
	}}
	var b strings.Builder
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, outside := range []string{"http://", "https://", "src=", "href=", "@import", "url(", "<script"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page has %q in it", outside)
		}
	}
	if n := strings.Count(page, "<svg"); n != 6 {
		t.Errorf("%d charts", n)
	}
	for _, want := range []string{"Packets forwarded", "p99: 1.7 ms at 2 s", "Memory of the server", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("a figure is no number: %s", svg)
		}
	}
}

func TestAReportWithoutASecondIsStillAPage(t *testing.T) {
	var b strings.Builder
	if err := (&Report{Series: []Second{}}).HTML(&b); err != nil || !strings.Contains(b.String(), "</html>") {
		t.Error(err)
	}
}

func TestStepsAreRound(t *testing.T) {
	for f, want := range map[float64]float64{0: 1, 0.07: 0.1, 1: 1, 1.5: 2, 3: 5, 7: 10, 8750: 10000, 17400: 20000} {
		if got := niceStep(f); got < want*0.999 || got > want*1.001 {
			t.Errorf("%v: %v, want %v", f, got, want)
		}
	}
}
