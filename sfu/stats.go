package sfu

import (
	"time"

	"tarasul/sfu/udp"
)

// Stats are a node's figures at one moment: plain sums over its shards, read when
// somebody asks.
type Stats struct {
	Rooms, Peers, Connected int
	UpTracks, DownTracks    int // sources that flow, slots in use
	Verdicts                [verdictCount]uint64
	PacketsIn, BytesIn      uint64 // media, opened
	PacketsOut, BytesOut    uint64 // media and RTCP, sealed
	Padding                 uint64 // bytes of padding to form runs
	QueueDrops              uint64 // packets lost at a slow destination
	NACKsIn, NACKsOut       uint64 // packets asked for again
	Retransmitted           uint64
	NotRetransmitted        uint64 // asked for, but no longer there or too often
	KeyFramesAsked          uint64 // PLI and FIR that subscribers sent
	KeyFrameRequests        uint64 // PLI that publishers got
	TransportFeedback       uint64 // transport-wide feedback taken in
	REMB                    uint64
	Switches                uint64 // a subscriber went to another encoding or source
	STUN, DTLS              uint64 // datagrams
	Forwarding              Histogram
	Connecting              Histogram // answer to DTLS done
	FirstMedia              Histogram // answer to the first packet forwarded
	Overload                int       // highest level of shedding among the shards, 0 = none
	Socket                  udp.Counters
}

// VerdictName names the i-th count of Stats.Verdicts.
func VerdictName(i int) string { return Verdict(i).String() }

// Histogram counts durations in fixed buckets.
type Histogram struct {
	Counts [len(buckets) + 1]uint64
	Sum    time.Duration
	Count  uint64
}

var buckets = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	1500 * time.Microsecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2500 * time.Millisecond, 10 * time.Second,
}

// Buckets are the upper bounds of a Histogram's buckets; the last, +Inf, is not listed.
func Buckets() []time.Duration { return buckets[:] }

// observe counts n observations of d.
func (h *Histogram) observe(d time.Duration, n int) {
	i := 0
	for i < len(buckets) && d > buckets[i] {
		i++
	}
	h.Counts[i] += uint64(n)
	h.Count += uint64(n)
	h.Sum += d * time.Duration(n)
}

// add sums two figures of different shards.
func (h *Histogram) add(o *Histogram) {
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
	h.Count += o.Count
	h.Sum += o.Sum
}

// leave adds what was counted at a peer, whose counters end with it.
func (s *Stats) leave(p *peer) {
	s.PacketsOut += p.out.Counters.Packets
	s.BytesOut += p.out.Counters.Bytes
	s.Padding += p.out.Counters.Padding
	s.QueueDrops += p.out.Counters.Dropped
}

func (s *Stats) add(o *Stats) {
	s.Rooms += o.Rooms
	s.Peers += o.Peers
	s.Connected += o.Connected
	s.UpTracks += o.UpTracks
	s.DownTracks += o.DownTracks
	for i, n := range o.Verdicts {
		s.Verdicts[i] += n
	}
	for _, f := range []struct{ to, from *uint64 }{
		{&s.PacketsIn, &o.PacketsIn}, {&s.BytesIn, &o.BytesIn}, {&s.PacketsOut, &o.PacketsOut}, {&s.BytesOut, &o.BytesOut},
		{&s.Padding, &o.Padding}, {&s.QueueDrops, &o.QueueDrops}, {&s.NACKsIn, &o.NACKsIn}, {&s.NACKsOut, &o.NACKsOut},
		{&s.Retransmitted, &o.Retransmitted}, {&s.NotRetransmitted, &o.NotRetransmitted},
		{&s.KeyFramesAsked, &o.KeyFramesAsked}, {&s.KeyFrameRequests, &o.KeyFrameRequests},
		{&s.TransportFeedback, &o.TransportFeedback}, {&s.REMB, &o.REMB}, {&s.Switches, &o.Switches},
		{&s.STUN, &o.STUN}, {&s.DTLS, &o.DTLS},
		{&s.Socket.DatagramsIn, &o.Socket.DatagramsIn}, {&s.Socket.BytesIn, &o.Socket.BytesIn},
		{&s.Socket.ReceiveCalls, &o.Socket.ReceiveCalls}, {&s.Socket.Truncated, &o.Socket.Truncated}, {&s.Socket.Overflowed, &o.Socket.Overflowed},
		{&s.Socket.DatagramsOut, &o.Socket.DatagramsOut}, {&s.Socket.BytesOut, &o.Socket.BytesOut},
		{&s.Socket.SendCalls, &o.Socket.SendCalls}, {&s.Socket.Messages, &o.Socket.Messages},
		{&s.Socket.Runs, &o.Socket.Runs}, {&s.Socket.Segments, &o.Socket.Segments},
		{&s.Socket.Refused, &o.Socket.Refused}, {&s.Socket.Dropped, &o.Socket.Dropped},
	} {
		*f.to += *f.from
	}
	s.Overload = max(s.Overload, o.Overload)
	s.Forwarding.add(&o.Forwarding)
	s.Connecting.add(&o.Connecting)
	s.FirstMedia.add(&o.FirstMedia)
}
