// Package transport is one peer's way in and out: it reads the browser's SDP offer and
// writes the answer, answers ICE connectivity checks, does the DTLS handshake from which
// the SRTP keys come, and accepts ICE-TCP connections where UDP does not pass.
//
// It must never know what a room, a track or a subscriber is. ParseOffer, Answer and
// Agent have no lock, goroutine, socket or clock: the shard's loop calls them. DTLS and
// the TCP listener are slow paths with goroutines of their own; they hand over through
// callbacks that must not block.
package transport

import (
	"net/netip"
)

// Addr is a peer's address: an IPv4 address in its IPv6-mapped form, or an IPv6 one.
type Addr struct {
	IP   [16]byte
	Port uint16
}

// Path is where a peer is: an address over UDP or, if Stream is set, one ICE-TCP
// connection. Paths are comparable and serve as map keys.
type Path struct {
	Addr   Addr
	Stream *Stream
}

// AddrOf makes an Addr.
func AddrOf(a netip.AddrPort) Addr { return Addr{IP: a.Addr().As16(), Port: a.Port()} }
