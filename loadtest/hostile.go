//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tarasul/loadtest/synth"
	"tarasul/loadtest/tally"
	"tarasul/signaling/protocol"
)

// Hostile is the scenario of somebody who throws bad packets at the media port while people meet. The meeting must not notice, and
// the server must count them and hold nothing of them.
type Hostile struct {
	Target       Target
	Participants int
	Packets      int
	Rate         int     // packets per second at most
	Growth       float64 // MiB by which the server's heap and resident memory may have grown
	Seed         uint64
	forms        []form // what is thrown; nil: all
}

// Times and bounds of a hostile run that nobody needs to choose.
const (
	hostileWarmup = time.Second
	hostileAfter  = time.Second // that the meeting goes on, so that what it does afterwards is seen
)

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (h *Hostile) Validate() error {
	faults := []error{h.Target.validate()}
	if h.Participants < 2 || h.Participants > protocol.MaxParticipants {
		faults = append(faults, fmt.Errorf("--participants: %d, must be from 2 to %d", h.Participants, protocol.MaxParticipants))
	}
	if h.Packets < 1 || h.Rate < 1000 {
		faults = append(faults, errors.New("--packets must be at least 1, and --rate at least 1000"))
	}
	if h.Growth <= 0 {
		faults = append(faults, errors.New("--growth: must be more than 0"))
	}
	return errors.Join(faults...)
}

// HostileReport is what a hostile run has found.
type HostileReport struct {
	Scenario     string             `json:"scenario"`
	Participants int                `json:"participants"`
	Packets      int                `json:"packets"` // that were thrown
	PerSecond    float64            `json:"packets_per_second"`
	Thrown       map[string]uint64  `json:"thrown"` // by form and source, such as "dtls from a stranger"
	Streams      int                `json:"streams_expected"`
	Flowing      int                `json:"streams_flowing"` // to the end
	Lost         uint64             `json:"lost"`            // packets of the meeting that did not come at first
	KernelDrops  uint64             `json:"kernel_drops"`    // packets that found no room in the server's sockets, of whomever
	Latency      Spread             `json:"latency_ms"`
	Before       map[string]float64 `json:"before"` // as in a churn
	After        map[string]float64 `json:"after"`
	Counted      Meters             `json:"counted"` // the server's verdicts and counters of datagrams
	Seed         uint64             `json:"seed"`
	Machine      Machine            `json:"machine"`
	ServerClean  bool               `json:"server_clean"`
	Error        string             `json:"error"`
}

// Good reports whether the run found nothing wrong.
func (r *HostileReport) Good() bool { return r.Error == "" }

// Problem is what was wrong, or empty.
func (r *HostileReport) Problem() string { return r.Error }

// Table writes the report for a person.
func (r *HostileReport) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "hostile: %d packets thrown at a meeting of %d, %.0f a second\n", r.Packets, r.Participants, r.PerSecond)
	fmt.Fprintf(t, "  meeting\t%d of %d streams flow, %d packets lost, latency p50 %.2f  p99 %.2f  max %.2f ms\n",
		r.Flowing, r.Streams, r.Lost, r.Latency.P50, r.Latency.P99, r.Latency.Max)
	fmt.Fprintf(t, "  kernel\t%d packets found no room in the server's sockets\n", r.KernelDrops)
	for _, name := range footprintNames {
		fmt.Fprintf(t, "  %s\t%.0f before, %.0f after\n", strings.ReplaceAll(name, "_", " "), r.Before[name], r.After[name])
	}
	for _, f := range forms() {
		fmt.Fprintf(t, "  thrown\t%d %s from strangers, %d from bots' addresses\n", r.Thrown[f.name+fromStranger], f.name, r.Thrown[f.name+fromBot])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counted)) {
		fmt.Fprintf(t, "  counted\t%.0f %s\n", r.Counted[name], name)
	}
	if r.Error != "" {
		fmt.Fprintf(t, "  FAILED\t%s\n", r.Error)
	}
	return t.Flush()
}

// Run runs the scenario. A report comes back even with an error.
func (h *Hostile) Run(ctx context.Context, progress Progress) (*HostileReport, error) {
	r := &HostileReport{Scenario: "hostile", Participants: h.Participants, Seed: h.Seed, Machine: thisMachine(), Thrown: map[string]uint64{}}
	err := h.run(ctx, r, progress)
	if err != nil {
		r.Error = wording(err)
	} else {
		r.judge(h.Growth)
	}
	return r, err
}

// meeting is the one that is not to notice.
func (h *Hostile) meeting() *Meeting {
	return &Meeting{
		Target: h.Target, Participants: h.Participants, Publishers: h.Participants, Rooms: 1, Video: 150_000, FrameRate: 30, Audio: 32_000,
		Voices: h.Participants - 1, TileWidth: 320, TileHeight: 180, Duration: time.Hour, Sample: 4, Feedback: true, Seed: h.Seed,
	}
}

func (h *Hostile) run(ctx context.Context, r *HostileReport, progress Progress) (err error) {
	m := h.meeting()
	about := m.report()
	a, err := h.Target.attach(ctx, about, progress)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, a.detach(ctx, about))
		r.ServerClean = about.ServerClean
	}()
	metrics := a.metrics(h.Target)
	if metrics == "" {
		return errors.New("--metrics is needed: the server's counters and memory are read at the operators' address")
	}
	wires := make([]*wire, h.Participants)
	for i := range wires {
		wires[i] = &wire{}
	}
	m.wires = wires
	crew, err := m.assemble(ctx, a.office, progress)
	if err != nil {
		return err
	}
	defer crew.disperse()
	if err := crew.join(ctx, about, progress); err != nil {
		return err
	}
	if err := crew.pass(ctx, hostileWarmup, func(time.Duration) error { return nil }); err != nil {
		return err
	}
	if r.Before, err = footprint(ctx, metrics); err != nil {
		return err
	}
	counters, err := readMeters(ctx, metrics)
	if err != nil {
		return err
	}
	servers := addresses(wires)
	drops := socketDrops(servers)
	if err := crew.engine.StartWindow(); err != nil {
		return err
	}
	for i, b := range crew.bots {
		wires[i].inject = b.Peer().Inject
	}
	thrown := h.forms
	if thrown == nil {
		thrown = forms()
	}
	t, err := newThrower(wires, servers, h.Seed, thrown, r.Thrown)
	if err != nil {
		return err
	}
	defer t.close()
	throwing, release := crew.guard(ctx)
	begin := time.Now()
	r.Packets, err = t.throw(throwing, h.Packets, h.Rate, progress)
	r.PerSecond = round(float64(r.Packets) / time.Since(begin).Seconds())
	release()
	if err == nil {
		err = crew.pass(ctx, hostileAfter, func(time.Duration) error { return nil })
	}
	// What was seen is told even if a call has ended.
	return errors.Join(err, r.take(ctx, crew, about, servers, drops, counters, metrics))
}

// take writes down what the meeting and the server have seen since the window, the drops and the counters began.
func (r *HostileReport) take(
	ctx context.Context, crew *crew, about *Report, servers []netip.AddrPort, drops uint64, counters Meters, metrics string,
) error {
	m := crew.m
	w, err := crew.engine.EndWindow(func(receiver, sender int) bool { return m.sees(receiver, sender) })
	if err != nil {
		return err
	}
	r.Streams, r.Flowing = about.StreamsExpected, w.VideoFlows+min(w.VoiceFlows, about.VoicesExpected)
	r.Lost = w.Received[synth.Voice].Lost() + w.Received[synth.Camera].Lost()
	r.Lost -= min(r.Lost, w.Dropped) // in the bots' own sockets
	r.KernelDrops = socketDrops(servers) - drops
	all := tally.Histogram{}
	all.Merge(w.Latency[synth.Voice])
	all.Merge(w.Latency[synth.Camera])
	r.Latency = spread(&all)
	now, err := readMeters(ctx, metrics)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrServer, err)
	}
	r.Counted = now.since(counters).of(
		"tarasul_media_verdicts_total", "tarasul_media_stun_", "tarasul_media_dtls_", "tarasul_udp_datagrams_", "tarasul_udp_truncated_")
	r.After, err = footprint(ctx, metrics)
	return err
}

// judge writes into Error what should not be.
func (r *HostileReport) judge(growth float64) {
	// What the kernel had no room for may have been a packet of the meeting, which everybody else then misses.
	excused := r.KernelDrops * uint64(r.Participants-1)
	switch {
	case r.Flowing < r.Streams:
		r.Error = fmt.Sprintf("%d of %d streams flow", r.Flowing, r.Streams)
	case r.Lost > excused:
		r.Error = fmt.Sprintf("%d packets of the meeting were lost, and the kernel dropped only %d in all", r.Lost, r.KernelDrops)
	case r.After["goroutines"] > r.Before["goroutines"]+slackCount:
		r.Error = fmt.Sprintf("goroutines grew from %.0f to %.0f", r.Before["goroutines"], r.After["goroutines"])
	case r.After["file_descriptors"] > r.Before["file_descriptors"]+slackCount:
		r.Error = fmt.Sprintf("file descriptors grew from %.0f to %.0f", r.Before["file_descriptors"], r.After["file_descriptors"])
	}
	for _, name := range []string{"heap_bytes", "resident_bytes"} {
		if grown := (r.After[name] - r.Before[name]) / (1 << 20); grown > growth && r.Error == "" {
			r.Error = fmt.Sprintf("%s grew by %.1f MiB, beyond %.1f", strings.ReplaceAll(name, "_", " "), grown, growth)
		}
	}
}

// addresses are where the server offered media.
func addresses(wires []*wire) (all []netip.AddrPort) {
	for _, w := range wires {
		if !slices.Contains(all, w.server) {
			all = append(all, w.server)
		}
	}
	return all
}
