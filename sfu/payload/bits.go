package payload

// bitReader reads big-endian bit fields. After reading past the end it gives zeros and short is true.
type bitReader struct {
	b     []byte
	pos   int // in bits
	short bool
}

// bits reads n bits, at most 16.
func (r *bitReader) bits(n int) uint16 {
	if r.pos+n > 8*len(r.b) {
		r.short = true
		return 0
	}
	var v uint32
	for i := r.pos >> 3; i <= (r.pos+n-1)>>3; i++ {
		v = v<<8 | uint32(r.b[i])
	}
	r.pos += n
	return uint16(v >> (-r.pos & 7) & (1<<n - 1))
}

func (r *bitReader) flag() bool { return r.bits(1) != 0 }

// nonSymmetric reads a number below n in as few bits as that needs (AV1 specification section 4.10.7).
func (r *bitReader) nonSymmetric(n int) int {
	w := 0
	for x := n; x != 0; x >>= 1 {
		w++
	}
	m := 1<<w - n
	v := int(r.bits(w - 1))
	if v < m {
		return v
	}
	return v<<1 - m + int(r.bits(1))
}
