package payload

// Block is one block of a RED payload (RFC 2198).
type Block struct {
	PayloadType uint8
	Primary     bool
	Offset      uint32 // RTP ticks that the block is older than the packet's timestamp, 0 for the primary
	Data        []byte // aliases the payload
}

// MaxBlocks is how many blocks a RED payload may have for us. Browsers send 2 or 3.
const MaxBlocks = 16

// redHeader finds the end of the block headers and the sum of the lengths that they state.
func redHeader(b []byte) (header, blocks, redundant int, ok bool) {
	for blocks < MaxBlocks {
		switch {
		case len(b) > header && b[header]&0x80 == 0: // the primary has no length
			header++
			return header, blocks + 1, redundant, len(b) >= header+redundant
		case len(b) < header+4:
			return 0, 0, 0, false
		}
		redundant += int(b[header+2]&3)<<8 | int(b[header+3])
		header += 4
		blocks++
	}
	return 0, 0, 0, false
}

// Primary is the last, newest block of a RED payload: what a receiver without RED would have been sent. It aliases the
// payload. ok is false if the payload is malformed or the primary is empty.
func Primary(payload []byte) (primary []byte, pt uint8, ok bool) {
	header, _, redundant, ok := redHeader(payload)
	if !ok || len(payload) == header+redundant {
		return nil, 0, false
	}
	return payload[header+redundant:], payload[header-1], true
}

// Blocks appends the blocks of a RED payload to dst, oldest first as they lie and the primary last. A malformed payload
// has none. Redundant blocks of length zero stand for frames that there was nothing to say about.
func Blocks(dst []Block, payload []byte) []Block {
	header, blocks, _, ok := redHeader(payload)
	if !ok {
		return dst
	}
	data := payload[header:]
	for i := range blocks {
		h := payload[4*i:]
		if i == blocks-1 {
			return append(dst, Block{PayloadType: h[0], Primary: true, Data: data})
		}
		size := int(h[2]&3)<<8 | int(h[3])
		dst = append(dst, Block{PayloadType: h[0] & 0x7f, Offset: uint32(h[1])<<6 | uint32(h[2])>>2, Data: data[:size]})
		data = data[size:]
	}
	return dst
}

// RewriteBlocks writes the block headers of a RED payload with another payload type into dst and returns their length,
// which is also how many bytes of the payload they replace. It is 0 if the payload is malformed or dst too short.
func RewriteBlocks(dst, payload []byte, pt uint8) int {
	header, blocks, _, ok := redHeader(payload)
	if !ok || len(dst) < header {
		return 0
	}
	copy(dst, payload[:header])
	for i := range blocks {
		dst[4*i] = dst[4*i]&0x80 | pt&0x7f
	}
	return header
}
