//go:build linux && (amd64 || arm64)

package loadtest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestAMeetingGoesOnWhileBadPacketsAreThrown(t *testing.T) {
	f := newFake(t)
	h := &Hostile{Target: Target{URL: f.URL, Metrics: f.URL}, Participants: 3, Packets: 5000, Rate: 10_000, Growth: 16, Seed: 1}
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	// The library that the stand-in has its DTLS from ends calls for records that a server must not let through to it.
	h.forms = slices.DeleteFunc(forms(), func(f form) bool { return f.name == "dtls" || f.copied })
	r, err := h.Run(context.Background(), quiet)
	if err != nil || !r.Good() {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.Packets != 5000 || r.Streams != 12 || r.Flowing != 12 || r.Latency.P50 <= 0 || r.Thrown["stun from a stranger"] == 0 || r.Thrown["rtp from a bot's address"] == 0 {
		t.Errorf("%+v", r)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "12 of 12 streams flow") {
		t.Errorf("%v: %s", err, table.String())
	}
}

func TestHarmFailsAHostileRun(t *testing.T) {
	good := func() *HostileReport {
		held := map[string]float64{"goroutines": 50, "file_descriptors": 20, "heap_bytes": 8 << 20, "resident_bytes": 40 << 20}
		after := map[string]float64{"goroutines": 51, "file_descriptors": 20, "heap_bytes": 9 << 20, "resident_bytes": 41 << 20}
		return &HostileReport{Participants: 4, Streams: 24, Flowing: 24, Before: held, After: after}
	}
	for _, test := range []struct {
		name   string
		change func(r *HostileReport)
		says   string
	}{
		{"nothing", func(*HostileReport) {}, ""},
		{"a stream has stopped", func(r *HostileReport) { r.Flowing-- }, "23 of 24"},
		{"a packet was lost", func(r *HostileReport) { r.Lost = 1 }, "lost"},
		{"the kernel lost it for three", func(r *HostileReport) { r.Lost, r.KernelDrops = 3, 1 }, ""},
		{"the kernel lost fewer", func(r *HostileReport) { r.Lost, r.KernelDrops = 4, 1 }, "lost"},
		{"a goroutine for each stranger", func(r *HostileReport) { r.After["goroutines"] = 66 }, "goroutines"},
		{"descriptors", func(r *HostileReport) { r.After["file_descriptors"] = 30 }, "descriptors"},
		{"heap", func(r *HostileReport) { r.After["heap_bytes"] = 25 << 20 }, "heap"},
		{"memory", func(r *HostileReport) { r.After["resident_bytes"] = 57 << 20 }, "resident"},
	} {
		r := good()
		test.change(r)
		if r.judge(16); r.Good() != (test.says == "") || !strings.Contains(r.Error, test.says) {
			t.Errorf("%s: %q", test.name, r.Error)
		}
	}
}

func TestTheSameSeedMakesTheSamePackets(t *testing.T) {
	w := &wire{}
	for i := range keptAll + 3 {
		w.tap([]byte{0x80, byte(i), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	}
	if len(w.kept) != keptAll || w.kept[keptFirst-1][1] != keptFirst-1 || w.kept[keptFirst+2][1] != keptAll+2 || w.kept[keptFirst+3][1] != keptFirst+3 {
		t.Errorf("%d kept: %v", len(w.kept), w.kept)
	}
	fresh := func() *thrower { return &thrower{random: rand.New(rand.NewPCG(7, 7)), b: make([]byte, 0, 1<<16)} }
	volley := func() (all [][]byte) {
		for _, f := range forms() {
			s := fresh()
			for range 200 {
				all = append(all, bytes.Clone(f.make(s, w)))
			}
		}
		return all
	}
	if one, two := volley(), volley(); !slices.EqualFunc(one, two, bytes.Equal) {
		t.Error("they differ")
	}
	empty := fresh()
	for _, f := range forms() {
		for range 50 {
			f.make(empty, &wire{}) // of a bot that has sent nothing yet
		}
	}
}

func TestDropsOfOtherSocketsAreNotCounted(t *testing.T) {
	if n := socketDrops([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}); n != 0 {
		t.Errorf("%d drops of a port that nobody has", n)
	}
	m := Meters{"a_total": 1, "b_total": 2, `a_more{x="y"}`: 3}
	if got := m.of("a_"); len(got) != 2 || got["a_total"] != 1 {
		t.Errorf("%v", got)
	}
}

func TestMistakesInAHostileRunAreReportedAllAtOnce(t *testing.T) {
	err := (&Hostile{}).Validate()
	for _, flag := range []string{"--participants", "--packets", "--rate", "--growth"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("nothing about %s in %v", flag, err)
		}
	}
}
