package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// TCPConfig is what a TCPListener needs. The callbacks are called from goroutines of the
// connections and must not block.
type TCPConfig struct {
	Deliver    func(frame []byte, s *Stream) // one datagram; only valid during the call
	Closed     func(s *Stream)               // once per stream that delivered something, after its last Deliver
	PerAddress int                           // connections at a time from one IP address, default 64
	Total      int                           // connections at a time, default 1024
	Admission  time.Duration                 // time until Admit must have been called, default 10 s
	Queue      int                           // bytes that may wait to be sent per stream, default 256 KiB
}

// TCPListener accepts ICE-TCP connections (RFC 6544, passive candidates): the fallback for
// clients whose network lets no UDP through.
type TCPListener struct {
	cfg     TCPConfig
	ln      *net.TCPListener
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup // the accept loop, and two goroutines per stream

	mu         sync.Mutex // guards what follows
	streams    map[*Stream]struct{}
	perAddress map[netip.Addr]int
}

// acceptPause is how long accepting rests after an error, as when there are no file descriptors left.
const acceptPause = 50 * time.Millisecond

// ListenTCP listens on an address. The error names the address.
func ListenTCP(addr netip.AddrPort, cfg TCPConfig) (*TCPListener, error) {
	cfg.PerAddress = or(cfg.PerAddress, 64)
	cfg.Total = or(cfg.Total, 1024)
	cfg.Admission = or(cfg.Admission, 10*time.Second)
	cfg.Queue = or(cfg.Queue, 256<<10)
	network := "tcp"
	if addr.Addr().Is4() {
		network = "tcp4" // "tcp" makes 0.0.0.0 a socket for both families
	}
	ln, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("listen for ICE-TCP on %s: %w", addr, err)
	}
	l := &TCPListener{cfg: cfg, ln: ln, streams: map[*Stream]struct{}{}, perAddress: map[netip.Addr]int{}}
	l.closing, l.close = context.WithCancel(context.Background())
	l.running.Go(l.accept)
	return l, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Addr is the address that is listened on.
func (l *TCPListener) Addr() netip.AddrPort {
	return l.ln.Addr().(*net.TCPAddr).AddrPort()
}

// Close ends the listener and all its streams and waits for their goroutines, at most flushTime.
func (l *TCPListener) Close() error {
	l.close()
	err := l.ln.Close()
	l.mu.Lock()
	for s := range l.streams {
		s.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
	if err != nil {
		return fmt.Errorf("close ICE-TCP listener: %w", err)
	}
	return nil
}

func (l *TCPListener) accept() {
	for {
		conn, err := l.ln.AcceptTCP()
		switch {
		case err == nil:
			l.take(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			pause, stop := context.WithTimeout(l.closing, acceptPause)
			<-pause.Done()
			stop()
		}
	}
}

// take starts a stream, or refuses one too many.
func (l *TCPListener) take(conn *net.TCPConn) {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	ip := remote.Addr().Unmap()
	s := newStream(conn, remote, l.cfg)
	l.mu.Lock()
	taken := l.closing.Err() == nil && len(l.streams) < l.cfg.Total && l.perAddress[ip] < l.cfg.PerAddress
	if taken {
		l.streams[s] = struct{}{}
		l.perAddress[ip]++
	}
	l.mu.Unlock()
	if !taken {
		conn.Close()
		return
	}
	l.running.Go(s.write)
	l.running.Go(func() {
		delivered := s.read()
		s.Close()
		l.mu.Lock()
		delete(l.streams, s)
		if l.perAddress[ip]--; l.perAddress[ip] == 0 {
			delete(l.perAddress, ip)
		}
		l.mu.Unlock()
		if delivered {
			l.cfg.Closed(s)
		}
	})
}
