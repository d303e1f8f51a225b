package packet

// Before reports whether sequence number a precedes b, modulo 2^16 (RFC 3550 appendix A.1). Numbers 2^15 apart have no
// order (RFC 1982 section 3.2): Before is then true both ways round.
func Before(a, b uint16) bool { return int16(a-b) < 0 }

// Unwrapper extends 16-bit sequence numbers to 64 bits. The zero value is ready.
type Unwrapper struct {
	last    int64
	started bool
}

// Unwrap returns the extended number nearest to the last one; of two that are 2^15 away, the later. The first is the
// number itself, so that what came before it may be negative.
func (u *Unwrapper) Unwrap(seq uint16) int64 {
	if !u.started {
		u.last, u.started = int64(seq), true
		return u.last
	}
	step := int64(seq - uint16(u.last)) // 0..65535
	if step > 1<<15 {
		step -= 1 << 16
	}
	u.last += step
	return u.last
}
