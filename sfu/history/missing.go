package history

import (
	"slices"
	"time"
)

// How often a missing packet is asked for: again after a round trip, each time a quarter later than the time before, and
// no more once it would come too late to be of use.
const (
	minRepeat   = 20 * time.Millisecond
	maxRequests = 10
	maxAge      = time.Second
	maxMissing  = 512
)

// missing is the packets that were passed over, in order.
type missing struct {
	list []gap
	next time.Duration // no packet is due before
}

type gap struct {
	seq      int64
	since    time.Duration
	due      time.Duration
	interval time.Duration
	requests int
}

// add takes in the numbers from first up to, but not including, seq. It returns how many older ones had to give way.
func (m *missing) add(first, seq int64, at, wait time.Duration) (dropped uint64) {
	if first >= seq {
		return 0
	}
	if over := len(m.list) + int(seq-first) - maxMissing; over > 0 {
		m.list = slices.Delete(m.list, 0, over)
		dropped = uint64(over)
	}
	if len(m.list) == 0 || at+wait < m.next {
		m.next = at + wait
	}
	for ; first < seq; first++ {
		m.list = append(m.list, gap{seq: first, since: at, due: at + wait})
	}
	return dropped
}

// remove strikes out a packet that came after all.
func (m *missing) remove(seq int64) {
	if len(m.list) == 0 {
		return
	}
	i, found := slices.BinarySearchFunc(m.list, seq, func(g gap, seq int64) int { return int(g.seq - seq) })
	if found {
		m.list = slices.Delete(m.list, i, i+1)
	}
}

func (m *missing) clear() (dropped uint64) {
	dropped = uint64(len(m.list))
	m.list = m.list[:0]
	return dropped
}

// Missing appends to dst the sequence numbers to request from the publisher now, in order. rtt is the round trip to him, 0
// if it is not known. A packet is first requested after the ReorderWait, then after each round trip (at least 20 ms) a
// quarter later than the time before, and is given up after ten requests or a second. Missing may be called at any time:
// it costs nothing while nothing is due.
func (r *Ring) Missing(now time.Time, rtt time.Duration, dst []uint16) []uint16 {
	m := &r.missing
	if len(m.list) == 0 {
		return dst
	}
	at := now.Sub(r.epoch)
	if at < m.next {
		return dst
	}
	kept := m.list[:0]
	m.next = at + maxAge
	for _, g := range m.list {
		if at-g.since >= maxAge || g.requests == maxRequests && at >= g.due {
			r.stats.Abandoned++
			continue
		}
		if at >= g.due {
			dst = append(dst, uint16(g.seq))
			r.stats.Requested++
			g.interval = max(g.interval+g.interval/4, rtt, minRepeat)
			g.requests++
			g.due = at + g.interval
		}
		m.next = min(m.next, g.due, g.since+maxAge)
		kept = append(kept, g)
	}
	m.list = kept
	return dst
}

// Due is when Missing next has something to do; ok is false while nothing is missing.
func (r *Ring) Due() (at time.Time, ok bool) {
	return r.epoch.Add(r.missing.next), len(r.missing.list) > 0
}
