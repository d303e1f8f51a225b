//go:build linux && (amd64 || arm64)

package relay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrClosed is what a relay says that was closed, or has broken down.
var ErrClosed = errors.New("relay: closed")

// Config says between whom a relay stands and what it does. Only Server must be given.
type Config struct {
	Listen   netip.AddrPort // where clients send to; default: a free port of the server's own address family's loopback
	Server   netip.AddrPort // where their packets go to
	Up, Down Params         // towards the server, and back
	Seed     uint64         // of all links; those of a client follow from it and from how many clients came before
	Clients  int            // at most at a time, by source address; default 256
	Packets  int            // on their way at most, of all together, at 2 KiB each; default 32,768
	Idle     time.Duration  // a client from and for whom nothing came for so long is forgotten; default 2 minutes
}

// Validate fills in what is not given and reports all that is wrong at once.
func (c *Config) Validate() error {
	var all []error
	c.Server = netip.AddrPortFrom(c.Server.Addr().Unmap(), c.Server.Port())
	if !c.Server.IsValid() || c.Server.Port() == 0 {
		all = append(all, errors.New("the server's address is missing"))
	}
	if !c.Listen.IsValid() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if c.Server.Addr().Is6() {
			loopback = netip.IPv6Loopback()
		}
		c.Listen = netip.AddrPortFrom(loopback, 0)
	}
	c.Listen = netip.AddrPortFrom(c.Listen.Addr().Unmap(), c.Listen.Port())
	all = append(all, validate(c.Up, c.Down))
	for _, limit := range []struct {
		name       string
		value      *int
		usual, max int
	}{{"clients", &c.Clients, 256, 1 << 14}, {"packets", &c.Packets, 1 << 15, 1 << 20}} {
		if *limit.value == 0 {
			*limit.value = limit.usual
		}
		if *limit.value < 0 || *limit.value > limit.max {
			all = append(all, fmt.Errorf("%d %s are not between 1 and %d", *limit.value, limit.name, limit.max))
		}
	}
	if c.Idle == 0 {
		c.Idle = 2 * time.Minute
	}
	if c.Idle < 0 {
		all = append(all, fmt.Errorf("idle time %v is below 0", c.Idle))
	}
	return errors.Join(all...)
}

// Stats are what a relay has done since it began.
type Stats struct {
	Clients     int      `json:"clients"`     // now
	Seen        uint64   `json:"seen"`        // clients since it began
	Refused     uint64   `json:"refused"`     // packets of clients that were too many, or for whom no socket could be had
	Oversized   uint64   `json:"oversized"`   // packets longer than 2048 bytes
	Unreachable uint64   `json:"unreachable"` // times that nobody listened at the other end
	Overflowed  uint64   `json:"overflowed"`  // packets that were lost in the relay's own sockets before it saw them
	Up          Counters `json:"up"`
	Down        Counters `json:"down"`
	Late        Spread   `json:"late_ms"` // how long after its time a packet left the relay: its precision
}

// Relay passes packets between clients and one server over links of their own. A client is a source address; the server
// sees each at a port of its own. All methods may be called from anywhere.
//
// One goroutine does it all. It waits in epoll for packets and for a timerfd, which the kernel does not round; arrivals are
// taken from the kernel's receive time, so that waiting in the socket does not lengthen a link.
type Relay struct {
	addr     netip.AddrPort
	commands chan func(*loop)
	ended    chan struct{} // closed when final and err are set
	final    Stats
	err      error

	mu   sync.Mutex // guards wake
	wake int        // an eventfd, -1 when it is closed
}

// New opens a relay's socket and starts it. It runs until Close.
func New(cfg Config) (*Relay, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	l, err := newLoop(cfg)
	if err != nil {
		return nil, fmt.Errorf("open relay to %v: %w", cfg.Server, err)
	}
	r := &Relay{addr: l.front.local, commands: make(chan func(*loop), 16), ended: make(chan struct{}), wake: l.wake}
	go func() {
		defer close(r.ended)
		r.err = l.run(r.commands)
		r.final = l.stats()
		r.mu.Lock()
		r.wake = -1
		r.mu.Unlock()
		l.close()
	}()
	return r, nil
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.addr }

// Set changes the links of all clients from now on; see Link.Set. It returns when it is done.
func (r *Relay) Set(up, down Params) error {
	if err := validate(up, down); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	return r.do(func(l *loop) { l.set(up, down) })
}

// Follow makes each change at its time after the call, which must not fall. It returns after the last one, or when ctx ends.
func (r *Relay) Follow(ctx context.Context, steps []Step) error {
	began := time.Now()
	for _, s := range steps {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			return ErrClosed
		case <-time.After(time.Until(began.Add(s.After))):
		}
		if err := r.Set(s.Up, s.Down); err != nil {
			return err
		}
	}
	return nil
}

// Stats are what the relay has done so far, or until it was closed.
func (r *Relay) Stats() (s Stats) {
	if r.do(func(l *loop) { s = l.stats() }) != nil {
		return r.final
	}
	return s
}

// Close ends the relay; what is on its way is lost. The error is why it had ended before.
func (r *Relay) Close() error {
	_ = r.do(func(l *loop) { l.ending = true }) // it may have ended already
	<-r.ended
	return r.err
}

// do has the loop call f, and waits until it has.
func (r *Relay) do(f func(*loop)) error {
	done := make(chan struct{})
	command := func(l *loop) {
		f(l)
		close(done)
	}
	select {
	case r.commands <- command:
	case <-r.ended:
		return ErrClosed
	}
	r.mu.Lock()
	if r.wake >= 0 {
		_, _ = unix.Write(r.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it can only fail when it is set already
	}
	r.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-r.ended:
		return ErrClosed
	}
}
