//go:build linux && (amd64 || arm64)

package relay

// Sizes of a pool. What does not fit into a slot is no packet of the media's.
const (
	slotSize   = 2048
	chunkSlots = 256
)

// pool holds packets in slots of one size, at most so many. It takes memory when it is needed and keeps it.
type pool struct {
	most   int
	chunks [][]byte
	sizes  []uint16
	free   []uint32
}

// get takes a slot; false if there is none left.
func (p *pool) get() (slot uint32, ok bool) {
	if len(p.free) == 0 {
		have := len(p.sizes)
		if have >= p.most {
			return 0, false
		}
		n := min(chunkSlots, p.most-have)
		p.chunks = append(p.chunks, make([]byte, n*slotSize))
		p.sizes = append(p.sizes, make([]uint16, n)...)
		for i := range n {
			p.free = append(p.free, uint32(have+n-1-i))
		}
	}
	slot = p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return slot, true
}

// put gives a slot back.
func (p *pool) put(slot uint32) { p.free = append(p.free, slot) }

// all is a slot's whole memory.
func (p *pool) all(slot uint32) []byte {
	at := slot % chunkSlots * slotSize
	return p.chunks[slot/chunkSlots][at : at+slotSize : at+slotSize]
}

// packet is what a slot holds.
func (p *pool) packet(slot uint32) []byte { return p.all(slot)[:p.sizes[slot]] }
