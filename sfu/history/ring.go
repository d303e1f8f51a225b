// Package history keeps the recent packets of one encoding, so that a lost one can be sent again to whoever lost it, and
// knows which packets of the encoding never came.
//
// There is one Ring for each encoding, never one for each subscriber. It copies what it keeps. It must never know of
// sockets, clocks or subscribers. A Ring belongs to one goroutine.
package history

import (
	"math/bits"
	"time"
	"unsafe"

	"tarasul/sfu/packet"
	"tarasul/sfu/payload"
)

// Config of a Ring. Zero fields get the defaults.
type Config struct {
	ClockRate   uint32        // RTP ticks per second, for the jitter; 90000
	Keep        time.Duration // packets younger than this are kept as long as MaxBytes allows; 1 s
	MinBytes    int           // memory for payloads at first, rounded up to a power of two; 16 KiB
	MaxBytes    int           // and at most; 1 MiB
	ReorderWait time.Duration // from the sight of a gap to the first request for it; 5 ms
}

// The index of packets grows from minPackets to maxPackets, both powers of two.
const (
	minPackets = 64
	maxPackets = 2048
)

// maxGap is the largest gap that is taken for loss. What is larger is a sender that began anew, or an outage after which
// a key frame is cheaper than all that was lost.
const maxGap = 300

// Ring is the recent packets of one encoding.
type Ring struct {
	config  Config
	started bool
	ssrc    uint32
	epoch   time.Time // of the times in entries
	highest int64     // extended sequence number
	restart int64     // number that would confirm that the sender began anew (RFC 3550 appendix A.1)
	entries []entry   // by extended sequence number modulo their count
	arena   arena
	missing missing
	receipt receipt
	stats   Stats
	view    packet.Packet
}

// entry is what is kept of a packet outside of the arena.
type entry struct {
	seq        int64 // extended; noSeq = never used
	at         time.Duration
	offset     int64 // in the arena; gone = overwritten
	timestamp  uint32
	payload    uint16 // bytes
	dependency uint16 // bytes, behind the payload
	pt         uint8
	marker     bool
	repaired   bool
	descriptor payload.Descriptor
}

const (
	noSeq = -1 << 62
	gone  = -1
)

// Stats are counters since New.
type Stats struct {
	Received   uint64 // fresh packets, retransmissions included
	Repaired   uint64 // of which by retransmission
	Duplicates uint64
	TooOld     uint64
	Requested  uint64 // requests for missing packets, repeats included
	Abandoned  uint64 // missing packets that were given up: a picture then needs a key frame
	Resets     uint64 // jumps too large to be loss
	Bytes      int    // memory held now
}

// New makes a ring, which at first holds about 22 KiB.
func New(c Config) *Ring {
	if c.ClockRate == 0 {
		c.ClockRate = 90000
	}
	if c.Keep == 0 {
		c.Keep = time.Second
	}
	if c.MinBytes == 0 {
		c.MinBytes = 16 << 10
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 20
	}
	if c.ReorderWait == 0 {
		c.ReorderWait = 5 * time.Millisecond
	}
	r := &Ring{config: c, entries: make([]entry, minPackets), restart: noSeq}
	for i := range r.entries {
		r.entries[i].seq = noSeq
	}
	r.arena.bytes = make([]byte, 1<<bits.Len(uint(max(c.MinBytes, 2*maxRecord)-1)))
	return r
}

// Put takes in a packet: its header fields, payload, dependency descriptor and Descriptor. It is false for a duplicate and
// for a packet that is too old to be kept: both are of no use to anyone. A retransmitted packet must bear the original's
// SSRC and sequence number (see OSN) and be marked Repaired. Put allocates only while the memory still grows.
func (r *Ring) Put(p *packet.Packet) (fresh bool) {
	if !r.started {
		r.started, r.epoch, r.highest = true, p.Arrived, int64(p.Seq)-1
		r.receipt.base = int64(p.Seq)
	}
	at := p.Arrived.Sub(r.epoch)
	seq := r.extend(p.Seq)
	step := seq - r.highest
	switch {
	case step > maxGap:
		r.reset(seq)
	case step <= -maxPackets:
		if seq != r.restart {
			r.restart = seq + 1
			r.stats.TooOld++
			return false
		}
		seq += 1 << 16
		r.reset(seq)
	}
	e := r.slot(seq, at)
	switch {
	case e.seq == seq:
		r.stats.Duplicates++
		return false
	case e.seq > seq:
		r.stats.TooOld++
		return false
	}
	r.ssrc = p.SSRC
	r.stats.Received++
	if p.Repaired {
		r.stats.Repaired++
	}
	if seq > r.highest {
		r.stats.Abandoned += r.missing.add(r.highest+1, seq, at, r.config.ReorderWait)
		r.receipt.count(r, p, seq, at)
		r.highest = seq
	} else {
		r.missing.remove(seq)
		r.receipt.count(r, p, seq, at)
	}
	*e = entry{
		seq: seq, at: at, offset: gone, timestamp: p.Timestamp, payload: uint16(len(p.Payload)), dependency: uint16(len(p.Dependency)),
		pt: p.PayloadType, marker: p.Marker, repaired: p.Repaired, descriptor: p.Descriptor,
	}
	if size := len(p.Payload) + len(p.Dependency); size <= maxRecord {
		e.offset = r.reserve(seq, size, at)
		b := r.arena.at(e.offset, size)
		copy(b[copy(b, p.Payload):], p.Dependency)
	}
	return true
}

// extend gives the extended sequence number nearest to the highest.
func (r *Ring) extend(seq uint16) int64 {
	return r.highest + int64(int16(seq-uint16(r.highest)))
}

// reset goes on at seq as if everything up to it had come.
func (r *Ring) reset(seq int64) {
	r.stats.Resets++
	r.stats.Abandoned += r.missing.clear()
	r.receipt.base += seq - 1 - r.highest
	r.highest = seq - 1
	r.restart = noSeq
}

// slot finds the place of a sequence number in the index. While the packet that is there is worth keeping, the index
// grows. If a later packet is there nothing may be put.
func (r *Ring) slot(seq int64, at time.Duration) *entry {
	for {
		e := &r.entries[seq&int64(len(r.entries)-1)]
		young := e.offset != gone && at-e.at < r.config.Keep
		if e.seq >= seq || e.seq == noSeq || !young || len(r.entries) == maxPackets {
			return e
		}
		old := r.entries
		r.entries = make([]entry, 2*len(old))
		for i := range r.entries {
			r.entries[i].seq = noSeq
		}
		for i := range old {
			if old[i].seq != noSeq {
				r.entries[old[i].seq&int64(len(r.entries)-1)] = old[i]
			}
		}
	}
}

// reserve makes room in the arena for the packet seq, growing it rather than overwriting what is worth keeping.
func (r *Ring) reserve(seq int64, size int, at time.Duration) int64 {
	for !r.arena.fits(size) {
		oldest, offset := r.arena.oldest()
		e := &r.entries[oldest&uint16(len(r.entries)-1)]
		live := e.offset == offset
		if live && at-e.at < r.config.Keep && 2*len(r.arena.bytes) <= r.config.MaxBytes {
			r.grow()
			continue
		}
		if live {
			e.offset = gone
		}
		r.arena.drop()
	}
	return r.arena.append(uint16(seq), size)
}

// grow doubles the arena and moves into it what is still in the index.
func (r *Ring) grow() {
	old := r.arena
	r.arena = arena{bytes: make([]byte, 2*len(old.bytes))}
	for !old.empty() {
		seq, offset := old.oldest()
		if e := &r.entries[seq&uint16(len(r.entries)-1)]; e.offset == offset {
			size := int(e.payload) + int(e.dependency)
			e.offset = r.arena.append(seq, size)
			copy(r.arena.at(e.offset, size), old.at(offset, size))
		}
		old.drop()
	}
}

// Get finds a packet by its sequence number. Of the header extensions only the dependency descriptor is kept. The packet and
// its slices are valid until the next Put or Get and must not be written to.
func (r *Ring) Get(seq uint16) (*packet.Packet, bool) {
	if !r.started {
		return nil, false
	}
	extended := r.extend(seq)
	e := &r.entries[extended&int64(len(r.entries)-1)]
	if e.seq != extended || e.offset == gone {
		return nil, false
	}
	n, all := int(e.payload), int(e.payload)+int(e.dependency)
	b := r.arena.at(e.offset, all)
	r.view = packet.Packet{
		SSRC: r.ssrc, Seq: seq, Timestamp: e.timestamp, PayloadType: e.pt, Marker: e.marker, Repaired: e.repaired, PaddingOnly: n == 0,
		Payload: b[:n:n], Arrived: r.epoch.Add(e.at), Descriptor: e.descriptor,
	}
	if all > n {
		r.view.Dependency = b[n:all:all]
	}
	return &r.view, true
}

// Stats returns the counters.
func (r *Ring) Stats() Stats {
	s := r.stats
	s.Bytes = int(unsafe.Sizeof(*r)) + len(r.arena.bytes) + len(r.entries)*int(unsafe.Sizeof(entry{})) +
		cap(r.missing.list)*int(unsafe.Sizeof(gap{}))
	return s
}
