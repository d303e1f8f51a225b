//go:build linux && (amd64 || arm64)

package udp

import "sync/atomic"

// guard keeps file descriptors open while anybody is in a system call on them, so that the number of a closed one can
// never be met again as somebody else's file. It is a count of users with a bit for "closed"; the owner counts as one
// user until it closes.
type guard struct{ state atomic.Int32 }

const closedBit = 1 << 30

func (g *guard) open() { g.state.Store(1) }

// enter reports false, and must then not be followed by leave, if the guard is closed.
func (g *guard) enter() bool {
	for {
		v := g.state.Load()
		if v&closedBit != 0 {
			return false
		}
		if g.state.CompareAndSwap(v, v+1) {
			return true
		}
	}
}

// leave reports whether the caller was the last one out of a closed guard and must release what it guards.
func (g *guard) leave() (last bool) { return g.state.Add(-1) == closedBit }

// close reports whether this call closed the guard. The closer must then leave once.
func (g *guard) close() bool {
	return g.state.Or(closedBit)&closedBit == 0
}

func (g *guard) closed() bool { return g.state.Load()&closedBit != 0 }
