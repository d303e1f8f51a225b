//go:build linux && (amd64 || arm64)

package loadtest

import (
	"strings"
	"testing"

	"tarasul/loadtest/floor"
)

func TestTheFloorIsDrawnBetweenTheSizesAndTheRunsThatWereMeasured(t *testing.T) {
	runs := func(one, two float64) *floor.Target {
		return &floor.Target{Runs: []floor.Run{{Length: 1, SealSend: one}, {Length: 2, SealSend: two}}}
	}
	b := &baseline{voice: runs(2000, 1000), picture: runs(4000, 2000)}
	for _, test := range []struct{ bytes, run, want float64 }{
		{floorVoice, 1, 2000}, {floorPicture, 1, 4000}, {floorPicture, 2, 2000}, {(floorVoice + floorPicture) / 2.0, 1, 3000},
	} {
		if got := b.at(test.bytes, test.run); got < test.want-1 || got > test.want+1 {
			t.Errorf("%v bytes in runs of %v: %v, want %v", test.bytes, test.run, got, test.want)
		}
	}
	r := &Report{ServerCPUPerPacket: 6000}
	r.economy(Meters{
		`tarasul_udp_datagrams_total{direction="out"}`: 1000, "tarasul_udp_messages_total": 500,
		`tarasul_udp_bytes_total{direction="out"}`: 1000 * floorPicture, "go_memstats_mallocs_total": 20,
	}, b)
	if r.RunLength != 2 || r.PacketBytes != floorPicture || r.AllocsPerPacket != 0.02 || r.FloorPerPacket != 2000 || r.RatioToFloor != 3 {
		t.Errorf("%+v", r)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "3.00 times") || !strings.Contains(table.String(), "2.00 packets a message") {
		t.Errorf("%v: %s", err, table.String())
	}
}

func TestAServerWithoutCountersHasNoRatio(t *testing.T) {
	r := &Report{ServerCPUPerPacket: 6000}
	r.economy(Meters{"go_goroutines": 3}, nil)
	if r.RunLength != 0 || r.FloorPerPacket != 0 || r.RatioToFloor != 0 {
		t.Errorf("%+v", r)
	}
}
