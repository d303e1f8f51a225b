package speaker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var epoch = time.Unix(1_800_000_000, 0)

const (
	ms   = time.Millisecond
	none = -1 // no packet
)

// voice gives the level of a participant's packet, in -dBov, at each frame.
type voice func(frame int) int

// silence is a microphone that is open in a quiet room.
func silence(frame int) int { return 65 + frame%3 }

// speech is somebody who talks: syllables of 100 to 260 ms, short gaps, and a breath now and then.
func speech(seed uint64) voice {
	random := rand.New(rand.NewPCG(seed, 1))
	left, sounding, loud := 0, false, 0
	return func(int) int {
		for left == 0 {
			if sounding = !sounding; sounding {
				left, loud = 5+random.IntN(9), 22+random.IntN(10)
			} else if left = 1 + random.IntN(3); random.IntN(10) == 0 {
				left = 10 + random.IntN(10)
			}
		}
		left--
		if sounding {
			return loud + random.IntN(4)
		}
		return 60 + random.IntN(10)
	}
}

// between is one voice from a moment to another and another voice otherwise.
func between(from, to time.Duration, inside, outside voice) voice {
	return func(f int) int {
		if at := time.Duration(f) * frame; at >= from && at < to {
			return inside(f)
		}
		return outside(f)
	}
}

func steady(level int) voice { return func(int) int { return level } }

// switchover is a change of the dominant speaker.
type switchover struct {
	at time.Duration
	to int32
}

// listen runs a conversation, with a Tick every 100 ms, and reports the changes. each is called after every Tick.
func listen(t *testing.T, d *Detector, length time.Duration, each func(at time.Duration), voices ...voice) []switchover {
	t.Helper()
	var all []switchover
	for f := range int(length / frame) {
		at := time.Duration(f) * frame
		now := epoch.Add(at)
		for id, v := range voices {
			if level := v(f); level != none {
				d.Observe(int32(id), uint8(level), now)
			}
		}
		if f%5 != 4 {
			continue
		}
		if dominant, changed := d.Tick(now); changed {
			all = append(all, switchover{at, dominant})
		} else if dominant != d.Dominant() {
			t.Fatalf("%v: %d became %d without a change", at, d.Dominant(), dominant)
		}
		if each != nil {
			each(at)
		}
	}
	return all
}

// expect compares the changes with the wanted speakers, each of whom has to come within the time.
func expect(t *testing.T, got []switchover, want ...switchover) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("changes: %v, want %v", got, want)
	}
	for i, w := range want {
		if got[i].to != w.to || got[i].at > w.at {
			t.Fatalf("changes: %v, want %v", got, want)
		}
	}
}

func TestWhoSpeaksBecomesDominant(t *testing.T) {
	for seed := range uint64(50) {
		got := listen(t, New(), 10*time.Second, nil, silence, between(2*time.Second, 8*time.Second, speech(seed), silence), silence)
		expect(t, got, switchover{3 * time.Second, 1})
		if got[0].at < 2*time.Second {
			t.Errorf("before the first word: %v", got)
		}
	}
}

func TestSpeakersFollowOneAnother(t *testing.T) {
	for seed := range uint64(50) {
		expect(t, listen(t, New(), 24*time.Second, nil,
			between(0, 8*time.Second, speech(seed), silence),
			between(8*time.Second, 16*time.Second, speech(seed+1000), silence),
			between(16*time.Second, 24*time.Second, speech(seed+2000), silence),
		), switchover{time.Second, 0}, switchover{9500 * ms, 1}, switchover{17500 * ms, 2})
	}
}

func TestAnInterruptionTakesOverOnlyWhenTheSpeakerYields(t *testing.T) {
	for seed := range uint64(50) {
		got := listen(t, New(), 12*time.Second, nil,
			between(0, 6*time.Second, speech(seed), silence),
			between(5*time.Second, 12*time.Second, speech(seed+1000), silence))
		expect(t, got, switchover{time.Second, 0}, switchover{7500 * ms, 1})
		if got[1].at < 5300*ms {
			t.Errorf("interrupted at the first word: %v", got)
		}
	}
}

func TestCoughsAndShortWordsDoNotSwitch(t *testing.T) {
	cough := func(from, length time.Duration) voice { return between(from, from+length, steady(12), silence) }
	for seed := range uint64(50) {
		for _, c := range []struct {
			name string
			v    voice
		}{
			{"during speech", cough(4*time.Second, 300*ms)},
			{"in a silence", cough(9*time.Second, 400*ms)},
			{"a word in a silence", between(9*time.Second, 9350*ms, speech(seed+1000), silence)},
		} {
			got := listen(t, New(), 12*time.Second, nil, between(0, 8*time.Second, speech(seed), silence), c.v)
			if len(got) != 1 || got[0].to != 0 {
				t.Errorf("%s: %v", c.name, got)
			}
		}
	}
}

func TestSilenceKeepsTheSpeakerForAWhileAndThenClears(t *testing.T) {
	got := listen(t, New(), 12*time.Second, nil, between(0, 4*time.Second, speech(1), silence), silence)
	expect(t, got, switchover{time.Second, 0}, switchover{10*time.Second + 200*ms, Nobody})
	if got[1].at < 4*time.Second+hold {
		t.Errorf("cleared early: %v", got)
	}
}

func TestTwoWhoTalkAtOnceDoNotFlap(t *testing.T) {
	for seed := range uint64(30) {
		if got := listen(t, New(), 30*time.Second, nil, speech(seed), speech(seed+1000)); len(got) > 5 {
			t.Errorf("%d changes in half a minute: %v", len(got), got)
		}
	}
}

func TestAConversationInTurnsIsFollowedWithoutFlapping(t *testing.T) {
	for seed := range uint64(30) {
		turn := 3 * time.Second
		var voices []voice
		for id := range 4 {
			s := speech(seed + uint64(id)*1000)
			voices = append(voices, func(f int) int {
				if int(time.Duration(f)*frame/turn)%4 == id {
					return s(f)
				}
				return silence(f)
			})
		}
		right, ticks := 0, 0
		d := New()
		got := listen(t, d, time.Minute, func(at time.Duration) {
			if at%turn > 1500*ms {
				ticks++
				if d.Dominant() == int32(at/turn)%4 {
					right++
				}
			}
		}, voices...)
		if right*100 < ticks*95 || len(got) > 22 {
			t.Errorf("seed %d: right at %d of %d moments, %d changes", seed, right, ticks, len(got))
		}
	}
}

func TestNoiseIsLearntAndIsNoSpeech(t *testing.T) {
	fan := func(f int) int { return 44 + f%4 }
	got := listen(t, New(), 20*time.Second, nil, fan, between(10*time.Second, 18*time.Second, speech(1), silence))
	if last := got[len(got)-1]; last.to != 1 || last.at > 11*time.Second {
		t.Errorf("%v", got)
	}
	for _, c := range got[:len(got)-1] {
		if c.at > 8*time.Second {
			t.Errorf("the fan was not learnt: %v", got)
		}
	}
}

func TestPacketsThatAreNotSentAreSilence(t *testing.T) {
	absent := steady(none)
	expect(t, listen(t, New(), 20*time.Second, nil,
		between(0, 4*time.Second, speech(1), absent),
		between(4*time.Second, 8*time.Second, speech(2), absent),
	), switchover{time.Second, 0}, switchover{5500 * ms, 1}, switchover{14 * time.Second, Nobody})
}

func TestAGapBetweenTwoPacketsIsSilence(t *testing.T) {
	d := New()
	for _, at := range []time.Duration{0, 20 * ms, 500 * ms, 540 * ms} {
		d.Observe(0, 20, epoch.Add(at))
	}
	d.Tick(epoch.Add(540 * ms))
	m := d.members[0]
	if m.speech != 5 || m.levels[frames-1] != 0 || m.head != 28 { // the last packet stands for two frames
		t.Errorf("%d frames of speech, %d frames in all", m.speech, m.head)
	}
}

func TestPacketsOfSixtyMillisecondsCountAsThree(t *testing.T) {
	s := speech(3)
	long := func(f int) int {
		if level := s(f); f%3 == 0 {
			return level
		}
		return none
	}
	expect(t, listen(t, New(), 4*time.Second, nil, long, silence), switchover{1500 * ms, 0})
}

func TestWhoLeavesIsForgotten(t *testing.T) {
	d := New()
	listen(t, d, 3*time.Second, nil, speech(1), silence)
	if d.Dominant() != 0 {
		t.Fatalf("dominant %d", d.Dominant())
	}
	d.Remove(0)
	d.Remove(7)
	var dst [4]int32
	if got := d.Loudest(dst[:]); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if dominant, changed := d.Tick(epoch.Add(3 * time.Second)); dominant != Nobody || !changed {
		t.Errorf("%d, %v", dominant, changed)
	}
	if _, changed := d.Tick(epoch.Add(4 * time.Second)); changed {
		t.Error("changed twice")
	}
}

func TestWhoBeginsToSpeakIsAmongTheLoudestAtOnce(t *testing.T) {
	for seed := range uint64(30) {
		d := New()
		var dst [3]int32
		var heard time.Duration
		listen(t, d, 12*time.Second, func(at time.Duration) {
			if heard == 0 && slices.Contains(d.Loudest(dst[:]), 3) {
				heard = at
			}
		},
			between(0, 4*time.Second, speech(seed), silence), between(0, 7*time.Second, speech(seed+1), silence),
			between(0, 12*time.Second, speech(seed+2), silence), between(8*time.Second, 12*time.Second, speech(seed+3), silence))
		if heard < 8*time.Second || heard > 8400*ms {
			t.Errorf("seed %d: heard at %v", seed, heard)
		}
	}
}

func TestTheLoudestDoNotFlap(t *testing.T) {
	for seed := range uint64(20) {
		var voices []voice
		for id := range 6 { // six who all talk, and three places
			voices = append(voices, speech(seed+uint64(id)*100))
		}
		d := New()
		var dst [3]int32
		var before []int32
		changes := 0
		listen(t, d, 30*time.Second, func(at time.Duration) {
			got := slices.Sorted(slices.Values(d.Loudest(dst[:])))
			if at > 2*time.Second && !slices.Equal(got, before) {
				changes++
			}
			before = got
		}, voices...)
		if changes > 6 {
			t.Errorf("seed %d: %d changes in 28 s", seed, changes)
		}
	}
}

func TestTheSilentAreNotAmongTheLoudest(t *testing.T) {
	d := New()
	var dst [4]int32
	listen(t, d, 12*time.Second, nil, between(0, 2*time.Second, speech(1), silence), silence, steady(127))
	if got := d.Loudest(dst[:]); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestScoresGrowWithActivity(t *testing.T) {
	s := newScores()
	for _, window := range [][]float32{s.immediate[:steps], s.medium[:], s.long[:]} { // the loudest level is in the last step but one
		if window[0] > -20 || window[len(window)-1] < 1 {
			t.Errorf("%v", window)
		}
	}
	if !slices.IsSorted(s.medium[:]) || !slices.IsSorted(s.long[:]) {
		t.Errorf("%v %v", s.medium, s.long)
	}
}

func TestListeningAllocatesNothing(t *testing.T) {
	d := New()
	now := epoch
	var dst [8]int32
	step := func() {
		now = now.Add(20 * ms)
		for id := range int32(30) {
			d.Observe(id, uint8(now.UnixMilli()/20%128), now)
		}
		d.Tick(now)
		d.Loudest(dst[:])
	}
	step()
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzDetector(f *testing.F) {
	f.Add([]byte{1, 20, 3, 2, 127, 200, 3, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := New()
		now := epoch
		present := map[int32]bool{}
		var dst [4]int32
		for ; len(b) >= 3; b = b[3:] {
			id := int32(b[0] & 7)
			now = now.Add(time.Duration(int8(b[2])) * 10 * ms) // even backwards
			switch b[0] >> 5 {
			case 0:
				d.Remove(id)
				delete(present, id)
			case 1:
				now = now.Add(time.Duration(b[1]) * time.Hour)
			default:
				d.Observe(id, b[1], now)
				present[id] = true
			}
			if dominant, _ := d.Tick(now); dominant != Nobody && !present[dominant] {
				t.Fatalf("%d is dominant and not there", dominant)
			}
			for _, loud := range d.Loudest(dst[:]) {
				if !present[loud] {
					t.Fatalf("%d is loud and not there", loud)
				}
			}
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	d := New()
	now := epoch
	for id := range int32(30) {
		d.Observe(id, 30, now)
	}
	b.ReportAllocs()
	id := int32(0)
	for b.Loop() {
		if id = (id + 1) % 30; id == 0 {
			now = now.Add(20 * ms)
		}
		d.Observe(id, 30, now)
	}
}

func BenchmarkTickOfThirty(b *testing.B) {
	d := New()
	now := epoch
	for id := range int32(30) {
		d.Observe(id, 30, now)
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(100 * ms)
		d.Tick(now)
	}
}
