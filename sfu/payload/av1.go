package payload

// parseAV1 reads the aggregation header and the first OBU (AV1 RTP specification sections 4.4 and 4.3). Without a
// dependency descriptor a frame's start is seen only at a coded video sequence, and otherwise taken to be wherever an
// OBU starts the packet.
func parseAV1(b []byte, d *Descriptor) bool {
	const continues, newSequence = 0x80, 0x08
	elements := int(b[0] >> 4 & 3)
	first := b[0]&continues == 0
	if b[0]&newSequence != 0 && !first {
		return false // a sequence cannot begin with the rest of an OBU
	}
	obu, rest := b[1:], b[1:]
	for i := 1; len(rest) > 0 || i <= elements; i++ {
		size := len(rest)
		if elements == 0 || i < elements {
			n, length, ok := leb128(rest)
			if !ok || length > len(rest)-n {
				return false
			}
			rest, size = rest[n:], length
		}
		if i == 1 {
			obu = rest[:size]
		}
		rest = rest[size:]
		if elements != 0 && i == elements {
			break
		}
	}
	if len(obu) == 0 {
		return false
	}
	d.KeyFrame = b[0]&newSequence != 0
	d.FrameStart = first
	if first && obu[0]&0x80 != 0 {
		return false // forbidden bit
	}
	if first && obu[0]&0x04 != 0 {
		if len(obu) < 2 {
			return false
		}
		d.Temporal, d.Spatial = obu[1]>>5, obu[1]>>3&3
	}
	return true
}

// leb128 reads a length (AV1 specification section 4.10.5) and says how many bytes it took.
func leb128(b []byte) (n, value int, ok bool) {
	for n < len(b) && n < 4 {
		value |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return n, value, true
		}
	}
	return 0, 0, false
}
