package packet

import "testing"

func TestBeforeAcrossTheWrap(t *testing.T) {
	for _, c := range []struct {
		a, b uint16
		want bool
	}{
		{1, 2, true}, {2, 1, false}, {1, 1, false}, {65535, 0, true}, {0, 65535, false}, {0, 32767, true}, {32767, 0, false},
		{65000, 100, true}, {0, 32768, true}, {32768, 0, true},
	} {
		if got := Before(c.a, c.b); got != c.want {
			t.Errorf("Before(%d, %d) = %v", c.a, c.b, got)
		}
	}
}

func TestUnwrapFollowsTheNearestNumber(t *testing.T) {
	var u Unwrapper
	for _, c := range []struct {
		seq  uint16
		want int64
	}{
		{3, 3}, {65530, -6}, {2, 2}, {40, 40}, {32808, 32808}, {65535, 65535}, {0, 65536}, {65534, 65534}, {1, 65537},
		{30000, 95536}, {60000, 125536},
		{20000, 151072},
	} {
		if got := u.Unwrap(c.seq); got != c.want {
			t.Fatalf("Unwrap(%d) = %d, want %d", c.seq, got, c.want)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(uint16(0), uint16(65535), uint16(1))
	f.Fuzz(func(t *testing.T, a, b, c uint16) {
		var u Unwrapper
		last := u.Unwrap(a)
		for _, seq := range []uint16{b, c} {
			got := u.Unwrap(seq)
			if uint16(got) != seq || got-last > 1<<15 || last-got > 1<<15 {
				t.Fatalf("after %d: %d became %d", last, seq, got)
			}
			if (got < last) != Before(seq, uint16(last)) && got-last != 1<<15 && last-got != 1<<15 {
				t.Fatalf("order of %d and %d", last, got)
			}
			last = got
		}
	})
}
