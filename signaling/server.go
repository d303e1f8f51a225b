// Package signaling is the server that browsers talk to: the HTTP routes that set
// cookies, the embedded client, and the websocket with its sessions (session.go), which
// outlive their sockets, its table of requests (dispatch.go) and one file of handlers per
// feature. What a request means is decided in the slices below it (identity, meeting,
// chat); this package brings requests to them, and to everyone concerned what came of it.
//
// Its clock-work in one place:
//
//	socket -> frame -> dispatch -> handler -> slice -> stored -> answer
//	                                  |-> room's turn -> facts -> stored -> media core
//	                                                 \-> effects -> hub -> sessions -> sockets
//	media core -> pump -> room or session
//
// Locks are taken in this order: a room's seats, hub, session, socket. What a room decides
// is guarded by no lock but by its owner (rooms.go); nothing waits for one while it holds a
// lock.
//
// It must never know how media flows or how anything is stored.
package signaling

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"tarasul/sfu"
	"tarasul/signaling/certificate"
	"tarasul/signaling/chat"
	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

// Parts is what the service stands on. All are needed, but for Demo and Secure.
type Parts struct {
	Directory *identity.Directory
	Cards     *meeting.Cards
	Threads   *chat.Threads
	Meeting   meeting.Config
	Media     sfu.Media
	Client    fs.FS
	Secure    *certificate.Source    // nil if no door speaks TLS
	Demo      []protocol.DemoAccount // of a demonstration: shown on the sign-in page
	Log       *slog.Logger
	Now       func() time.Time
}

// sweepEvery is how often expired sign-ins are looked for.
const sweepEvery = time.Minute

// unsaidShare is the part of all sockets that may be open without having said anything:
// more would let people who are not signed in keep out those who are.
const unsaidShare = 8

// drainTimeout is how long Run waits for sockets to close when it ends.
const drainTimeout = 3 * time.Second

// Server is the signaling service of one node.
type Server struct {
	cfg      Config
	parts    Parts
	log      *slog.Logger
	origins  []*url.URL
	requests map[string]entry
	count    *counters
	hub      *hub
	rooms    *rooms
	chatTurn chan struct{} // of capacity 1: messages reach everyone in the order in which they are stored
	handler  http.Handler
	upgrader websocket.Upgrader

	life     context.Context // of everything that outlives a socket: requests under way, rooms
	stop     context.CancelFunc
	draining atomic.Bool
	shed     atomic.Int64   // how much the busiest shard of the core sheds; 0: nothing
	sockets  sync.WaitGroup // readers and writers of all sockets; Add only under mu while not draining

	mu   sync.Mutex // guards open and Add of sockets; taken alone
	open map[*socket]struct{}
}

// New makes a service. Run must be called for it to do anything by itself.
func New(cfg Config, parts Parts) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("signaling: %w", err)
	}
	files, err := newClient(parts.Client)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, parts: parts, log: parts.Log, hub: newHub(), chatTurn: make(chan struct{}, 1),
		upgrader: newUpgrader(), open: map[*socket]struct{}{},
	}
	for _, o := range cfg.Origins {
		u, err := url.Parse(o)
		if err != nil {
			return nil, fmt.Errorf("signaling: origin %q: %w", o, err)
		}
		s.origins = append(s.origins, u)
	}
	s.life, s.stop = context.WithCancel(context.Background())
	s.rooms = newRooms(s)
	s.requests = s.table()
	s.count = newCounters(s.requests)
	s.handler = s.routes(files)
	return s, nil
}

// Handler is everything that is served to browsers.
func (s *Server) Handler() http.Handler { return s.handler }

// Ready says why the service should get no new clients now; nil if it should.
func (s *Server) Ready() error {
	if s.draining.Load() {
		return fmt.Errorf("draining")
	}
	if open := s.count.sockets.Load(); open >= int64(s.cfg.Sockets) {
		return fmt.Errorf("overloaded: %d of %d sockets are open", open, s.cfg.Sockets)
	}
	if level := s.shed.Load(); level > 0 {
		return fmt.Errorf("overloaded: the media core sheds pictures, level %d", level)
	}
	return nil
}

// Run serves on the doors, brings the media core's events to sessions and ends expired
// sign-ins, until ctx ends. Then it refuses new clients, closes all sockets with "going
// away", ends the meetings' media and waits for what is under way. A door that fails
// ends it with that error.
func (s *Server) Run(ctx context.Context, doors *Doors) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var secure *tls.Config
	if s.parts.Secure != nil {
		secure = &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: s.parts.Secure.Certificate, NextProtos: []string{"h2", "http/1.1"},
		}
	}
	if doors.Secure() && secure == nil {
		return fmt.Errorf("signaling: no certificate for %v", doors.Addresses())
	}
	stop := doors.serve(s.handler, http.HandlerFunc(s.getAuthority), secure, s.log, func(err error) { fail(err) })
	var tasks sync.WaitGroup
	tasks.Go(func() { s.pump(ctx) })
	tasks.Go(func() { s.sweep(ctx) })
	<-ctx.Done()
	tasks.Wait()
	err := s.drain()
	patience, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	stop(patience)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// drain ends everything in an order in which nobody is told that a meeting has ended:
// seats are the next process's to forget, by its own rules.
func (s *Server) drain() error {
	s.mu.Lock()
	s.draining.Store(true)
	open := make([]*socket, 0, len(s.open))
	for sock := range s.open {
		open = append(open, sock)
	}
	s.mu.Unlock()
	for _, sock := range open {
		sock.close(protocol.CloseGoingAway, "the server is stopping")
	}
	done := make(chan struct{})
	go func() { s.sockets.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-time.After(drainTimeout):
		err = fmt.Errorf("%d sockets did not close within %v", s.count.sockets.Load(), drainTimeout)
	}
	s.stop()
	for _, sess := range s.hub.all() {
		sess.end(nil, protocol.CloseGoingAway, "the server is stopping", false)
	}
	s.rooms.wait()
	return err
}

// enterSocket counts a socket in; false if there may be no more.
func (s *Server) enterSocket() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() || s.count.sockets.Load() >= int64(s.cfg.Sockets) || s.count.unsaid.Load() > int64(s.cfg.Sockets/unsaidShare) {
		return false
	}
	s.count.sockets.Add(1)
	s.count.unsaid.Add(1) // until serveSocket has read something, or ends
	s.sockets.Add(1)
	return true
}

func (s *Server) leaveSocket() {
	s.count.sockets.Add(-1)
	s.sockets.Done()
}

// trackSocket makes a socket known to drain, which closes it.
func (s *Server) trackSocket(sock *socket) (forget func()) {
	s.mu.Lock()
	s.open[sock] = struct{}{}
	draining := s.draining.Load()
	s.mu.Unlock()
	if draining {
		sock.close(protocol.CloseGoingAway, "the server is stopping")
	}
	return func() {
		s.mu.Lock()
		delete(s.open, sock)
		s.mu.Unlock()
		if sock.wasSlow() {
			s.count.slow.Add(1)
		}
	}
}

// sweep ends expired sign-ins with their sessions, and keeps those in use from idling
// out.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("sign-ins not swept", "error", err)
		}
	}
}

func (s *Server) sweepOnce(ctx context.Context) error {
	var inUse []identity.SessionID
	for _, sess := range s.hub.all() {
		if sess.used.Swap(false) || sess.at() != nil {
			inUse = append(inUse, sess.signIn)
		}
	}
	if len(inUse) > 0 {
		if err := s.parts.Directory.Touch(ctx, inUse...); err != nil {
			return err
		}
	}
	ended, err := s.parts.Directory.Sweep(ctx)
	s.signedOut(ended)
	return err
}

func (s *Server) millis() protocol.Millis { return protocol.Millis(s.parts.Now().UnixMilli()) }
