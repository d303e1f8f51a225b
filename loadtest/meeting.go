//go:build linux

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/synth"
	"tarasul/signaling/protocol"
)

// Target says which server is measured, and how its process is found.
type Target struct {
	URL      string // of a server that runs
	Command  string // or how to start one
	PID      int    // 0: found by Command, or by who listens at URL on this machine
	Metrics  string // the operators' address, such as http://127.0.0.1:9090; empty: not read
	Admin    string // "login:password"; empty: as a demonstration server says
	Insecure bool   // accept any certificate
}

// Meeting is the scenario of people who meet: everybody sees everybody in their room.
type Meeting struct {
	Target       Target
	Participants int // per room
	Publishers   int // of them, those who send; 0: all
	Rooms        int
	Video        int  // bits per second of the camera (of its largest encoding); 0: no camera
	Simulcast    bool // three encodings
	FrameRate    int
	Audio        int // bits per second of a voice; 0: no microphone
	Voices       int // audio slots per bot
	Speakers     int // how many of a room speak at any time; 0: all
	TileWidth    int
	TileHeight   int
	Ramp         time.Duration // between two joins; 0: all at once
	Warmup       time.Duration
	Duration     time.Duration
	Sample       int
	Feedback     bool
	Seed         uint64
}

// Times that no run should take.
const (
	joinTimeout    = 20 * time.Second
	pictureTimeout = 15 * time.Second
	cleanupTimeout = 30 * time.Second
	sampleInterval = time.Second
	picturePause   = 20 * time.Millisecond
)

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (m *Meeting) Validate() error {
	var faults []error
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if m.Target.URL == "" && m.Target.Command == "" {
		m.Target.URL = "http://127.0.0.1:8080"
	}
	if m.Target.URL != "" && m.Target.Command != "" {
		refuse("--server and --server-cmd exclude each other")
	}
	if m.Participants < 2 || m.Participants > protocol.MaxParticipants {
		refuse("--participants: %d, must be from 2 to %d", m.Participants, protocol.MaxParticipants)
	}
	if m.Publishers == 0 {
		m.Publishers = m.Participants
	}
	if m.Publishers < 1 || m.Publishers > m.Participants {
		refuse("--publishers: %d, must be from 1 to the number of participants", m.Publishers)
	}
	if m.Rooms < 1 || m.Rooms*m.Participants > 3000 {
		refuse("--rooms: %d, must be at least 1, and 3000 participants at most in all", m.Rooms)
	}
	if m.Video == 0 && m.Audio == 0 {
		refuse("nothing is sent: --video or --audio is needed")
	}
	if m.Video != 0 && (m.Video < 20_000 || m.Video > 50_000_000) {
		refuse("--video: must be from 20kbps to 50Mbps")
	}
	if m.Simulcast && m.Video != 0 && m.Video < 300_000 {
		refuse("--video: at least 300kbps with --simulcast, for three encodings")
	}
	if m.Audio != 0 && (m.Audio < 12_000 || m.Audio > 400_000) {
		refuse("--audio-rate: must be from 12kbps to 400kbps")
	}
	if m.FrameRate < 1 || m.FrameRate > 120 {
		refuse("--fps: %d, must be from 1 to 120", m.FrameRate)
	}
	if m.Voices < 0 || m.Voices > protocol.MaxParticipants-1 {
		refuse("--voices: %d, must be from 0 to %d", m.Voices, protocol.MaxParticipants-1)
	}
	if m.Speakers < 0 || m.Speakers > m.Participants {
		refuse("--speakers: %d, must be from 0 to the number of participants", m.Speakers)
	}
	if m.TileWidth < 1 || m.TileHeight < 1 {
		refuse("--tile: must be at least 1x1")
	}
	if m.Duration < time.Second {
		refuse("--duration: %v, must be at least 1s", m.Duration)
	}
	if m.Ramp < 0 || m.Warmup < 0 {
		refuse("--ramp and --warmup: must not be negative")
	}
	if m.Sample < 1 {
		refuse("--sample: %d, must be at least 1", m.Sample)
	}
	return errors.Join(faults...)
}

// encodings of the camera: browsers give the three of a simulcast about one, three and ten parts of the bit rate.
func (m *Meeting) encodings() []bot.Encoding {
	if m.Video == 0 {
		return nil
	}
	if m.Simulcast {
		return []bot.Encoding{
			{Bitrate: m.Video / 10, Width: 320, Height: 180},
			{Bitrate: m.Video * 3 / 10, Width: 640, Height: 360},
			{Bitrate: m.Video, Width: 1280, Height: 720},
		}
	}
	size := [2]int{320, 180}
	switch {
	case m.Video >= 1_500_000:
		size = [2]int{1280, 720}
	case m.Video >= 400_000:
		size = [2]int{640, 360}
	}
	return []bot.Encoding{{Bitrate: m.Video, Width: size[0], Height: size[1]}}
}

// room and place of a bot by its number.
func (m *Meeting) room(index int) int       { return index / m.Participants }
func (m *Meeting) publishes(index int) bool { return index%m.Participants < m.Publishers }

// sees reports whether a bot is to receive another's media.
func (m *Meeting) sees(receiver, sender int) bool {
	return receiver != sender && m.room(receiver) == m.room(sender) && m.publishes(sender)
}

// expectations counts the pictures and voices that are to flow.
func (m *Meeting) expectations() (pictures, voices int) {
	audible := m.Publishers
	if m.Speakers > 0 {
		audible = min(audible, m.Speakers)
	}
	for receiver := range m.Rooms * m.Participants {
		others := m.Publishers
		if m.publishes(receiver) {
			others--
		}
		if m.Video > 0 {
			pictures += others
		}
		if m.Audio > 0 {
			voices += min(m.Voices, others, audible)
		}
	}
	return pictures, voices
}

// Run runs the scenario. A report comes back even with an error, as far as the run has come; ErrServer is among the errors
// if the server died.
func (m *Meeting) Run(ctx context.Context, progress Progress) (*Report, error) {
	r := &Report{
		Scenario: "meeting", Participants: m.Rooms * m.Participants, Publishers: m.Rooms * m.Publishers, Rooms: m.Rooms, Voices: m.Voices,
		Audio: m.Audio, Sample: m.Sample, Seed: m.Seed, Machine: thisMachine(), Series: []Second{}, Video: []int{}, Silent: []string{},
	}
	for _, e := range m.encodings() {
		r.Video = append(r.Video, e.Bitrate)
	}
	r.VideoExpected, r.VoicesExpected = m.expectations()
	r.StreamsExpected = r.VideoExpected + r.VoicesExpected
	err := m.run(ctx, r, progress)
	if err != nil {
		r.Error = err.Error()
	}
	r.judge()
	return r, err
}

func (m *Meeting) run(ctx context.Context, r *Report, progress Progress) (err error) {
	address := m.Target.URL
	if m.Target.Command != "" {
		progress("the server starts", 0, 1)
		own, startErr := startServer(ctx, m.Target.Command, m.Target.Admin == "")
		if startErr != nil {
			return startErr
		}
		address, r.ServerPID, r.ServerReady = own.url, own.command.Process.Pid, milliseconds(own.ready)
		defer func() {
			stopErr := own.stop()
			r.ServerClean = stopErr == nil
			err = errors.Join(err, stopErr)
		}()
	}
	server, err := bot.NewServer(address, m.Target.Insecure)
	if err != nil {
		return err
	}
	defer server.Close()
	switch {
	case m.Target.PID != 0:
		r.ServerPID = m.Target.PID
	case r.ServerPID == 0:
		r.ServerPID = listener(server.URL())
	}
	office, err := openOffice(ctx, server, m.Target.Admin)
	if err != nil {
		return err
	}
	defer office.close()
	if m.Target.Command == "" {
		defer func() {
			// The run may have been interrupted, and still the people must go.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
			defer cancel()
			err = errors.Join(err, office.dismiss(ctx))
		}()
	}
	crew, err := m.assemble(ctx, office, progress)
	if err != nil {
		return err
	}
	defer crew.disperse()
	if err := crew.join(ctx, r, progress); err != nil {
		return err
	}
	return crew.measure(ctx, r, progress)
}

// crew is the bots of a run and their engine.
type crew struct {
	m        *Meeting
	engine   *bot.Engine
	stop     func() // the engine
	bots     []*bot.Bot
	meetings []protocol.MeetingID
	timings  []bot.Timing
}

// assemble makes the people, the meetings and the bots, up to where a person would press "join".
func (m *Meeting) assemble(ctx context.Context, o *office, progress Progress) (_ *crew, err error) {
	n := m.Rooms * m.Participants
	sessions, people, err := o.hire(ctx, n, progress)
	if err != nil {
		return nil, err
	}
	engine, err := bot.NewEngine()
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { engine.Run(running); close(ended) }()
	c := &crew{m: m, engine: engine, bots: make([]*bot.Bot, n), timings: make([]bot.Timing, n), stop: func() {
		stop()
		<-ended
		engine.Close()
	}}
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
		// Who was first in the room can receive nothing before another is there.
		other := int64(0)
		for sender := range times {
			if c.m.sees(i, sender) && (other == 0 || times[sender].Connected < other) {
				other = times[sender].Connected
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

// measure lets the meeting settle, measures it, and writes down what was found, even if it ends early.
func (c *crew) measure(ctx context.Context, r *Report, progress Progress) error {
	err := c.pass(ctx, c.m.Warmup, func(passed time.Duration) error {
		progress("the meeting settles", passed.Seconds(), c.m.Warmup.Seconds())
		return nil
	})
	if err != nil {
		return err
	}
	var metersBefore Meters
	if c.m.Target.Metrics != "" {
		if metersBefore, err = readMeters(ctx, c.m.Target.Metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	if err := c.engine.StartWindow(); err != nil {
		return err
	}
	before, err := takeMeasure(r.ServerPID)
	if err != nil {
		return err
	}
	last, lastUsage := bot.Sample{}, before
	if last, err = c.engine.Sample(); err != nil {
		return err
	}
	first := last.At
	endErr := c.pass(ctx, c.m.Duration, func(passed time.Duration) error {
		progress("measuring", passed.Seconds(), c.m.Duration.Seconds())
		now, err := c.engine.Sample()
		if err != nil {
			return err
		}
		used, err := takeMeasure(r.ServerPID)
		if err != nil {
			return err
		}
		r.Series = append(r.Series, second(first, last, now, lastUsage, used))
		last, lastUsage = now, used
		return nil
	})
	after, usageErr := takeMeasure(r.ServerPID)
	if usageErr != nil {
		// A server that died has no account any more: the last one has to do.
		after = lastUsage
	}
	w, err := c.engine.EndWindow(func(receiver, sender int) bool { return c.m.Video > 0 && c.m.sees(receiver, sender) })
	if err != nil {
		return err
	}
	r.fill(w)
	r.account(before, after, w.Totals.Packets)
	if c.m.Target.Metrics != "" && endErr == nil {
		metersAfter, err := readMeters(ctx, c.m.Target.Metrics)
		if err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
		r.ServerMeters = metersAfter.since(metersBefore)
	}
	for _, b := range c.bots {
		r.EventGaps += b.Socket().SequenceGaps()
	}
	return errors.Join(endErr, usageErr)
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

// measurement is what processes have used at a moment.
type measurement struct {
	at          time.Time
	server      usage
	client      time.Duration
	idle, total time.Duration
}

// takeMeasure reads what was used so far; with no process known, the server's part stays empty.
func takeMeasure(pid int) (m measurement, err error) {
	m.at = time.Now()
	if pid != 0 {
		if m.server, err = readUsage(pid); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w: process %d has ended", ErrServer, pid)
			}
			return m, err
		}
	}
	m.client = ownTime()
	m.idle, m.total = machineTime()
	return m, nil
}

// account writes down what was used between two measurements for a number of packets.
func (r *Report) account(before, after measurement, packets uint64) {
	user, system := after.server.user-before.server.user, after.server.system-before.server.system
	if packets > 0 {
		r.ServerUserPerPacket = round(float64(user) / float64(packets))
		r.ServerSystemPerPacket = round(float64(system) / float64(packets))
		r.ServerCPUPerPacket = round(float64(user+system) / float64(packets))
	}
	wall := after.at.Sub(before.at)
	if wall > 0 {
		r.ServerCPU = round(float64(user+system) * 100 / float64(wall))
		r.ClientCPU = round(float64(after.client-before.client) * 100 / float64(wall))
	}
	if total := after.total - before.total; total > 0 {
		r.MachineIdle = round(float64(after.idle-before.idle) * 100 / float64(total))
	}
	r.ServerRSS, r.ServerRSSNow = mebibytes(after.server.peak), mebibytes(after.server.resident)
}

func second(first int64, last, now bot.Sample, before, after measurement) Second {
	seconds := time.Duration(now.At - last.At).Seconds()
	t := now.Totals.Sub(last.Totals)
	s := Second{
		At: round(time.Duration(now.At - first).Seconds()), P50: milliseconds(now.P50), P99: milliseconds(now.P99),
		Lost: (now.Expected - last.Expected) - min(now.Received-last.Received, now.Expected-last.Expected), ServerRSS: mebibytes(after.server.resident),
	}
	if seconds > 0 {
		s.PPS, s.Mbps = round(float64(t.Packets)/seconds), round(float64(t.Bytes)*8/1e6/seconds)
	}
	if wall := after.at.Sub(before.at); wall > 0 {
		used := after.server.user + after.server.system - before.server.user - before.server.system
		s.ServerCPU = round(float64(used) * 100 / float64(wall))
	}
	return s
}

func mebibytes(bytes int64) float64 { return round(float64(bytes) / (1 << 20)) }
