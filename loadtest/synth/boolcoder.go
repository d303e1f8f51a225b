package synth

// boolCoder is the arithmetic encoder of VP8 (RFC 6386 section 7.3).
type boolCoder struct {
	out    []byte
	bounds uint32 // the width of the interval, 128 to 255
	bottom uint32 // its lower end
	shifts int    // until the next byte is out
}

func newBoolCoder() *boolCoder { return &boolCoder{bounds: 255, shifts: 24} }

// bit encodes one decision, of which a 0 has the probability prob/256.
func (c *boolCoder) bit(prob uint8, value bool) {
	split := 1 + (c.bounds-1)*uint32(prob)>>8
	if value {
		c.bottom += split
		if c.bottom < split {
			c.carry()
		}
		c.bounds -= split
	} else {
		c.bounds = split
	}
	for c.bounds < 128 {
		c.bounds <<= 1
		if c.bottom&(1<<31) != 0 {
			c.carry()
		}
		c.bottom <<= 1
		c.shifts--
		if c.shifts == 0 {
			c.out = append(c.out, byte(c.bottom>>24))
			c.bottom &= 1<<24 - 1
			c.shifts = 8
		}
	}
}

// carry adds one to what is already out.
func (c *boolCoder) carry() {
	for i := len(c.out) - 1; i >= 0; i-- {
		c.out[i]++
		if c.out[i] != 0 {
			return
		}
	}
}

// literal encodes the lowest n bits of v, the highest first, as even chances.
func (c *boolCoder) literal(n int, v uint32) {
	for n--; n >= 0; n-- {
		c.bit(128, v>>n&1 != 0)
	}
}

// bytes ends the partition and returns it: 32 more even zeros push out all that the interval still holds.
func (c *boolCoder) bytes() []byte {
	c.literal(32, 0)
	return c.out
}
