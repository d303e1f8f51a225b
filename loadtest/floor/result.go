//go:build linux && (amd64 || arm64)

package floor

import (
	"bytes"
	"fmt"
	"io"
)

// Result is what was found. All figures are CPU nanoseconds of the sending thread, user and system, per packet.
type Result struct {
	Packet       int      `json:"packet_bytes"`
	Destinations int      `json:"destinations"`
	Rounds       int      `json:"rounds"`
	Seal         float64  `json:"seal_ns"` // alone
	Targets      []Target `json:"targets"`
	Missing      []string `json:"missing,omitempty"` // targets that this machine does not allow, with the reason
}

// Target is where packets were sent to.
type Target struct {
	Name string  `json:"name"`
	Runs []Run   `json:"runs"` // in order of length
	Lost float64 `json:"lost"` // share of the packets that a drained socket had no room for: above a few percent the figures are too low
}

// Run is what runs of one length cost.
type Run struct {
	Length   int     `json:"length"`
	Send     float64 `json:"send_ns"`      // alone
	SealSend float64 `json:"seal_send_ns"` // the floor
	Least    float64 `json:"least_ns"`     // of SealSend in any round
	Most     float64 `json:"most_ns"`
}

// Target finds a target by its name; nil if it was not measured.
func (r *Result) Target(name string) *Target {
	for i := range r.Targets {
		if r.Targets[i].Name == name {
			return &r.Targets[i]
		}
	}
	return nil
}

// At is the floor in CPU nanoseconds per packet for a mean length of runs, which is packets by messages. A packet costs a + b/length,
// because what a message costs is shared by its packets, and a mixture of lengths costs what its mean says; so the straight
// line between two measured neighbours is drawn over 1/length. Beyond the longest that was measured the last line goes on.
func (t *Target) At(length float64) float64 {
	n := len(t.Runs)
	switch {
	case n == 0:
		return 0
	case n == 1 || !(length > float64(t.Runs[0].Length)):
		return t.Runs[0].SealSend
	}
	i := 1
	for i < n-1 && float64(t.Runs[i].Length) < length {
		i++
	}
	a, b := t.Runs[i-1], t.Runs[i]
	from, to := 1/float64(a.Length), 1/float64(b.Length)
	ns := a.SealSend + (b.SealSend-a.SealSend)*(1/length-from)/(to-from)
	if length > float64(b.Length) { // noise must not make a longer run dearer
		return min(ns, b.SealSend)
	}
	return ns
}

// Table writes the figures for a person.
func (r *Result) Table(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "floor: ns of CPU per packet of %d bytes, to %d destinations, median of %d and from-to\n", r.Packet, r.Destinations, r.Rounds)
	fmt.Fprintf(&b, "  %-26s%11.0f\n", "seal", r.Seal)
	for _, target := range r.Targets {
		row := func(name, format string, value func(Run) any) {
			fmt.Fprintf(&b, "  %-26s", name)
			for _, run := range target.Runs {
				fmt.Fprintf(&b, "%11s", fmt.Sprintf(format, value(run)))
			}
			b.WriteByte('\n')
		}
		row(target.Name+", run of", "%d", func(run Run) any { return run.Length })
		row("  send", "%.0f", func(run Run) any { return run.Send })
		row("  seal + send", "%.0f", func(run Run) any { return run.SealSend })
		row("", "%s", func(run Run) any { return fmt.Sprintf("%.0f-%.0f", run.Least, run.Most) })
		if target.Lost > 0 {
			fmt.Fprintf(&b, "    %.2f %% of the packets found no room, and cost less than the others\n", target.Lost*100)
		}
	}
	for _, missing := range r.Missing {
		fmt.Fprintf(&b, "  without %s\n", missing)
	}
	_, err := w.Write(b.Bytes())
	return err
}
