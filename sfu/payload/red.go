package payload

// Block is one block of a RED payload (RFC 2198).
type Block struct {
	PayloadType uint8
	// Offset is how many RTP ticks the block is older than the packet's timestamp, 0 for the primary.
	Offset  uint32
	Data    []byte // aliases the payload
	Primary bool
}

// Primary is the last, newest block of a RED payload: what an Opus receiver without RED would have been sent. It aliases payload.
func Primary(payload []byte) (primary []byte, pt uint8, ok bool) { return nil, 0, false }

// Blocks iterates over the blocks of a RED payload, oldest first as they lie, primary last. A malformed payload yields nothing.
func Blocks(payload []byte) func(yield func(Block) bool) { return func(yield func(Block) bool) {} }

// RewriteBlocks writes the block headers of a RED payload with another payload type into dst and returns how many bytes
// it wrote, which is also how many of the payload they replace. It is 0 if the payload is malformed or dst too short.
func RewriteBlocks(dst, payload []byte, pt uint8) int { return 0 }
