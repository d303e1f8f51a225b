//go:build linux && (amd64 || arm64)

// Package egress is the only way out: it forms runs per destination, pads, seals and sends. It must never know what a packet
// means, only how large it is and which stream it belongs to.
//
// The kernel takes a run of datagrams to one address for little more than the price of one (UDP_SEGMENT), if all have one size
// and only the last is shorter. Sender therefore works subscriber by subscriber, puts a subscriber's packets in order of size,
// but never before an earlier packet of the same stream, pads what is a little too short with RTP padding, and seals each packet
// exactly once, next to its neighbour. What was sealed is never sealed again: a run that the kernel refuses leaves as the same
// bytes in pieces, and what finds no room is lost and counted.
//
// # What it costs
//
// CPU nanoseconds per packet of 1150 bytes, one turn to 29 subscribers with transport-wide numbers, AES-128-GCM, IPv4 over
// loopback, medians of five. The floor is crypto/cipher and sendmmsg with messages that were made before; the aim is 1.3 times
// that. BenchmarkRatio repeats it.
//
//	                 receiver discards         receiver is drained
//	length of run    floor   egress   ratio    floor   egress   ratio
//	1                2745    2986     1.09     3855    4115     1.07
//	2                2031    2204     1.08     2833    3032     1.06
//	4                1310    1426     1.09     1923    2180     1.13
//	8                1002    1108     1.11     1455    1670     1.13
//	16                904    1014     1.12     1292    1419     1.10
//
// Nothing is allocated. Of what egress adds at 16, 40 ns are the copy of the payload next to its header, 40 are pion/srtp (parsing
// the header again, its map of SSRCs, the nonce), 25 are Add and End. The decisions behind it:
//
//   - Add copies the packet and finds its place by insertion, looking back at most 48 packets: a mesh brings 1 to 3 packets per
//     subscriber and turn, mostly in order, and a list of 256 must not cost its square.
//   - A run takes one shorter packet as its end even if that leaves a run of the shorter size one packet shorter: it never costs a
//     message, and often saves one. The last packet is not padded.
//   - The arena is 256 KiB, so that what was sealed is still in the second-level cache when the kernel copies it. 64 KiB cost 4 %
//     more, as runs and system calls become short; 1 MiB gained nothing.
//   - pion/srtp's Context stays: a sealer of our own would save 4 % at most and would be one more thing that must not reuse a nonce.
//   - A packet's counters and its place in the ring behind Destination.Sent are plain stores.
package egress
