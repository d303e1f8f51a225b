package payload

// parseVP9 reads the payload descriptor (RFC 9628 section 4.2).
func parseVP9(b []byte, d *Descriptor) bool {
	const hasPicture, predicted, hasLayers, flexible, begin, end, hasStructure, notForUpper = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
	flags := b[0]
	n := 1
	if flags&hasPicture != 0 {
		size := picture(b[n:], &d.Numbers)
		if size == 0 {
			return false
		}
		n += size
	}
	if flags&hasLayers != 0 {
		if len(b) <= n {
			return false
		}
		d.Temporal, d.SwitchUp, d.Spatial = b[n]>>5, b[n]&0x10 != 0, b[n]>>1&7
		n++
		if flags&flexible == 0 {
			if len(b) <= n {
				return false
			}
			d.Numbers.TL0, d.Numbers.HasTL0 = b[n], true
			n++
		}
	}
	if flags&(flexible|predicted) == flexible|predicted {
		for refs := 0; ; refs++ {
			if len(b) <= n || refs == 3 {
				return false
			}
			more := b[n]&1 != 0
			n++
			if !more {
				break
			}
		}
	}
	if flags&hasStructure != 0 {
		size := scalability(b[n:], d)
		if size == 0 {
			return false
		}
		n += size
	}
	if len(b) <= n || n > 255 {
		return false
	}
	d.HeaderLen = uint8(n)
	d.FrameStart, d.FrameEnd = flags&begin != 0, flags&end != 0
	d.NotForUpper = flags&notForUpper != 0
	d.KeyFrame = d.FrameStart && flags&predicted == 0 && d.Spatial == 0
	return true
}

// scalability reads the scalability structure (RFC 9628 section 4.2.1) and returns its length, 0 if b is too short. The
// size of the picture is that of its highest layer.
func scalability(b []byte, d *Descriptor) int {
	if len(b) < 1 {
		return 0
	}
	layers, sizes, group := int(b[0]>>5)+1, b[0]&0x10 != 0, b[0]&0x08 != 0
	d.SpatialLayers = uint8(layers)
	n := 1
	if sizes {
		n += 4 * layers
		if len(b) < n {
			return 0
		}
		d.Width, d.Height = uint16(b[n-4])<<8|uint16(b[n-3]), uint16(b[n-2])<<8|uint16(b[n-1])
	}
	if group {
		if len(b) <= n {
			return 0
		}
		pictures := int(b[n])
		n++
		for range pictures {
			if len(b) <= n {
				return 0
			}
			n += 1 + int(b[n]>>2&3)
		}
		if len(b) < n {
			return 0
		}
	}
	return n
}

// rewriteVP9 replaces the descriptor only as far as it holds numbers: the references behind them are differences.
func rewriteVP9(dst, b []byte, d *Descriptor, n Numbers) (written, replaced int) {
	dst[0] = b[0]
	written, replaced = 1, 1
	if d.Numbers.PictureBits != 0 {
		written += putPicture(dst[written:], n.Picture)
		replaced += 1 + int(d.Numbers.PictureBits)/15
	}
	if d.Numbers.HasTL0 {
		dst[written], dst[written+1] = b[replaced], n.TL0
		written, replaced = written+2, replaced+2
	}
	return written, replaced
}
