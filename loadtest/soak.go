//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"tarasul/loadtest/page"
)

// Soak is the scenario of a meeting that goes on for hours, measured in windows: nothing may grow from the first to the last.
type Soak struct {
	Meeting Meeting       // its Duration is that of all windows together
	Window  time.Duration // of one measurement
	Growth  float64       // percent by which memory, goroutines and file descriptors may have grown
	Slower  float64       // percent by which latency and the cost of a packet may have
}

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (s *Soak) Validate() error {
	faults := []error{s.Meeting.Validate()}
	if s.Window < time.Second || s.Meeting.Duration < 2*s.Window {
		faults = append(faults, fmt.Errorf("--window: %v, must be at least 1s, and at most half of --duration", s.Window))
	}
	if s.Growth <= 0 || s.Slower <= 0 {
		faults = append(faults, errors.New("--growth and --slower: must be more than 0"))
	}
	if len(s.Meeting.Network.Steps) > 0 {
		faults = append(faults, errors.New("--at: windows can only be compared if the network is the same in all"))
	}
	return errors.Join(faults...)
}

// SoakWindow is what one window has found.
type SoakWindow struct {
	At          float64            `json:"at"` // of its end, in seconds since the first began
	PPS         float64            `json:"forwarded_pps"`
	CPU         float64            `json:"server_cpu_ns_per_packet"`
	Latency     Spread             `json:"latency_ms"`
	Lost        uint64             `json:"lost"`
	Footprint   map[string]float64 `json:"footprint"` // of the server, after a garbage collection
	OtherCPU    float64            `json:"other_cpu_percent"`
	MachineIdle float64            `json:"machine_idle_percent"`
}

// Drift is how one figure has changed from the first window to the last.
type Drift struct {
	Name    string  `json:"name"`
	First   float64 `json:"first"`
	Last    float64 `json:"last"`
	Percent float64 `json:"percent"`
	Bound   float64 `json:"bound"`  // of Last; 0: told, not judged
	Beyond  bool    `json:"beyond"` // it is above its bound
}

// SoakReport is what a soak has found.
type SoakReport struct {
	Scenario     string       `json:"scenario"`
	Participants int          `json:"participants"`
	Window       float64      `json:"window"` // seconds
	Windows      []SoakWindow `json:"windows"`
	Drift        []Drift      `json:"drift"`
	EventGaps    int          `json:"event_gaps"`
	Seed         uint64       `json:"seed"`
	Machine      Machine      `json:"machine"`
	ServerPID    int          `json:"server_pid"`
	ServerClean  bool         `json:"server_clean"`
	Error        string       `json:"error"`
}

// Good reports whether the run found nothing wrong.
func (r *SoakReport) Good() bool { return r.Error == "" }

// Problem is what was wrong, or empty.
func (r *SoakReport) Problem() string { return r.Error }

// Run runs the scenario. A report comes back even with an error, with the windows that were complete.
func (s *Soak) Run(ctx context.Context, progress Progress) (*SoakReport, error) {
	r := &SoakReport{
		Scenario: "soak", Participants: s.Meeting.Rooms * s.Meeting.Participants, Window: s.Window.Seconds(), Windows: []SoakWindow{},
		Drift: []Drift{}, Seed: s.Meeting.Seed, Machine: thisMachine(),
	}
	err := s.run(ctx, r, progress)
	r.compare(s.Growth, s.Slower)
	if err != nil {
		r.Error = wording(err)
	}
	return r, err
}

func (s *Soak) run(ctx context.Context, r *SoakReport, progress Progress) (err error) {
	about := s.Meeting.report()
	a, err := s.Meeting.Target.attach(ctx, about, progress)
	if err != nil {
		return err
	}
	r.ServerPID = about.ServerPID
	defer func() {
		err = errors.Join(err, a.detach(ctx, about))
		r.ServerClean = about.ServerClean
	}()
	metrics := a.metrics(s.Meeting.Target)
	if metrics == "" {
		return errors.New("--metrics is needed: the server's footprint is read at the operators' address")
	}
	crew, err := s.Meeting.assemble(ctx, a.office, progress)
	if err != nil {
		return err
	}
	defer crew.disperse()
	if err := crew.join(ctx, about, progress); err != nil {
		return err
	}
	window := s.Meeting
	window.Duration = s.Window
	crew.m = &window
	begin, count := time.Now().Add(window.Warmup), int(s.Meeting.Duration/s.Window)
	for i := range count {
		found := s.Meeting.report()
		found.ServerPID = about.ServerPID
		err := crew.measure(ctx, found, func(_ string, done, total float64) {
			progress(fmt.Sprintf("window %d of %d", i+1, count), float64(i)*s.Window.Seconds()+min(done, total), float64(count)*s.Window.Seconds())
		})
		window.Warmup = 0 // only before the first
		if err != nil {
			return err
		}
		if found.judge(); found.Error != "" {
			return fmt.Errorf("window %d: %s", i+1, found.Error)
		}
		holds, err := footprint(ctx, metrics)
		if err != nil {
			return err
		}
		r.EventGaps = found.EventGaps
		r.Windows = append(r.Windows, SoakWindow{
			At: round(time.Since(begin).Seconds()), PPS: found.ForwardedPPS, CPU: found.ServerCPUPerPacket, Latency: found.Latency,
			Lost: found.Lost, Footprint: holds, OtherCPU: found.OtherCPU, MachineIdle: found.MachineIdle,
		})
	}
	return nil
}

// Slacks are what a figure may grow by in any case: a percentage of something small says nothing.
const (
	slackCount   = 4       // goroutines and file descriptors: a socket or two that come and go
	slackMemory  = 2 << 20 // bytes
	slackLatency = 0.2     // ms
	slackCPU     = 200     // ns per packet
)

// compare works out how the last window differs from the first, and writes into Error what is beyond its bound.
func (r *SoakReport) compare(growth, slower float64) {
	if len(r.Windows) < 2 {
		return
	}
	first, last := r.Windows[0], r.Windows[len(r.Windows)-1]
	slacks := map[string]float64{
		"goroutines": slackCount, "file_descriptors": slackCount, "heap_bytes": slackMemory, "resident_bytes": slackMemory,
	}
	drift := func(name string, from, to, bound float64) {
		d := Drift{Name: name, First: from, Last: to, Bound: bound, Beyond: bound > 0 && to > bound}
		if from > 0 {
			d.Percent = math.Round((to/from-1)*1000) / 10
		}
		if d.Beyond && r.Error == "" {
			r.Error = fmt.Sprintf("%s grew from %s to %s, beyond %s", strings.ReplaceAll(name, "_", " "), page.Number(from), page.Number(to), page.Number(bound))
		}
		r.Drift = append(r.Drift, d)
	}
	for _, name := range footprintNames {
		from := first.Footprint[name]
		drift(name, from, last.Footprint[name], from+max(from*growth/100, slacks[name]))
	}
	drift("latency_p50_ms", first.Latency.P50, last.Latency.P50, first.Latency.P50+max(first.Latency.P50*slower/100, slackLatency))
	drift("latency_p99_ms", first.Latency.P99, last.Latency.P99, 0)
	if r.ServerPID != 0 {
		drift("ns_per_packet", first.CPU, last.CPU, first.CPU+max(first.CPU*slower/100, slackCPU))
	}
}

// Table writes the report for a person.
func (r *SoakReport) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "soak: %d participants, %d windows of %.0f s; from the first to the last\n", r.Participants, len(r.Windows), r.Window)
	for _, d := range r.Drift {
		bound := "not judged"
		if d.Bound > 0 {
			bound = "at most " + page.Number(d.Bound)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%+.1f %%\t%s\n", strings.ReplaceAll(d.Name, "_", " "), page.Number(d.First), page.Number(d.Last), d.Percent, bound)
	}
	var lost uint64
	for _, window := range r.Windows {
		lost += window.Lost
	}
	fmt.Fprintf(t, "  lost\t%d in all\n", lost)
	if r.Error != "" {
		fmt.Fprintf(t, "  FAILED\t%s\n", r.Error)
	}
	return t.Flush()
}

// HTML writes the report as one page that needs nothing else.
func (r *SoakReport) HTML(w io.Writer) error {
	var table strings.Builder
	if err := r.Table(&table); err != nil {
		return err
	}
	line := func(name string, value func(SoakWindow) float64) page.Line {
		l := page.Line{Name: name}
		for _, window := range r.Windows {
			l.Points = append(l.Points, page.Point{At: window.At, Value: value(window)})
		}
		return l
	}
	held := func(name string, unit float64) func(SoakWindow) float64 {
		return func(window SoakWindow) float64 { return window.Footprint[name] / unit }
	}
	drift := page.Table{Title: "Drift", Head: []string{"", "First window", "Last window", "Change", "At most"}}
	for _, d := range r.Drift {
		drift.Rows = append(drift.Rows, []string{
			strings.ReplaceAll(d.Name, "_", " "), page.Number(d.First), page.Number(d.Last), fmt.Sprintf("%+.1f %%", d.Percent), page.Number(d.Bound),
		})
	}
	p := page.Report{
		Title: fmt.Sprintf("Load test: soak of %d", r.Participants), Where: r.Machine.where(),
		Verdict: verdict(r.Good(), r.Problem(), "nothing has grown beyond its bound"),
		Charts: []page.Chart{
			{Title: "Memory of the server", Unit: "MiB", Lines: []page.Line{
				line("resident", held("resident_bytes", 1<<20)), line("heap after collection", held("heap_bytes", 1<<20)),
			}},
			{Title: "Goroutines and file descriptors", Lines: []page.Line{
				line("goroutines", held("goroutines", 1)), line("descriptors", held("file_descriptors", 1)),
			}},
			{Title: "Latency", Unit: "ms", Log: true, Lines: []page.Line{
				line("p50", func(s SoakWindow) float64 { return s.Latency.P50 }), line("p99", func(s SoakWindow) float64 { return s.Latency.P99 }),
			}},
			{Title: "Server's CPU", Unit: "ns/packet", Lines: []page.Line{line("user and system", func(s SoakWindow) float64 { return s.CPU })}},
			{Title: "Packets forwarded", Unit: "packets/s", Lines: []page.Line{line("received by bots", func(s SoakWindow) float64 { return s.PPS })}},
		},
		Tables: []page.Table{drift}, Logs: []page.Log{{Title: "In full", Text: table.String()}},
	}
	return p.HTML(w)
}
