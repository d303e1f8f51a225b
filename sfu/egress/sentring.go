//go:build linux && (amd64 || arm64)

package egress

import "time"

// sentSlots is how many packets a destination remembers: at 10,000 packets a second, which is a full meeting at its
// liveliest, that is 0.4 s, which covers a feedback interval of 100 ms and the round trip to the farthest mission.
const sentSlots = 4096

// sentRing remembers when the last packets left, for bandwidth estimation. It is 32 KiB of plain numbers: the time is in
// microseconds and wraps after 71 minutes, and a slot holds its own sequence number, so that one store takes in a packet and
// nothing ever has to be cleaned up.
type sentRing struct {
	base  time.Time // of the microseconds; zero until the first packet
	slots [sentSlots]sentPacket
}

type sentPacket struct {
	at   uint32 // microseconds since base
	seq  uint16
	size uint16 // 0: never used
}

// stamp is now in the ring's time.
func (r *sentRing) stamp(now time.Time) uint32 {
	if r.base.IsZero() {
		r.base = now
	}
	return uint32(now.Sub(r.base) / time.Microsecond)
}

func (r *sentRing) put(seq uint16, at uint32, size int) {
	r.slots[seq%sentSlots] = sentPacket{at: at, seq: seq, size: uint16(size)}
}

func (r *sentRing) look(seq uint16, now time.Time) (at time.Time, size int, ok bool) {
	p := r.slots[seq%sentSlots]
	if p.size == 0 || p.seq != seq {
		return time.Time{}, 0, false
	}
	since := now.Sub(r.base) / time.Microsecond
	ago := int32(uint32(since) - p.at)
	return r.base.Add((since - time.Duration(ago)) * time.Microsecond), int(p.size), true
}
