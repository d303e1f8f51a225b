//go:build linux && (amd64 || arm64)

// Package udp is the UDP socket of one shard: it takes in all that has gathered with one system call, sends a turn's packets
// with one more, and knows what the kernel refuses. It must never know what the datagrams mean.
//
//	for {
//		n, err := socket.Receive(inbox)   waits in the kernel; a datagram, a Wake, or SetIdle's time ends it
//		...                               the turn: out.Add, out.Add, ...
//		socket.Send(out)
//	}
//
// The figures below are from a virtual machine with two cores and Linux 6.18; BenchmarkLightLoad and its neighbours repeat them.
// Trust ratios.
//
// # How Receive waits
//
// It blocks in recvmmsg with MSG_WAITFORONE, not in Go's poller: one system call a turn, and no other thread in the way. The
// alternative, recvmmsg that does not block and ppoll on the socket and an eventfd, was measured at 2.2 us a datagram against 1.7
// under load (150,000 a second) and 12 against 10 at 6,600 a second. So Wake is a datagram as well: 16 secret bytes over loopback,
// which Receive takes out. It costs the caller about 3 us, wakes the loop within 10, and costs 2 ns while another is on its way.
// A Receive that may wait for ever still looks round every second, so that a packet filter on loopback makes Wake slow and
// never lost.
//
// # Why Receive yields
//
// A goroutine that only ever blocks in system calls never passes through Go's scheduler. After 10 ms the scheduler's monitor
// takes it for one that hogs its processor, and from then on takes the processor away in every system call that it finds it in
// and hands it to another thread, which finds nothing to do. Each datagram then costs four context switches instead of one.
// Receive therefore calls runtime.Gosched every few milliseconds, before it blocks. CPU time of the whole process per datagram,
// for a loop that does nothing but wait for it:
//
//	datagrams a second   without    with
//	2,000                44 us      10 us
//	6,600                32 us      10 us
//	20,000, in fours     11 us      3.4 us
//
// runtime.LockOSThread gains nothing: the goroutine stays on its thread anyhow as long as it gets its processor back, and a locked
// one pays two switches of threads for each yield.
//
// # What else was weighed
//
// A dual-stack socket that sends to mapped IPv4 addresses costs the same as an IPv4 socket. UDP_GRO on receive is left off:
// browsers do not send runs, and it would need slots of 64 KiB. The kernel rounds SetIdle up to its tick, and there is no cheaper
// wait below a millisecond. Sends do not wait for the socket, since the packets of everybody would wait with the slowest.
package udp
