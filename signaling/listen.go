package signaling

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Doors are the addresses on which the service is reached.
type Doors struct {
	doors []door
}

// door is one listener. A plain door serves the client as it is; any other speaks TLS,
// and tells a plain request on the same port where to go.
type door struct {
	net.Listener
	plain bool
	to    string // port to which plain requests are sent
}

// TakenError says that an address is in use.
type TakenError struct {
	What    string // "http", "https", "admin"
	Address string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the %s address %s is taken by another program", e.What, e.Address)
}

// Unwrap makes errors.Is(err, syscall.EADDRINUSE) hold.
func (e *TakenError) Unwrap() error { return syscall.EADDRINUSE }

// Listen opens the configured addresses. A *TakenError names one that is in use.
func Listen(cfg Config) (*Doors, error) {
	d := &Doors{}
	if err := d.open("http", cfg.HTTP, isLocal(cfg.HTTP)); err != nil {
		return nil, err
	}
	if cfg.HTTPS != "" {
		if err := d.open("https", cfg.HTTPS, false); err != nil {
			d.Close()
			return nil, err
		}
		_, port, _ := net.SplitHostPort(d.doors[len(d.doors)-1].Addr().String())
		for i := range d.doors {
			d.doors[i].to = port
		}
	}
	return d, nil
}

// open opens one address; "localhost" is opened for IPv4 and, where there is one, IPv6,
// because a browser may try either first.
func (d *Doors) open(what, address string, plain bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	addresses := []string{address}
	if strings.EqualFold(host, "localhost") {
		addresses = []string{net.JoinHostPort("127.0.0.1", port)}
	}
	first, err := ListenOn(what, addresses[0])
	if err != nil {
		return err
	}
	_, port, _ = net.SplitHostPort(first.Addr().String())
	d.doors = append(d.doors, door{Listener: first, plain: plain, to: port})
	if strings.EqualFold(host, "localhost") {
		second, err := ListenOn(what, net.JoinHostPort("::1", port))
		if taken, ok := errors.AsType[*TakenError](err); ok {
			d.Close()
			return taken
		}
		if err == nil {
			d.doors = append(d.doors, door{Listener: second, plain: plain, to: port})
		}
	}
	return nil
}

// ListenOn opens one TCP address. What names it in the error: a *TakenError if it is in
// use.
func ListenOn(what, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &TakenError{What: what, Address: address}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return l, nil
}

// Secure reports whether any door speaks TLS, and so needs a certificate.
func (d *Doors) Secure() bool {
	for _, door := range d.doors {
		if !door.plain {
			return true
		}
	}
	return false
}

// Addresses are where the doors are.
func (d *Doors) Addresses() []net.Addr {
	var out []net.Addr
	for _, door := range d.doors {
		out = append(out, door.Addr())
	}
	return out
}

// URLs are what a person can open, the best on this machine first: one per door, and for
// a door that is open on every address one per address that others can reach.
func (d *Doors) URLs() []string {
	var out []string
	add := func(url string) {
		for _, have := range out {
			if have == url {
				return
			}
		}
		out = append(out, url)
	}
	for _, door := range d.doors {
		scheme := "https"
		if door.plain {
			scheme = "http"
		}
		at, ok := door.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		hosts := []string{at.IP.String()}
		switch {
		case at.IP.IsLoopback():
			hosts = []string{"localhost"}
		case at.IP.IsUnspecified():
			hosts = append([]string{"localhost"}, reachable()...)
		}
		for _, host := range hosts {
			add(scheme + "://" + net.JoinHostPort(host, fmt.Sprint(at.Port)))
		}
	}
	return out
}

// reachable gives the addresses of this machine by which others reach it.
func reachable() []string {
	var out []string
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			out = append(out, network.IP.String())
		}
	}
	return out
}

// Close closes all doors.
func (d *Doors) Close() {
	for _, door := range d.doors {
		door.Close()
	}
}

// Time limits of plain HTTP; a websocket has its own.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	answerTimeout = 2 * time.Minute // fonts over a satellite link
	idleTimeout   = 2 * time.Minute
)

// serve answers on all doors until stop is called, which waits for the requests under way.
func (d *Doors) serve(app, elsewhere http.Handler, secure *tls.Config, log *slog.Logger, failed func(error)) (stop func(context.Context)) {
	errorLog := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	server := func(h http.Handler) *http.Server {
		return &http.Server{
			Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: 32 << 10, ErrorLog: errorLog,
		}
	}
	var tasks sync.WaitGroup
	var servers []*http.Server
	run := func(s *http.Server, l net.Listener) {
		servers = append(servers, s)
		tasks.Go(func() {
			if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				failed(fmt.Errorf("serve on %s: %w", l.Addr(), err))
			}
		})
	}
	var forks []*fork
	for _, door := range d.doors {
		if door.plain {
			run(server(app), door)
			continue
		}
		f := newFork(door)
		forks = append(forks, f)
		tasks.Go(f.run)
		s := server(app)
		s.TLSConfig = secure
		run(s, tls.NewListener(f.secure, secure))
		run(server(redirect(door.to, elsewhere)), f.plain)
	}
	return func(ctx context.Context) {
		// First nobody comes in any more: Shutdown waits for Accept to return.
		for _, f := range forks {
			f.Close()
		}
		var stopping sync.WaitGroup
		for _, s := range servers {
			stopping.Go(func() {
				if s.Shutdown(ctx) != nil {
					s.Close()
				}
			})
		}
		stopping.Wait()
		tasks.Wait()
	}
}

// redirect sends plain requests to the same place over TLS; elsewhere answers what must
// be had before TLS is trusted.
func redirect(port string, elsewhere http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /ca.crt", elsewhere)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if !plainHost(host) {
			http.Error(w, "bad host", http.StatusBadRequest)
			return
		}
		if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
			host = "[" + host + "]"
		}
		if port != "443" {
			host += ":" + port
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})
	return mux
}

// peekTimeout is how long a new connection may say nothing.
const peekTimeout = 10 * time.Second

// fork tells TLS from plain connections by their first byte, so that an address has one
// port for both, and a person who types it without https is not met by a dead page.
type fork struct {
	listener      net.Listener
	secure, plain *branch
	tasks         sync.WaitGroup

	mu     sync.Mutex            // guards silent; taken alone
	silent map[net.Conn]struct{} // have said nothing yet; nil once the fork is closed
}

func newFork(l net.Listener) *fork {
	closed := make(chan struct{})
	return &fork{
		listener: l, silent: map[net.Conn]struct{}{},
		secure: &branch{conns: make(chan net.Conn), closed: closed, address: l.Addr()},
		plain:  &branch{conns: make(chan net.Conn), closed: closed, address: l.Addr()},
	}
}

// run accepts until the listener is closed.
func (f *fork) run() {
	defer f.tasks.Wait()
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of file descriptors, most likely: not in a tight loop
			case <-f.secure.closed:
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		f.tasks.Go(func() { f.peek(conn) })
	}
}

// firstOfTLS is the content type of a handshake record (RFC 8446 section 5.1).
const firstOfTLS = 0x16

func (f *fork) peek(conn net.Conn) {
	if !f.watch(conn, true) {
		conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(peekTimeout))
	reader := bufio.NewReaderSize(conn, 16)
	first, err := reader.Peek(1)
	_ = conn.SetReadDeadline(time.Time{})
	f.watch(conn, false)
	if err != nil {
		conn.Close()
		return
	}
	to := f.plain
	if first[0] == firstOfTLS {
		to = f.secure
	}
	select {
	case to.conns <- peeked{conn, reader}:
	case <-to.closed:
		conn.Close()
	}
}

// watch notes that a connection is silent, or no longer is. It is false if the fork is
// closed.
func (f *fork) watch(conn net.Conn, silent bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent == nil {
		return false
	}
	if silent {
		f.silent[conn] = struct{}{}
	} else {
		delete(f.silent, conn)
	}
	return true
}

// Close ends both branches and the connections that have not said which they belong to.
// It is called once.
func (f *fork) Close() {
	f.listener.Close()
	close(f.secure.closed)
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.silent {
		conn.Close()
	}
	f.silent = nil
}

// peeked is a connection whose first bytes were read already.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.reader.Read(b) }

// branch is one of the two listeners that a fork makes of one.
type branch struct {
	conns   chan net.Conn
	closed  chan struct{}
	address net.Addr
}

func (b *branch) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the fork closes both of its branches.
func (b *branch) Close() error   { return nil }
func (b *branch) Addr() net.Addr { return b.address }
