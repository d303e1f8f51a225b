//go:build linux && (amd64 || arm64)

package floor

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// figure is one thing that is measured: a turn, again and again, and what its packets cost in each round.
type figure struct {
	turn    func() error
	packets int // of a turn
	rounds  []float64
}

// Measure measures. It takes about a quarter of a second for each round, and as much longer as the machine is busy with other things.
// progress, if it is not nil, is told how much is done. The error says that the kernel refused what it must not refuse, or that ctx
// ended; a target that this machine does not allow is no error, unless there is no other.
func Measure(ctx context.Context, cfg Config, progress func(done, total int)) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	r := &Result{Packet: cfg.Packet, Destinations: cfg.Destinations, Rounds: cfg.Rounds}
	var targets []*target
	defer func() {
		for _, t := range targets {
			t.close()
		}
	}()
	for _, name := range cfg.Targets {
		t, err := open(name, cfg.Destinations)
		if err != nil {
			r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		targets = append(targets, t)
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("floor: no target can be measured: %v", r.Missing)
	}

	// Each figure is measured a little in each round, so that a busy moment disturbs one round of many figures and not all
	// rounds of one.
	longest := cfg.Lengths[len(cfg.Lengths)-1]
	sealer := newSender(targets[0], cfg, longest)
	figures := []*figure{{turn: sealer.sealAll, packets: sealer.packets()}}
	sent := make([]uint64, len(targets))
	for i, t := range targets {
		for _, length := range cfg.Lengths {
			s := newSender(t, cfg, length)
			for _, turn := range []func() error{s.sealAndSend, s.sendAll} {
				f := &figure{packets: s.packets(), turn: func() error {
					sent[i] += uint64(s.packets())
					return turn()
				}}
				if err := f.turn(); err != nil {
					return nil, fmt.Errorf("floor: send runs of %d to %s: %w", length, t.name, err)
				}
				figures = append(figures, f)
			}
		}
	}
	if err := run(ctx, figures, cfg.Rounds, cfg.Slice, progress); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}

	r.Seal = median(figures[0].rounds)
	next := figures[1:]
	for i, t := range targets {
		found := Target{Name: t.name}
		for _, length := range cfg.Lengths {
			both, send := next[0].rounds, next[1].rounds
			next = next[2:]
			found.Runs = append(found.Runs, Run{length, median(send), median(both), slices.Min(both), slices.Max(both)})
		}
		if t.received != nil {
			found.Lost = max(0, 1-float64(t.received())/float64(sent[i]))
		}
		r.Targets = append(r.Targets, found)
	}
	return r, nil
}

// run measures all figures, round by round.
func run(ctx context.Context, figures []*figure, rounds int, slice time.Duration, progress func(done, total int)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for round := range rounds {
		for i, f := range figures {
			if err := ctx.Err(); err != nil {
				return err
			}
			ns, err := f.measure(slice)
			if err != nil {
				return err
			}
			f.rounds = append(f.rounds, ns)
			if progress != nil {
				progress(round*len(figures)+i+1, rounds*len(figures))
			}
		}
	}
	return nil
}

// measure takes turns until they have used so much CPU time, and tells what a packet of them cost. The first one warms the caches.
func (f *figure) measure(slice time.Duration) (ns float64, err error) {
	if err := f.turn(); err != nil {
		return 0, err
	}
	began, err := used()
	if err != nil {
		return 0, err
	}
	for turns := 0; ; {
		for range 4 {
			if err := f.turn(); err != nil {
				return 0, err
			}
		}
		turns += 4
		now, err := used()
		if err != nil {
			return 0, err
		}
		if took := now - began; took >= slice {
			return float64(took) / float64(turns*f.packets), nil
		}
	}
}

// used is the CPU time of the calling thread, user and system.
func used() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
