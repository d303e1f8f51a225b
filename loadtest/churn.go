//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/synth"
	"tarasul/loadtest/tally"
	"tarasul/signaling/protocol"
)

// Churn is the scenario of people who come and go: a few stay in a meeting, the others join, receive, and leave, over and over.
// Afterwards the server must be as it was before: goroutines, file descriptors and heap.
type Churn struct {
	Target  Target
	Joins   int // in all, those that warm up not counted
	AtOnce  int // people who come and go at the same time
	Settle  time.Duration
	Percent float64 // by which the server may have grown
	Seed    uint64
}

// Sizes of a churn that nobody needs to choose.
const (
	churnStaying = 2  // people who stay, so that there is something to receive
	churnWarmup  = 10 // joins of each person before the base line is taken
	churnWait    = 5 * time.Second
	settlePause  = 250 * time.Millisecond
)

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (c *Churn) Validate() error {
	err := c.Target.validate()
	if c.Joins < 1 {
		err = errors.Join(err, fmt.Errorf("--joins: %d, must be at least 1", c.Joins))
	}
	if c.AtOnce < 1 || c.AtOnce > protocol.MaxParticipants-churnStaying {
		err = errors.Join(err, fmt.Errorf("--at-once: %d, must be from 1 to %d", c.AtOnce, protocol.MaxParticipants-churnStaying))
	}
	if c.Percent <= 0 {
		err = errors.Join(err, fmt.Errorf("--percent: %v, must be more than 0", c.Percent))
	}
	return err
}

// ChurnReport is what a churn has found.
type ChurnReport struct {
	Scenario    string             `json:"scenario"`
	Joins       int                `json:"joins"`
	Failures    int                `json:"failures"`
	First       string             `json:"first_failure"`
	PerSecond   float64            `json:"joins_per_second"`
	Join        Spread             `json:"join_ms"`        // as in a meeting
	FirstMedia  Spread             `json:"first_media_ms"` // as in a meeting
	Before      map[string]float64 `json:"before"`         // of the server: goroutines, file descriptors, heap and resident bytes
	After       map[string]float64 `json:"after"`
	Growth      map[string]float64 `json:"growth_percent"`
	Settled     float64            `json:"settled_ms"` // until the server was back where it had been
	Seed        uint64             `json:"seed"`
	Machine     Machine            `json:"machine"`
	ServerClean bool               `json:"server_clean"`
	Error       string             `json:"error"`
}

// Good reports whether the run found nothing wrong.
func (r *ChurnReport) Good() bool { return r.Error == "" }

// Problem is what was wrong, or empty.
func (r *ChurnReport) Problem() string { return r.Error }

// Table writes the report for a person.
func (r *ChurnReport) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "churn: %d joins, %.1f a second, %d failed\n", r.Joins, r.PerSecond, r.Failures)
	fmt.Fprintf(t, "  join\tp50 %.2f  p95 %.2f  p99 %.2f  max %.2f ms\n", r.Join.P50, r.Join.P95, r.Join.P99, r.Join.Max)
	fmt.Fprintf(t, "  first media\tp50 %.2f  p95 %.2f  p99 %.2f  max %.2f ms\n", r.FirstMedia.P50, r.FirstMedia.P95, r.FirstMedia.P99, r.FirstMedia.Max)
	for _, name := range footprintNames {
		fmt.Fprintf(t, "  %s\t%.0f before, %.0f after: %+.2f %%\n", name, r.Before[name], r.After[name], r.Growth[name])
	}
	if r.Error != "" {
		fmt.Fprintf(t, "  FAILED\t%s\n", r.Error)
	}
	return t.Flush()
}

// footprintNames are what must come back; resident memory is told but not judged, for the kernel takes its time.
var footprintNames = []string{"goroutines", "file_descriptors", "heap_bytes", "resident_bytes"}

// footprint reads what the server holds, after a garbage collection.
func footprint(ctx context.Context, address string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/debug/pprof/heap?gc=1", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	m, err := readMeters(ctx, address)
	if err != nil {
		return nil, err
	}
	return map[string]float64{
		"goroutines": m["go_goroutines"], "file_descriptors": m["process_open_fds"], "heap_bytes": m["go_memstats_heap_alloc_bytes"],
		"resident_bytes": m["process_resident_memory_bytes"],
	}, nil
}

// Run runs the scenario. A report comes back even with an error.
func (c *Churn) Run(ctx context.Context, progress Progress) (*ChurnReport, error) {
	r := &ChurnReport{Scenario: "churn", Seed: c.Seed, Machine: thisMachine(), Growth: map[string]float64{}}
	err := c.run(ctx, r, progress)
	switch {
	case err != nil:
		r.Error = wording(err)
	case r.Failures > 0:
		r.Error = fmt.Sprintf("%d joins failed, the first: %s", r.Failures, r.First)
	default:
		for _, name := range footprintNames[:3] {
			if r.Growth[name] > c.Percent {
				r.Error = fmt.Sprintf("%s have grown by %.2f %%", name, r.Growth[name])
			}
		}
	}
	return r, err
}

func (c *Churn) run(ctx context.Context, r *ChurnReport, progress Progress) (err error) {
	var about Report
	a, err := c.Target.attach(ctx, &about, progress)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, a.detach(ctx, &about))
		r.ServerClean = about.ServerClean
	}()
	metrics := a.metrics(c.Target)
	if metrics == "" {
		return errors.New("--metrics is needed: the server's footprint is read at the operators' address")
	}
	sessions, people, err := a.office.hire(ctx, churnStaying+c.AtOnce, progress)
	if err != nil {
		return err
	}
	meeting, err := a.office.convene(ctx, "Load test: churn", people, time.Hour)
	if err != nil {
		return err
	}
	engine, stop, err := startEngine()
	if err != nil {
		return err
	}
	defer stop()
	v := &visits{engine: engine, sessions: sessions, meeting: meeting, roster: bot.NewRoster(people), script: synth.NewScript(len(people), 0, c.Seed), seed: c.Seed}
	for i := range churnStaying {
		stays, err := v.visit(ctx, i)
		if err != nil {
			return err
		}
		defer stays.Close()
	}
	if err := v.many(ctx, c.AtOnce, churnWarmup*c.AtOnce, progress, "warming up"); err != nil {
		return err
	}
	if v.failures > 0 {
		r.Failures, r.First = v.failures, v.first
		return nil
	}
	if r.Before, err = c.base(ctx, metrics, progress); err != nil {
		return err
	}
	v.joins, v.media = tally.Histogram{}, tally.Histogram{}
	begin := time.Now()
	if err := v.many(ctx, c.AtOnce, c.Joins, progress, "people come and go"); err != nil {
		return err
	}
	r.Joins, r.Failures, r.First = c.Joins, v.failures, v.first
	r.PerSecond = round(float64(c.Joins) / time.Since(begin).Seconds())
	r.Join, r.FirstMedia = spread(&v.joins), spread(&v.media)
	return c.settle(ctx, metrics, r, progress)
}

// base takes the base line once the server holds nothing more of the last visits: when two readings are alike.
func (c *Churn) base(ctx context.Context, metrics string, progress Progress) (map[string]float64, error) {
	former, err := footprint(ctx, metrics)
	for begin := time.Now(); err == nil; {
		if err = wait(ctx, settlePause); err != nil {
			break
		}
		var now map[string]float64
		if now, err = footprint(ctx, metrics); err != nil {
			break
		}
		alike := now["goroutines"] == former["goroutines"] && now["file_descriptors"] == former["file_descriptors"]
		if alike || time.Since(begin) > c.Settle {
			return now, nil
		}
		former = now
		progress("the server settles", time.Since(begin).Seconds(), c.Settle.Seconds())
	}
	return nil, err
}

// settle waits until the server is back where it was, or until it is time to say that it is not.
func (c *Churn) settle(ctx context.Context, metrics string, r *ChurnReport, progress Progress) (err error) {
	for begin := time.Now(); ; {
		if r.After, err = footprint(ctx, metrics); err != nil {
			return err
		}
		back := true
		for _, name := range footprintNames {
			r.Growth[name] = math.Round((r.After[name]/r.Before[name]-1)*1e4) / 100
			back = back && (name == "resident_bytes" || r.Growth[name] <= c.Percent)
		}
		r.Settled = milliseconds(time.Since(begin))
		if back || time.Since(begin) > c.Settle {
			return nil
		}
		progress("the server settles", time.Since(begin).Seconds(), c.Settle.Seconds())
		if err := wait(ctx, settlePause); err != nil {
			return err
		}
	}
}

// wait lets d pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// visits are joins of people who leave again.
type visits struct {
	engine   *bot.Engine
	sessions []*bot.Session
	meeting  protocol.MeetingID
	roster   *bot.Roster
	script   *synth.Script
	seed     uint64

	joins, media tally.Histogram // of many; visited is how they get there
	failures     int
	first        string
}

// visited is one visit's outcome.
type visited struct {
	join, media time.Duration
	err         error
}

// many lets people visit n times in all, atOnce at the same time.
func (v *visits) many(ctx context.Context, atOnce, n int, progress Progress, stage string) error {
	outcomes := make(chan visited, atOnce)
	turns := make(chan struct{})
	for i := range atOnce {
		go func() {
			for range turns {
				outcomes <- v.once(ctx, churnStaying+i)
			}
		}()
	}
	given := 0
	offer := turns
	for done := 0; done < n; {
		if given == n {
			offer = nil
		}
		select {
		case offer <- struct{}{}:
			given++
		case o := <-outcomes:
			done++
			progress(stage, float64(done), float64(n))
			if o.err != nil {
				if v.failures++; v.first == "" {
					v.first = o.err.Error()
				}
				continue
			}
			v.joins.Add(o.join)
			v.media.Add(o.media)
		}
	}
	close(turns)
	return ctx.Err()
}

// once is one visit: join, wait for the first media, leave.
func (v *visits) once(ctx context.Context, i int) (o visited) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	b, err := v.bot(ctx, i)
	if err != nil {
		return visited{err: err}
	}
	defer b.Close()
	t, err := b.Join(ctx, v.meeting)
	if err != nil {
		return visited{err: err}
	}
	first, err := b.Peer().AwaitMedia(ctx, churnWait)
	if err != nil {
		return visited{err: err}
	}
	if err := b.Leave(ctx); err != nil {
		return visited{err: err}
	}
	return visited{join: time.Duration(t.Connected - t.Requested), media: time.Duration(first - t.Requested)}
}

// visit is a visit of somebody who stays.
func (v *visits) visit(ctx context.Context, i int) (*bot.Bot, error) {
	b, err := v.bot(ctx, i)
	if err != nil {
		return nil, err
	}
	if _, err := b.Join(ctx, v.meeting); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (v *visits) bot(ctx context.Context, i int) (*bot.Bot, error) {
	return bot.New(ctx, v.engine, v.sessions[i], Client, bot.Config{
		Roster: v.roster, TileWidth: 320, TileHeight: 180, ShowPictures: true, Peer: bot.PeerConfig{
			Index: i, Voice: i, Bots: len(v.sessions), Microphone: true, AudioRate: 32_000, FrameRate: 30, Temporal: 1,
			Camera: []bot.Encoding{{Bitrate: 150_000, Width: 320, Height: 180}}, AudioSlots: 6, VideoSlots: 12,
			Sample: 16, Feedback: true, Script: v.script, Seed: v.seed,
		},
	})
}

// nothing takes in events that nobody needs.
func nothing(string, json.RawMessage) {}
