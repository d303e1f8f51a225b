//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"fmt"

	"tarasul/loadtest/floor"
)

// Sizes of the packets for which the floor is measured before a meeting, in bytes: a voice's, and a picture's. What lies between
// costs what the straight line between them says, because sealing and copying go by the byte; so a mixture costs what its mean does.
const (
	floorVoice   = 128
	floorPicture = 1178
)

// baseline is the floor of an outgoing packet over loopback, where the bots of this machine are.
type baseline struct{ voice, picture *floor.Target }

// measureBaseline takes about two seconds. It is measured while nothing else of the run is under way.
func measureBaseline(ctx context.Context, destinations int, progress Progress) (*baseline, error) {
	var found [2]*floor.Target
	for i, size := range []int{floorVoice, floorPicture} {
		cfg := floor.Config{Packet: size, Destinations: min(max(destinations, 1), 250), Targets: []string{floor.Loopback}}
		result, err := floor.Measure(ctx, cfg, func(done, total int) {
			progress("the floor is measured", float64(i*total+done), float64(2*total))
		})
		if err != nil {
			return nil, fmt.Errorf("--floor: %w", err)
		}
		found[i] = result.Target(floor.Loopback)
	}
	return &baseline{found[0], found[1]}, nil
}

// at is the floor in CPU nanoseconds per packet for a mean size in bytes and a mean length of runs.
func (b *baseline) at(bytes, run float64) float64 {
	small, large := b.voice.At(run), b.picture.At(run)
	return small + (large-small)*(bytes-floorVoice)/(floorPicture-floorVoice)
}

// economy works out from the server's own counters how it sent, and what that cost at least. Without counters, and of a server that
// names them otherwise, nothing is known and all stays 0.
func (r *Report) economy(meters Meters, b *baseline) {
	packets, messages := meters[`tarasul_udp_datagrams_total{direction="out"}`], meters["tarasul_udp_messages_total"]
	if packets <= 0 || messages <= 0 {
		return
	}
	r.RunLength = hundredths(packets / messages)
	r.PacketBytes = round(meters[`tarasul_udp_bytes_total{direction="out"}`] / packets)
	r.AllocsPerPacket = hundredths(meters["go_memstats_mallocs_total"] / packets)
	if b == nil {
		return
	}
	r.FloorPerPacket = round(b.at(r.PacketBytes, packets/messages))
	if r.FloorPerPacket > 0 {
		r.RatioToFloor = hundredths(r.ServerCPUPerPacket / r.FloorPerPacket)
	}
}

// hundredths keeps two decimals.
func hundredths(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }
