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
// It knows datagrams and never what is in them, neither bots nor servers.
package relay
