package sfu

import (
	"testing"
	"time"
)

// drive lets turns of a lateness pass, a turn every millisecond, and returns the level.
func drive(o *overload, now *time.Time, lateness, long time.Duration) overloadLevel {
	for end := now.Add(long); now.Before(end); *now = now.Add(time.Millisecond) {
		o.observe(*now, lateness, false)
	}
	return o.level
}

func TestALoopThatStaysLateShedsStepByStep(t *testing.T) {
	var o overload
	now := time.Unix(0, 0)
	if l := drive(&o, &now, 20*time.Millisecond, time.Minute); l != noOverload {
		t.Fatalf("level %d at 20 ms", l)
	}
	if l := drive(&o, &now, 50*time.Millisecond, raiseAfter/2); l != noOverload {
		t.Fatalf("level %d after a quarter of a second: a hiccup is no overload", l)
	}
	for want := shedTop; want <= worstOverload; want++ {
		if l := drive(&o, &now, 50*time.Millisecond, raiseAfter+10*time.Millisecond); l > want || l < want-1 {
			t.Fatalf("level %d, want about %d", l, want)
		}
	}
	if l := drive(&o, &now, 50*time.Millisecond, time.Minute); l != worstOverload {
		t.Fatalf("level %d after a minute", l)
	}
}

func TestALoopThatIsCalmTakesBackStepByStepAndDoesNotFlap(t *testing.T) {
	var o overload
	now := time.Unix(0, 0)
	drive(&o, &now, 50*time.Millisecond, 2*raiseAfter+50*time.Millisecond)
	high := o.level
	if l := drive(&o, &now, time.Millisecond, calmAfter/2); l != high {
		t.Fatalf("level %d too early", l)
	}
	if l := drive(&o, &now, time.Millisecond, time.Minute); l != noOverload {
		t.Fatalf("level %d after a calm minute", l)
	}
	// A load that is too much without shedding and calm with it.
	changes := 0
	for end := now.Add(5 * time.Minute); now.Before(end); now = now.Add(time.Millisecond) {
		lateness := 50 * time.Millisecond
		if o.level > noOverload {
			lateness = time.Millisecond
		}
		if o.observe(now, lateness, false) {
			changes++
		}
	}
	if changes > 24 {
		t.Errorf("%d changes in five minutes", changes)
	}
}

func TestDatagramsThatTheKernelDropsAreOverload(t *testing.T) {
	var o overload
	now := time.Unix(0, 0)
	for range 700 {
		o.observe(now, time.Millisecond, true)
		now = now.Add(time.Millisecond)
	}
	if o.level != shedTop {
		t.Errorf("level %d", o.level)
	}
}

func TestShedKeepsVoicesScreensAndTheFrontOfThePage(t *testing.T) {
	b := newBench(t, 9, 8)
	r := b.shard.rooms["room"]
	now := time.Now()
	for _, p := range r.peers {
		var tiles []Tile
		for o := range r.others(p) {
			tiles = append(tiles, Tile{Peer: o.id, Source: Camera, Width: 320, Height: 180})
		}
		p.setView(tiles, now)
	}
	for _, want := range []struct {
		level    overloadLevel
		pictures int
	}{{noOverload, 8}, {shedUpper, 8}, {shedQuarter, 6}, {shedHalf, 4}, {shedMost, 2}, {shedPictures, 0}, {noOverload, 8}} {
		b.shard.overload.level = want.level
		r.arrange(now)
		for _, p := range r.peers {
			pictures, voices := 0, 0
			for i, tile := range p.view {
				d := p.down[r.peer(tile.Peer).up[Camera].index]
				if d.paused == NotPaused {
					pictures++
					if i >= want.pictures {
						t.Fatalf("level %d: picture %d is sent and one before it is not", want.level, i)
					}
				} else if d.paused != PausedOverload {
					t.Fatalf("level %d: paused for reason %d", want.level, d.paused)
				}
				if v := p.down[r.peer(tile.Peer).up[Microphone].index]; v != nil && v.paused == NotPaused {
					voices++
				}
			}
			if pictures != want.pictures || voices != 8 {
				t.Fatalf("level %d: %d pictures and %d voices, want %d and 8", want.level, pictures, voices, want.pictures)
			}
		}
	}
}
