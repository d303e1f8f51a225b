// Package relay is a bad network between clients and a server, in user space: it loses, delays and holds up UDP packets as a real
// link does, and the same seed does the same again. Kernels without sch_netem need it, and it needs no privileges.
//
//	r, err := relay.New(relay.Config{Server: media, Up: relay.Params{Loss: 0.05}, Down: relay.Params{Rate: 1e6}})
//	clients send to r.Addr() instead
//	err = r.Set(up, down)   while it runs
//	r.Stats(), r.Close()
//
// A Link is the whole algorithm of one direction. It has no socket, no goroutine and no clock, and runs in virtual time. A Relay
// runs two of them for each client. Flags reads both directions from a command line.
//
// # Precision
//
// The relay sleeps until a packet is due, in epoll on a timerfd, which the kernel does not round; it does not spin, because on two
// cores it would take one from what is measured. A packet leaves 30 to 40 us after its time in the median and 150 to 500 us at the
// 99th percentile as long as there is a core for the relay (BenchmarkRelay; two cores, Linux 6.18). Where there is none it is
// milliseconds, and a higher priority of its thread did not change that. So Stats.Late says for each run what it was.
//
// # What it does not do
//
// ECN marks and the don't-fragment bit of what comes are not passed on, nor ICMP: a client does not learn from the kernel that the
// server is gone. Packets above 2048 bytes are lost and counted.
//
// It knows datagrams and never what is in them, neither bots nor servers.
package relay
