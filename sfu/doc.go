// Package sfu is the media core: a selective forwarding unit whose rooms, peers and
// tracks belong to shards.
//
// A shard is one goroutine with a UDP socket of its own (port base + shard number). It
// owns its rooms and all that is in them, so nothing on the packet's way takes a lock,
// allocates or logs. It is not locked to a thread: package udp says what that would cost.
//
//  1. udp.Receive brings in what has gathered (shard.go).
//  2. Connectivity checks are answered at once, DTLS goes to the peer's handshake,
//     SRTCP to feedback.go, SRTP is opened in place and told which encoding it is
//     (peer.go, uptrack.go); what is fresh becomes the room's batch.
//  3. Subscriber by subscriber, each down-track decides and rewrites (downtrack.go),
//     and egress seals what goes to one destination next to each other (room.go).
//  4. One Send. Then the clock (clock.go): NACKs, reports, speakers, slots, targets.
//  5. Commands from signaling come in and events go out by bounded queues (node.go,
//     events.go).
//
// It must never know what a meeting, a person or a permission's reason is, nor how its
// figures are shown: Stats is read by whoever wants to.
package sfu
