package relay

import (
	"time"

	"tarasul/loadtest/tally"
)

// Counters are what one or more links have done.
type Counters struct {
	Packets     uint64 `json:"packets"` // given to them
	Bytes       uint64 `json:"bytes"`   // of UDP payload
	Passed      uint64 `json:"passed"`
	PassedBytes uint64 `json:"passed_bytes"`
	LostOnWire  uint64 `json:"lost_on_wire"`
	LostInQueue uint64 `json:"lost_in_queue"`
	LostNoRoom  uint64 `json:"lost_no_room"` // the relay had no memory left: its own fault, never a link's
	LostSending uint64 `json:"lost_sending"` // the kernel refused it when it left the relay
	// Queue is how long packets took from their arrival until the link had sent them.
	Queue Spread `json:"queue_ms"`
}

// Loss is the share of all packets that were lost, 0 to 1.
func (c Counters) Loss() float64 {
	if c.Packets == 0 {
		return 0
	}
	return float64(c.LostOnWire+c.LostInQueue+c.LostNoRoom+c.LostSending) / float64(c.Packets)
}

func (c *Counters) add(o *Counters) {
	c.Packets += o.Packets
	c.Bytes += o.Bytes
	c.Passed += o.Passed
	c.PassedBytes += o.PassedBytes
	c.LostOnWire += o.LostOnWire
	c.LostInQueue += o.LostInQueue
	c.LostNoRoom += o.LostNoRoom
	c.LostSending += o.LostSending
}

// Spread is a distribution in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func spread(h *tally.Histogram) Spread {
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	return Spread{P50: ms(h.Percentile(50)), P95: ms(h.Percentile(95)), P99: ms(h.Percentile(99)), Max: ms(h.Max())}
}

// Counters are what the link has done so far.
func (l *Link) Counters() Counters {
	c := l.counters
	c.Queue = spread(&l.waits)
	return c
}
