package payload

// parseVP8 reads the payload descriptor and the beginning of the payload header (RFC 7741 sections 4.2 and 4.3).
func parseVP8(b []byte, d *Descriptor) bool {
	const extended, nonReference, start, partition = 0x80, 0x20, 0x10, 0x07
	n := 1
	if b[0]&extended != 0 {
		if len(b) < 2 {
			return false
		}
		flags := b[1]
		n = 2
		if flags&0x80 != 0 { // I
			size := picture(b[n:], &d.Numbers)
			if size == 0 {
				return false
			}
			n += size
			d.Numbers.Dense = true
		}
		if flags&0x40 != 0 { // L
			if len(b) <= n {
				return false
			}
			d.Numbers.TL0, d.Numbers.HasTL0 = b[n], true
			n++
		}
		if flags&0x30 != 0 { // T or K: they share a byte
			if len(b) <= n {
				return false
			}
			if flags&0x20 != 0 {
				d.Temporal = b[n] >> 6
				d.Sync = b[n]&0x20 != 0 && d.Temporal > 0
			}
			if flags&0x10 != 0 {
				d.Numbers.Key, d.Numbers.HasKey = b[n]&0x1f, true
			}
			n++
		}
	}
	if len(b) <= n { // a descriptor alone is no picture
		return false
	}
	d.HeaderLen = uint8(n)
	d.Discardable = b[0]&nonReference != 0
	d.FrameStart = b[0]&start != 0 && b[0]&partition == 0
	if !d.FrameStart || b[n]&0x01 != 0 {
		return true
	}
	d.KeyFrame = true
	if h := b[n:]; len(h) >= 10 { // frame tag, start code, size: RFC 6386 section 9.1
		if h[3] != 0x9d || h[4] != 0x01 || h[5] != 0x2a {
			return false
		}
		d.Width, d.Height = uint16(h[7]&0x3f)<<8|uint16(h[6]), uint16(h[9]&0x3f)<<8|uint16(h[8])
	}
	return true
}

func rewriteVP8(dst, b []byte, d *Descriptor, n Numbers) (written, replaced int) {
	replaced = int(d.HeaderLen)
	dst[0], dst[1] = b[0], b[1]
	written = 2
	if d.Numbers.PictureBits != 0 {
		written += putPicture(dst[written:], n.Picture)
	}
	if d.Numbers.HasTL0 {
		dst[written] = n.TL0
		written++
	}
	if b[1]&0x30 != 0 {
		layer := b[replaced-1]
		if d.Numbers.HasKey {
			layer = layer&^0x1f | n.Key&0x1f
		}
		dst[written] = layer
		written++
	}
	return written, replaced
}
