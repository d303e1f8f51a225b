// Package transport is one peer's way in and out: it reads the browser's SDP offer and
// writes the answer, answers ICE connectivity checks, does the DTLS handshake from which
// the SRTP keys come, and accepts ICE-TCP connections where UDP does not pass.
//
// It must never know what a room, a track or a subscriber is. ParseOffer, Answer and
// Agent have no lock, goroutine, socket or clock: the shard's loop calls them. DTLS and
// the TCP listener are slow paths with goroutines of their own; they hand over through
// callbacks that must not block.
package transport

import "tarasul/sfu/udp"

// Path is where a peer is: an address over UDP or, if Stream is set, one ICE-TCP
// connection from that address. Paths are comparable and serve as map keys.
type Path struct {
	Addr   udp.Addr
	Stream *Stream
}
