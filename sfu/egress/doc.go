//go:build linux && (amd64 || arm64)

// Package egress is the only way out: it forms runs per destination, pads, seals and sends. It must never know what a packet
// means, only how large it is and which stream it belongs to.
package egress
