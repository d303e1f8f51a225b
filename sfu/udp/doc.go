//go:build linux && (amd64 || arm64)

// Package udp is the UDP socket of one shard: it takes in all that has gathered with one system call, sends a turn's
// packets with one more, and knows what the kernel refuses. It must never know what the datagrams mean.
package udp
