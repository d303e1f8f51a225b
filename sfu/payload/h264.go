package payload

// NAL unit types (H.264 table 7-1) and the packet types that RFC 6184 adds.
const (
	nalSlice    = 1
	nalIDR      = 5
	nalSPS      = 7
	nalMax      = 23
	nalSTAPA    = 24
	nalFUA      = 28
	nalTypeMask = 0x1f
)

// parseH264 reads the NAL units of one packet (RFC 6184). A decoder may begin only where the parameter sets are, so the
// start of a key frame is the sequence parameter set: the IDR slice behind it is marked KeyFrame but not FrameStart.
// Senders whose parameter sets are only in the SDP cannot be switched to; no browser is one.
func parseH264(b []byte, d *Descriptor) bool {
	switch kind := b[0] & nalTypeMask; {
	case kind == 0:
		return false
	case kind <= nalMax:
		h264Unit(kind, b[0], b[1:], d)
	case kind == nalSTAPA:
		rest := b[1:]
		if len(rest) == 0 {
			return false
		}
		for len(rest) > 0 {
			if len(rest) < 3 {
				return false
			}
			size := int(rest[0])<<8 | int(rest[1])
			if size == 0 || len(rest) < 2+size {
				return false
			}
			h264Unit(rest[2]&nalTypeMask, rest[2], rest[3:2+size], d)
			rest = rest[2+size:]
		}
	case kind == nalFUA:
		if len(b) < 3 {
			return false
		}
		if start := b[1]&0x80 != 0; start {
			h264Unit(b[1]&nalTypeMask, b[0], b[2:], d)
		} else {
			d.Discardable = b[0]&0x60 == 0
		}
	}
	return true
}

// h264Unit takes in one NAL unit, or its first fragment: body is what follows the header.
func h264Unit(kind, header byte, body []byte, d *Descriptor) {
	d.Discardable = header&0x60 == 0 // nal_ref_idc
	switch kind {
	case nalSPS:
		d.KeyFrame, d.FrameStart = true, true
	case nalIDR:
		d.KeyFrame = true
	case nalSlice:
		// first_mb_in_slice is the first thing of a slice header, an Exp-Golomb number: the bit 1 is zero
		d.FrameStart = d.FrameStart || len(body) > 0 && body[0]&0x80 != 0
	}
}
