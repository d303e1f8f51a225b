//go:build linux && (amd64 || arm64)

package loadtest

import (
	"fmt"
	"io"
	"strings"

	"tarasul/loadtest/page"
)

// HTML writes the report as one page that needs nothing else. See package page.
func (r *Report) HTML(w io.Writer) error {
	var table strings.Builder
	if err := r.Table(&table); err != nil {
		return err
	}
	p := page.Report{
		Title:   fmt.Sprintf("Load test: %s of %d", r.Scenario, r.Participants),
		Where:   r.Machine.where(),
		Verdict: verdict(r.Good(), r.Problem(), fmt.Sprintf("%d of %d streams flow", r.StreamsFlowing, r.StreamsExpected)),
		Facts:   r.facts(), Charts: r.charts(),
		Logs: []page.Log{{Title: "In full", Text: table.String()}},
	}
	for _, m := range r.Marks {
		p.Marks = append(p.Marks, page.Mark{At: m.At, Name: m.Name})
	}
	return p.HTML(w)
}

// where is one sentence on what a run was made on.
func (m Machine) where() string {
	return fmt.Sprintf("%s, %d CPUs, Linux %s, %s; server and bots on the same machine unless said otherwise", m.CPU, m.CPUs, m.Kernel, m.Go)
}

// verdict is the problem, or what is good.
func verdict(good bool, problem, success string) page.Verdict {
	if good {
		return page.Verdict{Good: true, Text: success}
	}
	return page.Verdict{Text: problem}
}

// facts are the figures that are seen at once.
func (r *Report) facts() []page.Fact {
	fact := func(name string, value float64, unit string) page.Fact {
		return page.Fact{Name: name, Value: page.Number(value), Unit: unit}
	}
	facts := []page.Fact{
		fact("Forwarded", r.ForwardedPPS, "packets/s"), fact("Bit rate", r.ForwardedMbps, "Mbit/s"),
		fact("Latency p50", r.Latency.P50, "ms"), fact("Latency p99", r.Latency.P99, "ms"),
		{Name: "Lost", Value: page.Number(float64(r.Lost)), Unit: "packets", Bad: r.Lost > 0 && r.Relay == nil},
		fact("Join p95", r.Join.P95, "ms"),
	}
	if r.ServerPID != 0 {
		facts = append(facts, fact("Server", r.ServerCPUPerPacket, "ns/packet"), fact("Server's memory", r.ServerRSSWindow, "MiB"))
	}
	if r.RatioToFloor > 0 {
		facts = append(facts, fact("Floor", r.FloorPerPacket, "ns/packet"), fact("Of the floor", r.RatioToFloor, "times"))
	}
	return facts
}

// charts are what is drawn over time.
func (r *Report) charts() []page.Chart {
	line := func(name string, value func(Second) float64) page.Line {
		l := page.Line{Name: name}
		for _, s := range r.Series {
			l.Points = append(l.Points, page.Point{At: s.At, Value: value(s)})
		}
		return l
	}
	all := []page.Chart{
		{Title: "Packets forwarded", Unit: "packets/s", Lines: []page.Line{line("received by bots", func(s Second) float64 { return s.PPS })}},
		{Title: "Bit rate", Unit: "Mbit/s", Lines: []page.Line{line("received by bots", func(s Second) float64 { return s.Mbps })}},
		{Title: "Latency", Unit: "ms", Log: true, Note: "from sealing in one bot to the kernel of the other", Lines: []page.Line{
			line("p50", func(s Second) float64 { return s.P50 }), line("p99", func(s Second) float64 { return s.P99 }),
		}},
		{Title: "Loss", Unit: "packets", Note: "before retransmission", Lines: []page.Line{line("missing", func(s Second) float64 { return float64(s.Lost) })}},
	}
	if r.ServerPID != 0 {
		all = append(all,
			page.Chart{Title: "CPU of the server", Unit: "% of a core", Lines: []page.Line{line("user and system", func(s Second) float64 { return s.ServerCPU })}},
			page.Chart{Title: "Memory of the server", Unit: "MiB", Lines: []page.Line{line("resident", func(s Second) float64 { return s.ServerRSS })}})
	}
	return all
}
