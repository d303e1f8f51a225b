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
