//go:build linux

package bot

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"tarasul/loadtest/sock"
	"tarasul/loadtest/tally"

	"golang.org/x/sys/unix"
)

// ErrStopped is what an engine's users get once Run has returned.
var ErrStopped = errors.New("bot: the engine has stopped")

// Times of the engine, in nanoseconds.
const (
	drainInterval = int64(2 * time.Millisecond)
	tooLate       = int64(100 * time.Millisecond) // behind schedule by more than this, frames are left out
)

// Engine is the one loop that sends and receives for many peers. Per turn: what others ask of it, what is due to be sent, and
// every 2 ms all that has arrived. While a peer connects, its socket wakes the loop at once, so that joining is not slowed
// by the interval; afterwards it does not, because the kernel's receive times make the interval invisible to latency.
type Engine struct {
	identity *identity
	clock    sock.Clock
	batch    *sock.Batch
	commands chan func()
	stopped  chan struct{}

	mu     sync.Mutex // guards wakeFD against being closed while it is written to
	wakeFD int

	// The loop's own.
	peers      []*Peer
	schedule   schedule
	poll       []unix.PollFd
	connecting []*Peer // those of poll after the first
	packet     []byte  // scratch
	sealed     []byte  // scratch
	lateness   tally.Histogram
	leftOut    uint64
	window     *collector // nil while nothing is measured
	totals     Totals
}

// NewEngine makes an engine; Run must be called.
func NewEngine() (*Engine, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("make the bots' certificate: %w", err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	return &Engine{
		identity: id, clock: sock.NewClock(), batch: sock.NewBatch(), commands: make(chan func(), 64), wakeFD: fd,
		stopped: make(chan struct{}), packet: make([]byte, 0, sock.SlotSize), sealed: make([]byte, 0, sock.SlotSize),
	}, nil
}

// Now is the engine's time, in nanoseconds: that of all measurements.
func (e *Engine) Now() int64 { return e.clock.Since() }

// Run runs the loop until ctx is done. Peers that are still there are cut off without a farewell.
func (e *Engine) Run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Wake on time, not up to 50 us later; a kernel that refuses leaves us a little less even.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	defer context.AfterFunc(ctx, e.wake)()
	defer close(e.stopped)
	nextDrain := e.clock.Since()
	for ctx.Err() == nil {
		for more := true; more; {
			select {
			case command := <-e.commands:
				command()
			default:
				more = false
			}
		}
		now := e.clock.Since()
		e.sendDue(now)
		if now >= nextDrain {
			for _, p := range e.peers {
				p.drain()
				p.tick(now)
			}
			nextDrain = max(nextDrain+drainInterval, now+drainInterval/2)
		}
		e.wait(nextDrain)
	}
}

// wait sleeps until the next thing is due or somebody wants the loop, and serves the sockets of peers that connect.
func (e *Engine) wait(nextDrain int64) {
	e.poll = append(e.poll[:0], unix.PollFd{Fd: int32(e.wakeFD), Events: unix.POLLIN})
	e.connecting = e.connecting[:0]
	for _, p := range e.peers {
		if p.keys.in == nil {
			e.poll = append(e.poll, unix.PollFd{Fd: int32(p.socket.FD()), Events: unix.POLLIN})
			e.connecting = append(e.connecting, p)
		}
	}
	var timeout *unix.Timespec
	if len(e.peers) > 0 {
		until := nextDrain
		if len(e.schedule) > 0 {
			until = min(until, e.schedule[0].next)
		}
		t := unix.NsecToTimespec(max(until-e.clock.Since(), 0))
		timeout = &t
	}
	if n, err := unix.Ppoll(e.poll, timeout, nil); err != nil || n == 0 {
		return
	}
	if e.poll[0].Revents != 0 {
		var count [8]byte
		// Nothing to read is fine: it only means that the wake-up was for an earlier turn.
		_, _ = unix.Read(e.wakeFD, count[:])
	}
	for i, p := range e.connecting {
		if e.poll[i+1].Revents != 0 {
			p.drain()
			p.tick(e.clock.Since())
		}
	}
}

func (e *Engine) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wakeFD < 0 {
		return
	}
	// The counter cannot overflow before the loop reads it, so a failure means only that it is awake already.
	_, _ = unix.Write(e.wakeFD, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// Do runs f on the loop, and returns when it has run.
func (e *Engine) Do(f func()) error {
	done := make(chan struct{})
	select {
	case e.commands <- func() { f(); close(done) }:
	case <-e.stopped:
		return ErrStopped
	}
	e.wake()
	select {
	case <-done:
		return nil
	case <-e.stopped:
		return ErrStopped
	}
}

// Close gives back what NewEngine took. Run must have returned.
func (e *Engine) Close() {
	<-e.stopped
	e.mu.Lock()
	defer e.mu.Unlock()
	unix.Close(e.wakeFD)
	e.wakeFD = -1
}

// sendDue sends what is due.
func (e *Engine) sendDue(now int64) {
	for len(e.schedule) > 0 && e.schedule[0].next <= now {
		s := e.schedule[0]
		late := now - s.next
		if late > tooLate {
			missed := late / s.interval
			e.leftOut += uint64(missed)
			s.skip(missed)
		} else {
			e.lateness.Add(time.Duration(late))
			s.send(now)
		}
		s.next += s.interval
		heap.Fix(&e.schedule, 0)
	}
}

// schedule is a heap of all sources by when they send next.
type schedule []*source

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].next < s[j].next }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i]; s[i].place, s[j].place = i, j }
func (s *schedule) Push(x any)        { x.(*source).place = len(*s); *s = append(*s, x.(*source)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
