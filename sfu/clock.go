package sfu

import "time"

// tick is the clock's step. The loop turns it while packets come, and Receive returns
// after so long when none do.
const tick = 10 * time.Millisecond

// What happens every so many ticks. Peers are spread over the interval by their index,
// so that their reports do not all leave in one turn.
const (
	feedbackTicks = 10  // transport-wide feedback: 100 ms, as libwebrtc by default
	listenTicks   = 10  // speakers
	allocateTicks = 20  // targets, where an encoding has stopped or nobody wants it
	reportTicks   = 100 // sender and receiver reports
	resendBudget  = 20  // retransmissions per tick and peer
)

// clock does what is due at now.
func (s *shard) clock(now time.Time) {
	if now.Before(s.nextTick) {
		return
	}
	s.nextTick = s.nextTick.Add(tick)
	if s.nextTick.Before(now) { // late, or idle before: do not catch up
		s.nextTick = now.Add(tick)
	}
	s.ticks++
	for _, r := range s.rooms {
		r.clock(s.ticks, now)
	}
}

func (r *room) clock(n uint64, now time.Time) {
	if n%listenTicks == 0 {
		r.listen(now)
	}
	if r.reallocate || n%allocateTicks == 0 {
		r.allocate(now)
	}
	for _, p := range r.peers {
		if p == nil {
			continue
		}
		if now.Sub(p.heard) > goneAfter {
			p.lost("ice_timeout", now)
			continue
		}
		p.clock(n+uint64(p.index), now)
	}
}

func (p *peer) clock(n uint64, now time.Time) {
	if p.in == nil {
		return
	}
	p.resends = min(p.resends+resendBudget, 10*resendBudget)
	for _, up := range p.up {
		if up == nil {
			continue
		}
		for _, e := range up.encodings {
			if e.ring == nil {
				continue
			}
			if !up.source.audio() {
				if lost := e.ring.Missing(now, p.rtt, p.shard.lost[:0]); len(lost) > 0 {
					p.shard.lost = lost
					p.shard.stats.NACKsOut += uint64(len(lost))
					p.sendNACK(e.ssrc, lost)
				}
			}
			if e.keyPending || e.keyDue && e.flowing(now) && now.Sub(e.keyAsked) > max(keyOverdue, 2*p.rtt) {
				e.askKey(now)
			}
		}
	}
	if p.ready(now) {
		for _, d := range p.slots {
			if d.picture {
				d.wantsKey(now)
			}
		}
	}
	if p.recorded && n%feedbackTicks == 0 {
		p.sendTransportFeedback()
	}
	if p.reportNow || n%reportTicks == 0 {
		p.sendReports(now)
	}
}
