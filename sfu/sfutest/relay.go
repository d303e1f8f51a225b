package sfutest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Relay passes datagrams between one client and a node, and can change the address that
// the node sees.
type Relay struct {
	t     testing.TB
	front *net.UDPConn // the client sends here
	node  netip.AddrPort

	mu     sync.Mutex // guards what follows
	back   *net.UDPConn
	client netip.AddrPort
	cut    bool
	ended  sync.WaitGroup
}

// NewRelay makes a relay to a node on loopback. It ends with the test.
func NewRelay(t testing.TB, node netip.AddrPort) *Relay {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	r := &Relay{t: t, front: front, node: node}
	r.Move()
	r.ended.Go(func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := front.ReadFromUDPAddrPort(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			r.mu.Lock()
			r.client = from
			back, cut := r.back, r.cut
			r.mu.Unlock()
			if cut {
				continue
			}
			back.WriteToUDPAddrPort(buffer[:n], r.node)
		}
	})
	t.Cleanup(func() {
		front.Close()
		r.mu.Lock()
		r.back.Close()
		r.mu.Unlock()
		r.ended.Wait()
	})
	return r
}

// Addr is where the client sends.
func (r *Relay) Addr() netip.AddrPort { return r.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// Cut loses everything in both directions until it is called with false.
func (r *Relay) Cut(cut bool) {
	r.mu.Lock()
	r.cut = cut
	r.mu.Unlock()
}

// Move lets the node see another address from now on; what it sends to the old one is lost.
func (r *Relay) Move() {
	back, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(r.t, err)
	r.mu.Lock()
	old := r.back
	r.back = back
	r.mu.Unlock()
	if old != nil {
		old.Close()
	}
	r.ended.Go(func() {
		buffer := make([]byte, 2048)
		for {
			n, _, err := back.ReadFromUDPAddrPort(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			r.mu.Lock()
			client, cut := r.client, r.cut
			r.mu.Unlock()
			if cut {
				continue
			}
			r.front.WriteToUDPAddrPort(buffer[:n], client)
		}
	})
}
