//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tarasul/loadtest/relay"
)

// network is the bad network of a run: one relay for each address at which the server offers media, made when the first bot comes
// for it. The nil network is a good one.
type network struct {
	impairment relay.Impairment

	mu     sync.Mutex // guards relays
	relays map[netip.AddrPort]*relay.Relay
}

// newNetwork gives nil if nothing is to be done to packets.
func newNetwork(i relay.Impairment) *network {
	if i.None() {
		return nil
	}
	return &network{impairment: i, relays: map[netip.AddrPort]*relay.Relay{}}
}

// route is where a bot sends to instead of to the server.
func (n *network) route(server netip.AddrPort) (netip.AddrPort, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, ok := n.relays[server]
	if !ok {
		var err error
		r, err = relay.New(relay.Config{
			Server: server, Up: n.impairment.Up, Down: n.impairment.Down, Seed: n.impairment.Seed + uint64(len(n.relays)), Clients: 4096,
		})
		if err != nil {
			return netip.AddrPort{}, err
		}
		n.relays[server] = r
	}
	return r.Addr(), nil
}

// all are the relays that there are now.
func (n *network) all() (relays []*relay.Relay) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.relays {
		relays = append(relays, r)
	}
	return relays
}

// follow makes the changes in time, from now on; stop ends that and waits for it. A relay that has broken down is found by its bots.
func (n *network) follow(ctx context.Context) (stop func()) {
	if n == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, r := range n.all() {
		running.Go(func() { _ = r.Follow(ctx, n.impairment.Steps) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// report writes down what the relays have done since they began.
func (n *network) report(r *Report) {
	if n == nil {
		return
	}
	r.Relay = []relay.Stats{}
	for _, one := range n.all() {
		r.Relay = append(r.Relay, one.Stats())
	}
	for _, s := range n.impairment.Steps {
		if s.After < time.Duration(r.Duration*float64(time.Second)) {
			r.Marks = append(r.Marks, Mark{At: s.After.Seconds(), Name: describe(s.Up, s.Down)})
		}
	}
}

// close ends the relays.
func (n *network) close() {
	if n == nil {
		return
	}
	for _, r := range n.all() {
		_ = r.Close() // if it has broken down, the run has failed already
	}
}

// describe says in a few words what links do.
func describe(up, down relay.Params) string {
	if up == down {
		return words(up)
	}
	return "up " + words(up) + ", down " + words(down)
}

func words(p relay.Params) string {
	var all []string
	say := func(given bool, format string, args ...any) {
		if given {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	say(p.Rate > 0, "%v", p.Rate)
	say(p.Loss > 0, "%.4g %% loss", p.Loss*100)
	say(p.Delay > 0, "%v delay", p.Delay)
	say(p.Jitter > 0, "%v jitter", p.Jitter)
	if len(all) == 0 {
		return "unimpaired"
	}
	return strings.Join(all, ", ")
}
