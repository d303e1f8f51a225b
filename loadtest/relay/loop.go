//go:build linux && (amd64 || arm64)

package relay

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tarasul/loadtest/tally"
)

// client is a source address, and its two links.
type client struct {
	name     name
	addr     netip.AddrPort
	back     *socket // its port at which the server sees it
	up, down lane
	seen     time.Duration
	index    int // in loop.clients
}

// What epoll says of others than clients, whose index it is.
const (
	onFront = -1 - iota
	onTimer
	onWake
)

// Bounds of one turn.
const (
	drains = 4                    // of one socket, so that all get their turn
	sweep  = time.Second          // between two looks for idle clients
	yield  = 5 * time.Millisecond // see loop.wait
)

// loop is all that a relay's goroutine owns.
type loop struct {
	cfg         Config
	epoll, wake int
	timer       int
	front       *socket
	began       time.Time
	now         time.Duration // since began, at the start of the turn
	fromWall    int64         // what must be taken from wall time to get there, ns
	armed       time.Duration // when the timer will fire; 0: not at all
	swept       time.Duration
	yielded     time.Duration
	ending      bool

	clients []*client // nil where one has gone
	free    []int     // of them
	byAddr  map[netip.AddrPort]*client
	plan    schedule
	pool    pool
	in      *inbox
	out     *outbox
	events  [batch]unix.EpollEvent

	seen, refused, oversized, unreachable uint64
	overflowed                            uint64 // of sockets that are closed
	late                                  tally.Histogram
	gone                                  [2]past // of clients that have left: up, down
}

// past is what links have done that are no more.
type past struct {
	Counters
	waits tally.Histogram
}

func (p *past) take(l *lane) {
	c := l.link.counters
	c.LostSending, c.LostNoRoom = l.lost, l.noRoom
	c.Packets += l.noRoom
	c.Passed -= l.lost
	p.add(&c)
	p.waits.Merge(&l.link.waits)
}

func newLoop(cfg Config) (*loop, error) {
	l := &loop{
		cfg: cfg, epoll: -1, wake: -1, timer: -1, began: time.Now(), byAddr: map[netip.AddrPort]*client{},
		pool: pool{most: cfg.Packets + batch}, out: newOutbox(),
	}
	l.in = newInbox(&l.pool)
	if err := l.open(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *loop) open() (err error) {
	if l.front, err = open(l.cfg.Listen, netip.AddrPort{}); err != nil {
		return fmt.Errorf("listen on %v: %w", l.cfg.Listen, err)
	}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	return errors.Join(l.watch(l.front.fd, unix.EPOLLIN, onFront), l.watch(l.timer, unix.EPOLLIN|unix.EPOLLET, onTimer),
		l.watch(l.wake, unix.EPOLLIN|unix.EPOLLET, onWake))
}

func (l *loop) watch(fd int, events uint32, as int) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(as)}))
}

// close gives everything back to the kernel.
func (l *loop) close() {
	for _, c := range l.clients {
		if c != nil {
			c.back.close()
		}
	}
	if l.front != nil {
		l.front.close()
	}
	for _, fd := range []int{l.epoll, l.timer, l.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// run takes turns until it is told to end:
//
//  1. wait for packets, for the time when the next one is due, or for a command
//  2. take in what has come, and give it to its link
//  3. send what is due
func (l *loop) run(commands <-chan func(*loop)) error {
	for !l.ending {
		n, err := l.wait()
		if err != nil {
			return err
		}
		for _, e := range l.events[:n] {
			switch {
			case e.Fd >= 0:
				if c := l.clients[e.Fd]; c != nil {
					l.drain(c.back, c)
				}
			case e.Fd == onFront:
				l.drain(l.front, nil)
			case e.Fd == onTimer:
				l.armed = 0
			case e.Fd == onWake:
				l.obey(commands)
			}
		}
		l.deliver()
		if l.now-l.swept > sweep {
			l.forgetIdle()
		}
	}
	return nil
}

// wait waits for events, at most until the next packet is due.
func (l *loop) wait() (n int, err error) {
	patience := -1
	if len(l.plan) > 0 {
		due := l.plan[0].due
		switch left := due - l.elapsed(); {
		case left <= 0:
			patience = 0
		case due != l.armed:
			spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
			if err := unix.TimerfdSettime(l.timer, 0, &spec, nil); err != nil {
				return 0, os.NewSyscallError("timerfd_settime", err)
			}
			l.armed = due
		}
	}
	// Who only ever waits in system calls never passes through Go's scheduler, whose monitor then takes the processor away in
	// each of them.
	if l.now-l.yielded > yield {
		l.yielded = l.now
		runtime.Gosched()
	}
	for {
		var errno unix.Errno
		at, most := uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events))
		var r uintptr
		if patience == 0 {
			r, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), at, most, 0, 0, 0)
		} else {
			r, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), at, most, uintptr(patience), 0, 0)
		}
		switch errno {
		case 0:
			now := time.Now()
			l.now = now.Sub(l.began)
			l.fromWall = now.UnixNano() - int64(l.now)
			return int(r), nil
		case unix.EINTR:
		default:
			return 0, os.NewSyscallError("epoll_pwait", errno)
		}
	}
}

func (l *loop) elapsed() time.Duration { return time.Since(l.began) }

// obey runs the commands that have come.
func (l *loop) obey(commands <-chan func(*loop)) {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:])
	for {
		select {
		case f := <-commands:
			f(l)
		default:
			return
		}
	}
}

// drain takes in what has gathered in a socket: the front, from anybody, or a client's own, from the server.
func (l *loop) drain(s *socket, from *client) {
	for range drains {
		n, errno := s.receive(l.in)
		if errno == unix.ECONNREFUSED {
			l.unreachable++
			continue
		}
		for i := range n {
			r := s.take(l.in, i)
			arrived := l.now
			if r.stamp != 0 {
				arrived = min(arrived, time.Duration(r.stamp-l.fromWall))
			}
			if r.cut {
				l.oversized++
				continue
			}
			c, way := from, (*lane)(nil)
			if c != nil {
				way = &c.down
			} else if c = l.client(&l.in.names[i]); c != nil {
				way = &c.up
			} else {
				l.refused++
				continue
			}
			c.seen = l.now
			l.accept(way, i, r.size, arrived)
		}
		if n < batch {
			return
		}
	}
}

// accept gives the packet in message i to a link.
func (l *loop) accept(way *lane, i, size int, arrived time.Duration) {
	fresh, ok := l.pool.get()
	if !ok {
		way.noRoom++
		return
	}
	slot := l.in.slots[i]
	if way.link.Send(arrived, size, slot) != Passed {
		l.pool.put(fresh)
		return
	}
	l.pool.sizes[slot] = uint16(size)
	l.in.slots[i] = fresh
	l.in.renew(i, &l.pool)
	if way.link.Len() == 1 {
		l.plan.update(way)
	}
}

// client finds a client by its address, or takes in a new one; nil if that is not possible.
func (l *loop) client(n *name) *client {
	addr := n.addr()
	if c := l.byAddr[addr]; c != nil {
		return c
	}
	if len(l.byAddr) >= l.cfg.Clients {
		return nil
	}
	back, err := open(netip.AddrPort{}, l.cfg.Server)
	if err != nil {
		return nil
	}
	c := &client{name: *n, addr: addr, back: back, index: len(l.clients)}
	if k := len(l.free); k > 0 {
		c.index, l.free = l.free[k-1], l.free[:k-1]
	} else {
		l.clients = append(l.clients, nil)
	}
	if l.watch(back.fd, unix.EPOLLIN, c.index) != nil {
		back.close()
		l.free = append(l.free, c.index)
		return nil
	}
	seed := l.cfg.Seed + 2*l.seen*0x9e3779b97f4a7c15
	c.up = lane{link: NewLink(l.cfg.Up, seed), socket: back, place: -1}
	c.down = lane{link: NewLink(l.cfg.Down, seed+0x9e3779b97f4a7c15), socket: l.front, to: &c.name, place: -1}
	l.clients[c.index] = c
	l.byAddr[addr] = c
	l.seen++
	return c
}

// deliver sends what is due.
func (l *loop) deliver() {
	now := l.elapsed()
	for len(l.plan) > 0 && l.plan[0].due <= now {
		way := l.plan[0]
		if l.out.n > 0 && l.out.socket != way.socket {
			l.flush()
		}
		l.out.socket = way.socket
		for {
			due, _ := way.link.Next()
			slot, ok := way.link.Take(now)
			if !ok {
				break
			}
			l.late.Add(now - due)
			l.out.add(way, slot, l.pool.packet(slot))
			if l.out.n == batch {
				l.flush()
			}
		}
		l.plan.update(way)
	}
	l.flush()
}

func (l *loop) flush() { l.unreachable += l.out.send(&l.pool) }

// set changes all links.
func (l *loop) set(up, down Params) {
	l.cfg.Up, l.cfg.Down = up, down
	for _, c := range l.clients {
		if c == nil {
			continue
		}
		c.up.link.Set(l.now, up)
		c.down.link.Set(l.now, down)
		l.plan.update(&c.up)
		l.plan.update(&c.down)
	}
}

// forgetIdle forgets the clients from and for whom nothing has come for long.
func (l *loop) forgetIdle() {
	l.swept = l.now
	for _, c := range l.clients {
		if c != nil && l.now-c.seen > l.cfg.Idle {
			l.forget(c)
		}
	}
}

func (l *loop) forget(c *client) {
	for i, way := range []*lane{&c.up, &c.down} {
		l.gone[i].take(way)
		for {
			slot, ok := way.link.Take(1<<63 - 1)
			if !ok {
				break
			}
			l.pool.put(slot)
		}
		l.plan.update(way)
	}
	l.overflowed += uint64(c.back.overflowed)
	c.back.close() // which takes it out of epoll
	delete(l.byAddr, c.addr)
	l.clients[c.index] = nil
	l.free = append(l.free, c.index)
}

// stats adds up.
func (l *loop) stats() Stats {
	s := Stats{
		Clients: len(l.byAddr), Seen: l.seen, Refused: l.refused, Oversized: l.oversized, Unreachable: l.unreachable,
		Overflowed: l.overflowed + uint64(l.front.overflowed), Late: spread(&l.late),
	}
	all := l.gone
	for _, c := range l.clients {
		if c == nil {
			continue
		}
		s.Overflowed += uint64(c.back.overflowed)
		all[0].take(&c.up)
		all[1].take(&c.down)
	}
	s.Up, s.Down = all[0].Counters, all[1].Counters
	s.Up.Queue, s.Down.Queue = spread(&all[0].waits), spread(&all[1].waits)
	return s
}
