//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/synth"
	"tarasul/signaling/protocol"
)

// crew is the bots of a run and their engine.
type crew struct {
	m        *Meeting
	engine   *bot.Engine
	stop     func() // the engine
	bots     []*bot.Bot
	meetings []protocol.MeetingID
	timings  []bot.Timing
	metrics  string    // the operators' address, or empty
	network  *network  // nil if it does nothing
	floor    *baseline // nil if it was not measured
}

// startEngine starts an engine; stop ends it and waits for it.
func startEngine() (engine *bot.Engine, stop func(), err error) {
	if engine, err = bot.NewEngine(); err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { engine.Run(running); close(ended) }()
	return engine, func() {
		cancel()
		<-ended
		engine.Close()
	}, nil
}

// assemble makes the people, the meetings and the bots, up to where a person would press "join".
func (m *Meeting) assemble(ctx context.Context, o *office, progress Progress) (_ *crew, err error) {
	n := m.Rooms * m.Participants
	sessions, people, err := o.hire(ctx, n, progress)
	if err != nil {
		return nil, err
	}
	engine, stop, err := startEngine()
	if err != nil {
		return nil, err
	}
	c := &crew{m: m, engine: engine, stop: stop, bots: make([]*bot.Bot, n), timings: make([]bot.Timing, n), network: newNetwork(m.Network)}
	defer func() {
		if err != nil {
			c.disperse()
		}
	}()
	for room := range m.Rooms {
		invited := people[room*m.Participants : (room+1)*m.Participants]
		id, err := o.convene(ctx, fmt.Sprintf("Load test %d", room+1), invited, m.Duration+m.Warmup+time.Minute)
		if err != nil {
			return nil, err
		}
		c.meetings = append(c.meetings, id)
	}
	roster := bot.NewRoster(people)
	script := synth.NewScript(m.Publishers, m.Speakers, m.Seed)
	for i := range n {
		progress("bots get ready", float64(i), float64(n))
		cfg := bot.Config{Roster: roster, TileWidth: m.TileWidth, TileHeight: m.TileHeight, ShowPictures: m.Video > 0, Peer: bot.PeerConfig{
			Index: i, Bots: n, FrameRate: m.FrameRate, Temporal: 1, Sample: m.Sample, Feedback: m.Feedback, Script: script,
			Voice: i % m.Participants, AudioSlots: m.Voices, Seed: m.Seed,
		}}
		if c.network != nil {
			cfg.Peer.Route = c.network.route
		}
		if m.wires != nil {
			cfg.Peer.Route, cfg.Peer.Tap = m.wires[i].route, m.wires[i].tap
		}
		for sender := range n {
			if m.sees(i, sender) && m.Video > 0 {
				cfg.Peer.VideoSlots++
			}
		}
		if m.publishes(i) {
			cfg.Peer.Camera, cfg.Peer.AudioRate, cfg.Peer.Microphone = m.encodings(), m.Audio, m.Audio > 0
			if m.Simulcast {
				cfg.Peer.Temporal = 3
			}
		}
		b, err := bot.New(ctx, c.engine, sessions[i], Client, cfg)
		if err != nil {
			return nil, err
		}
		c.bots[i] = b
		if _, err := b.Look(ctx, c.meetings[m.room(i)]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// disperse closes the bots and the engine.
func (c *crew) disperse() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	// A server that is gone cannot be told, which is no news here.
	_ = limited(ctx, len(c.bots), 8, func(ctx context.Context, i int) error {
		if b := c.bots[i]; b != nil {
			if c.timings[i].Answered != 0 && b.Socket().Err() == nil {
				_ = b.Leave(ctx)
			}
			b.Close()
		}
		return nil
	})
	c.stop()
	c.network.close()
}

// join lets the bots join and waits until everybody sees everybody.
func (c *crew) join(ctx context.Context, r *Report, progress Progress) error {
	begin, n := time.Now(), len(c.bots)
	joined := make(chan struct{}, n)
	finished := make(chan error, 1)
	go func() {
		finished <- limited(ctx, n, n, func(ctx context.Context, i int) error {
			defer func() { joined <- struct{}{} }()
			timer := time.NewTimer(time.Until(begin.Add(time.Duration(i) * c.m.Ramp)))
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			ctx, cancel := context.WithTimeout(ctx, joinTimeout)
			defer cancel()
			t, err := c.bots[i].Join(ctx, c.meetings[c.m.room(i)])
			c.timings[i] = t
			if err != nil {
				return fmt.Errorf("bot %d: %w", i, err)
			}
			return nil
		})
	}()
	for count, done := 0, false; !done; {
		select {
		case <-joined:
			count++
			progress("bots join", float64(count), float64(n))
		case err := <-finished:
			if err != nil {
				return err
			}
			done = true
		}
	}
	if err := c.awaitPictures(ctx, r, progress); err != nil {
		return err
	}
	return c.reportJoins(r)
}

// awaitPictures waits until all pictures that are expected have been seen once. Those that never come are found missing when
// the window is judged.
func (c *crew) awaitPictures(ctx context.Context, r *Report, progress Progress) error {
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	tick := time.NewTicker(picturePause)
	defer tick.Stop()
	for {
		s, err := c.engine.Sample()
		if err != nil {
			return err
		}
		progress("pictures arrive", float64(s.Pictures), float64(r.VideoExpected))
		if s.Pictures >= r.VideoExpected {
			return nil
		}
		if err := c.failure(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		}
	}
}

// failure is the first failure of any bot so far.
func (c *crew) failure() error {
	for _, b := range c.bots {
		select {
		case <-b.Failed():
			return b.Err()
		default:
		}
	}
	return nil
}

// reportJoins works out how long joining took.
func (c *crew) reportJoins(r *Report) error {
	times := make([]bot.Times, len(c.bots))
	for i, b := range c.bots {
		var err error
		if times[i], err = b.Peer().Times(); err != nil {
			return err
		}
	}
	var joins, answers, media, pictures []time.Duration
	var lastRequest, lastPicture int64
	for i, t := range c.timings {
		joins = append(joins, time.Duration(t.Connected-t.Requested))
		answers = append(answers, time.Duration(t.Answered-t.Requested))
		lastRequest = max(lastRequest, t.Requested)
		// Who was first in the room can receive nothing before another comes.
		other := int64(0)
		for sender := range times {
			if c.m.sees(i, sender) && (other == 0 || c.timings[sender].Requested < other) {
				other = c.timings[sender].Requested
			}
		}
		from, picture := max(t.Requested, other), int64(0)
		for _, at := range times[i].Pictures {
			if at != 0 && (picture == 0 || at < picture) {
				picture = at
			}
			lastPicture = max(lastPicture, at)
		}
		if times[i].FirstMedia != 0 {
			media = append(media, time.Duration(max(0, times[i].FirstMedia-from)))
		}
		if picture != 0 {
			pictures = append(pictures, time.Duration(max(0, picture-from)))
		}
	}
	r.Join, r.JoinAnswer, r.FirstMedia, r.FirstPicture = spreadOf(joins), spreadOf(answers), spreadOf(media), spreadOf(pictures)
	if lastPicture > 0 {
		r.FullMeeting = milliseconds(time.Duration(max(0, lastPicture-lastRequest)))
	}
	return nil
}

// pass lets d pass, calls each every second and at the end, and stops at the first failure of a bot.
func (c *crew) pass(ctx context.Context, d time.Duration, each func(passed time.Duration) error) error {
	begin := time.Now()
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	failed := make(chan error, 1)
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, b := range c.bots {
		go func() {
			select {
			case <-b.Failed():
				select {
				case failed <- b.Err():
				default:
				}
			case <-watching.Done():
			}
		}()
	}
	for {
		select {
		case <-tick.C:
			if left := d - time.Since(begin); left < sampleInterval/2 {
				continue // the end comes with the next
			}
			if err := each(time.Since(begin)); err != nil {
				return err
			}
		case <-end.C:
			return each(time.Since(begin))
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// guard is a context that ends with the first failure of a bot, which is its cause; release ends it and waits for its watchers.
func (c *crew) guard(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, b := range c.bots {
		watching.Go(func() {
			select {
			case <-b.Failed():
				cancel(b.Err())
			case <-ctx.Done():
			}
		})
	}
	return ctx, func() {
		cancel(nil)
		watching.Wait()
	}
}
