//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/relay"
	"tarasul/signaling/protocol"
)

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
	Broadcast    bool             // it is called so: few publish, many watch
	Floor        bool             // measure what a packet costs at least, before the meeting
	Network      relay.Impairment // between the bots and the server; its changes come after the start of the window
	Seed         uint64

	wires []*wire // of each bot, where they are listened in on
}

// Times that no run should take.
const (
	joinTimeout    = 20 * time.Second
	pictureTimeout = 15 * time.Second
	cleanupTimeout = 30 * time.Second
	sampleInterval = time.Second
	picturePause   = 20 * time.Millisecond
	longest        = 23 * time.Hour // meetings are planned for a day at most
)

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (m *Meeting) Validate() error {
	faults := []error{m.Target.validate()}
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
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
	if m.Duration < time.Second || m.Duration > longest {
		refuse("--duration: %v, must be from 1s to %v", m.Duration, longest)
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
	r := m.report()
	err := m.run(ctx, r, progress)
	if err != nil {
		r.Error = wording(err)
	}
	r.judge()
	return r, err
}

// report is a report in which nothing has been found yet.
func (m *Meeting) report() *Report {
	name := "meeting"
	if m.Broadcast {
		name = "broadcast"
	}
	r := &Report{
		Scenario: name, Participants: m.Rooms * m.Participants, Publishers: m.Rooms * m.Publishers, Rooms: m.Rooms, Voices: m.Voices,
		Audio: m.Audio, Sample: m.Sample, Seed: m.Seed, Machine: thisMachine(), Series: []Second{}, Video: []int{}, Silent: []string{},
	}
	for _, e := range m.encodings() {
		r.Video = append(r.Video, e.Bitrate)
	}
	r.VideoExpected, r.VoicesExpected = m.expectations()
	r.StreamsExpected = r.VideoExpected + r.VoicesExpected
	return r
}

func (m *Meeting) run(ctx context.Context, r *Report, progress Progress) (err error) {
	var floor *baseline
	if m.Floor {
		if floor, err = measureBaseline(ctx, m.Participants-1, progress); err != nil {
			return err
		}
	}
	a, err := m.Target.attach(ctx, r, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.detach(ctx, r)) }()
	crew, err := m.assemble(ctx, a.office, progress)
	if err != nil {
		return err
	}
	defer crew.disperse()
	crew.metrics, crew.floor = a.metrics(m.Target), floor
	if err := crew.join(ctx, r, progress); err != nil {
		return err
	}
	return crew.measure(ctx, r, progress)
}
