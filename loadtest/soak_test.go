//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestASoakComparesTheFirstWindowWithTheLast(t *testing.T) {
	f := newFake(t)
	s := &Soak{Meeting: *smallMeeting(f.URL), Window: time.Second, Growth: 10, Slower: 1000}
	s.Meeting.Target.Metrics = f.URL
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(context.Background(), quiet)
	if err != nil || !r.Good() || len(r.Windows) != 2 || r.Windows[1].At <= r.Windows[0].At || r.Windows[0].PPS == 0 {
		t.Fatalf("%v; %+v", err, r)
	}
	var table, html strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "goroutines") {
		t.Errorf("%v: %s", err, table.String())
	}
	if err := r.HTML(&html); err != nil || !strings.Contains(html.String(), "Goroutines and file descriptors") {
		t.Errorf("%v", err)
	}
}

func TestGrowthBeyondItsBoundFailsASoak(t *testing.T) {
	window := func(goroutines, heap, p50, cpu float64) SoakWindow {
		return SoakWindow{CPU: cpu, Latency: Spread{P50: p50}, Footprint: map[string]float64{"goroutines": goroutines, "heap_bytes": heap}}
	}
	first := window(100, 100<<20, 1, 2000)
	for _, test := range []struct {
		name string
		last SoakWindow
		bad  string
	}{
		{"the same", first, ""},
		{"all a little more", window(109, 109<<20, 1.2, 2400), ""},
		{"all less", window(50, 50<<20, 0.5, 1000), ""},
		{"goroutines", window(111, 100<<20, 1, 2000), "goroutines"},
		{"memory", window(100, 111<<20, 1, 2000), "heap bytes"},
		{"latency", window(100, 100<<20, 1.3, 2000), "latency"},
		{"cost", window(100, 100<<20, 1, 2600), "ns per packet"},
	} {
		r := &SoakReport{ServerPID: 1, Windows: []SoakWindow{first, window(1e6, 0, 0, 0), test.last}}
		r.compare(10, 25)
		if r.Good() != (test.bad == "") || !strings.Contains(r.Error, test.bad) {
			t.Errorf("%s: %q", test.name, r.Error)
		}
	}
	r := &SoakReport{Windows: []SoakWindow{first}}
	if r.compare(10, 25); len(r.Drift) != 0 || !r.Good() {
		t.Errorf("one window has no drift: %+v", r)
	}
}

func TestMistakesInASoakAreReportedAllAtOnce(t *testing.T) {
	s := &Soak{Window: time.Minute}
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "--window") || !strings.Contains(err.Error(), "--growth") || !strings.Contains(err.Error(), "--participants") {
		t.Errorf("%v", err)
	}
}
