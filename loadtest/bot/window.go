//go:build linux

package bot

import (
	"fmt"
	"reflect"
	"time"

	"tarasul/loadtest/synth"
	"tarasul/loadtest/tally"
)

// Totals count what all peers of an engine have seen. All fields are counters.
type Totals struct {
	Packets, Bytes  uint64 // RTP received, retransmissions included
	Retransmissions uint64 // received on an RTX stream
	Recovered       uint64 // of them, what had been missing
	GivenUp         uint64 // missing packets that did not come in spite of all NACKs

	Sampled        uint64 // packets decrypted
	Unstamped      uint64 // of them, without a stamp: the first packet of a large key frame has none
	Padding        uint64 // nothing but padding
	Undecipherable uint64
	Misdirected    uint64 // the stamp is not of whom the server has announced in this slot
	Withheld       uint64 // left out by the server without a gap in the sequence numbers
	Starts         uint64 // video streams that began
	BlindStarts    uint64 // of them or of changes of source, those without a key frame
	BrokenFrames   uint64 // picture IDs or timestamps that jump, or no VP8

	Early   uint64 // media before there were keys, beyond what is kept
	Foreign uint64 // datagrams of no known stream or kind

	RTCP, BrokenRTCP uint64
	PLIs, NACKs      uint64 // received, about what we send
	TransportReports uint64
	SenderReports    uint64
	NACKsSent        uint64
	PLIsSent         uint64
	SendErrors       uint64 // datagrams that could not be sent
}

// Sub gives what was counted since former.
func (t Totals) Sub(former Totals) Totals {
	v, f := reflect.ValueOf(&t).Elem(), reflect.ValueOf(former)
	for i := range v.NumField() {
		v.Field(i).SetUint(v.Field(i).Uint() - f.Field(i).Uint())
	}
	return t
}

// collector gathers what only matters while a window is measured.
type collector struct {
	from    int64
	totals  Totals
	leftOut uint64
	sent    [2]Sent
	drops   uint64
	byKind  [2]tally.Histogram
	second  tally.Histogram
}

func (c *collector) latency(kind synth.Kind, d time.Duration) {
	c.byKind[kind].Add(d)
	c.second.Add(d)
}

// Received is what was received of one kind in a window.
type Received struct {
	tally.Counts        // of sequence numbers, retransmissions not counted
	Packets      uint64 // retransmissions not counted
	Bytes        uint64
}

// Window is what was measured between StartWindow and EndWindow, by kind where it is an array.
type Window struct {
	Duration time.Duration
	Totals   Totals
	Received [2]Received
	Sent     [2]Sent
	Latency  [2]*tally.Histogram // of the sampled packets: from sealing at the sender to the kernel of the receiver
	Longest  *tally.Histogram    // the longest time without a packet of each video stream

	VideoFlows int      // pairs of a receiver and a sender whose picture flowed to the end
	VoiceFlows int      // voice slots that received packets
	Silent     []string // "receiver<-sender" of pictures that did not flow, at most 20

	Lateness *tally.Histogram // how long after their time bots sent: if it is large, the tester was overloaded
	LeftOut  uint64           // frames that bots did not send at all because of that
	Dropped  uint64           // datagrams that were lost in bots' own sockets
}

// StartWindow begins to measure.
func (e *Engine) StartWindow() error {
	return e.Do(func() {
		e.window = &collector{
			from: e.clock.Since(), totals: e.totals, leftOut: e.leftOut, sent: e.sent(), drops: e.drops(),
		}
		e.lateness = tally.Histogram{}
		for _, p := range e.peers {
			for _, st := range p.streams {
				st.base, st.basis, st.longest = st.sequence.Counts(), [2]uint64{st.packets, st.bytes}, 0
			}
			for kind := range p.seen {
				for bot := range p.seen[kind] {
					p.seen[kind][bot].inWindow = 0
				}
			}
		}
	})
}

func (e *Engine) sent() (sent [2]Sent) {
	for _, p := range e.peers {
		for _, s := range p.sources {
			sent[s.kind].Add(s.sent)
		}
	}
	return sent
}

func (e *Engine) drops() (n uint64) {
	for _, p := range e.peers {
		n += uint64(p.socket.Dropped())
	}
	return n
}

// fresh is how old the last sampled packet of a picture may be for it to count as flowing.
const fresh = int64(3 * time.Second)

// EndWindow ends the measurement. pictures says which senders' pictures a bot is to receive.
func (e *Engine) EndWindow(pictures func(receiver, sender int) bool) (w *Window, err error) {
	err = e.Do(func() {
		c, now := e.window, e.clock.Since()
		e.window = nil
		lateness := e.lateness
		w = &Window{
			Duration: time.Duration(now - c.from), Totals: e.totals.Sub(c.totals), Lateness: &lateness, LeftOut: e.leftOut - c.leftOut,
			Latency: [2]*tally.Histogram{&c.byKind[0], &c.byKind[1]}, Longest: &tally.Histogram{}, Dropped: e.drops() - c.drops,
		}
		for kind, sent := range e.sent() {
			w.Sent[kind] = sent.Sub(c.sent[kind])
		}
		for _, p := range e.peers {
			p.measure(w, now, c.from, pictures)
		}
	})
	return w, err
}

// measure adds what a peer has received to w.
func (p *Peer) measure(w *Window, now, from int64, pictures func(receiver, sender int) bool) {
	for _, st := range p.streams {
		if st.rtx {
			continue
		}
		counts, packets := st.sequence.Counts().Sub(st.base), st.packets-st.basis[0]
		r := &w.Received[st.slot.kind]
		r.Expected += counts.Expected
		r.Received += counts.Received
		r.Reordered += counts.Reordered
		r.Duplicates += counts.Duplicates
		r.Stale += counts.Stale
		r.LargestGap = max(r.LargestGap, counts.LargestGap)
		r.Packets += packets
		r.Bytes += st.bytes - st.basis[1]
		if packets == 0 {
			continue
		}
		if st.slot.kind == synth.Voice {
			w.VoiceFlows++
		} else {
			w.Longest.Add(time.Duration(max(st.longest, now-st.lastAt)))
		}
	}
	for sender := range p.seen[synth.Camera] {
		f := p.seen[synth.Camera][sender]
		switch {
		case !pictures(p.cfg.Index, sender):
		case f.inWindow > 0 && f.lastAt >= max(from, now-fresh):
			w.VideoFlows++
		case len(w.Silent) < 20:
			w.Silent = append(w.Silent, fmt.Sprintf("%d<-%d", p.cfg.Index, sender))
		}
	}
}

// Sample is the state of an engine at a moment, for progress and charts.
type Sample struct {
	At       int64
	Totals   Totals
	Expected uint64 // sequence numbers, all streams
	Received uint64
	P50, P99 time.Duration // of latency since the last sample; 0 outside a window
	Pictures int           // pairs of which a picture has ever arrived
}

// Sample reads the state.
func (e *Engine) Sample() (s Sample, err error) {
	err = e.Do(func() {
		s.At, s.Totals = e.clock.Since(), e.totals
		for _, p := range e.peers {
			for _, st := range p.streams {
				if !st.rtx {
					counts := st.sequence.Counts()
					s.Expected += counts.Expected
					s.Received += counts.Received
				}
			}
			for _, f := range p.seen[synth.Camera] {
				if f.firstAt != 0 {
					s.Pictures++
				}
			}
		}
		if e.window != nil {
			s.P50, s.P99 = e.window.second.Percentile(50), e.window.second.Percentile(99)
			e.window.second = tally.Histogram{}
		}
	})
	return s, err
}

// Times are the moments of a peer's joining on the engine's clock; 0 where it has not come to that.
type Times struct {
	Connected  int64   // keys were there
	FirstMedia int64   // the first RTP packet arrived
	Pictures   []int64 // by bot: the first packet of its picture that was read
}

// Times reads the moments.
func (p *Peer) Times() (t Times, err error) {
	err = p.engine.Do(func() {
		t = Times{Connected: p.connectedAt, FirstMedia: p.firstMedia}
		for _, f := range p.seen[synth.Camera] {
			t.Pictures = append(t.Pictures, f.firstAt)
		}
	})
	return t, err
}

// Assign tells the peer what the server has announced: which bot each slot carries, by mid. Slots that are not named carry
// nothing.
func (p *Peer) Assign(bots map[string]int) error {
	return p.engine.Do(func() {
		now := p.engine.clock.Since()
		for mid, s := range p.slots {
			bot, ok := bots[mid]
			if !ok {
				bot = nobody
			}
			if bot != s.carries {
				s.carries, s.assignedAt = bot, now
				if s.media != nil {
					s.media.known = false
				}
			}
		}
	})
}

// Want tells the peer which of its encodings anybody watches: by rid, "" without simulcast.
func (p *Peer) Want(kind synth.Kind, rids map[string]bool) error {
	return p.engine.Do(func() {
		for _, s := range p.sources {
			wanted, named := rids[s.rid]
			if s.kind != kind || !named || wanted == !s.stopped {
				continue
			}
			s.stopped = !wanted
			if wanted {
				s.keyAsked, s.lastKey = true, 0
			}
		}
	})
}
