package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// What a client may do wrong before its socket is closed.
const (
	helloTimeout  = 10 * time.Second
	malformedMost = 3   // in a row
	limitedMost   = 500 // requests above the rate limit, beyond as many a second as are allowed
)

// upgrader makes websockets. The origin is checked before it is asked; compression stays
// off, because it costs memory per socket and lets a small frame become a large one.
func newUpgrader() websocket.Upgrader {
	return websocket.Upgrader{
		ReadBufferSize: 4096, WriteBufferSize: 4096, HandshakeTimeout: helloTimeout,
		Subprotocols: []string{protocol.Subprotocol},
		CheckOrigin:  func(*http.Request) bool { return true },
	}
}

// serveSocket is the websocket's whole life. A visitor without a sign-in gets a socket
// too, so that the hello can be refused with a reason: browsers hide the status of a
// handshake from the page.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.sameOrigin(r):
		s.count.refused.Add(1)
		s.log.Warn("websocket refused: foreign origin", "address", addressOf(r))
		writeRefusal(w, refuse(protocol.CodeForbidden))
		return
	case !slices.Contains(websocket.Subprotocols(r), protocol.Subprotocol):
		s.count.refused.Add(1)
		writeRefusal(w, refuse(protocol.CodeVersion))
		return
	}
	if !s.enterSocket() {
		s.count.refused.Add(1)
		writeRefusal(w, unavailable())
		return
	}
	defer s.leaveSocket()
	said := sync.OnceFunc(func() { s.count.unsaid.Add(-1) })
	defer said()

	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.count.refused.Add(1)
		return // the upgrader has answered
	}
	s.count.opened.Add(1)
	sock := newSocket(conn)
	forget := s.trackSocket(sock)
	defer forget()
	s.sockets.Go(sock.write)
	defer func() {
		close(sock.read)
		<-sock.done
	}()

	conn.SetReadLimit(protocol.MaxMessageBytes)
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	env, refusal := s.readFrame(sock)
	said()
	if env == nil {
		if refusal != nil {
			sock.send(refusalFrame("", refusal))
			sock.close(protocol.CloseProtocolError, "malformed hello")
			drain(sock)
		} else if !sock.closed() {
			sock.close(protocol.ClosePolicy, "no hello in time")
		}
		return
	}
	sess := s.hello(sock, env, s.cookieOf(r))
	if sess == nil {
		drain(sock)
		return
	}
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongDeadline)) })
	_ = conn.SetReadDeadline(time.Now().Add(pongDeadline))
	wait := s.serveSession(sess, sock)
	s.lost(sess, sock)
	wait()
}

// arrival is one frame on its way to being carried out: a request, or why it is none.
type arrival struct {
	env     protocol.Envelope
	refusal *protocol.Refusal
}

// arrivalsMost is how many requests of one socket wait for those before them; then its
// reader waits.
const arrivalsMost = 16

// serveSession reads requests until the socket ends. They are carried out beside the
// reader, so that a page that asks whether its socket lives is not kept waiting by a
// request that takes its time. The function returned waits for the one under way.
func (s *Server) serveSession(sess *session, sock *socket) (wait func()) {
	arrivals := make(chan arrival, arrivalsMost)
	var worker sync.WaitGroup
	worker.Go(func() { s.carryOutAll(sess, sock, arrivals) })
	defer close(arrivals)

	limit := newBucket(s.cfg.RequestsPerSecond, s.cfg.RequestBurst, time.Now())
	excess := newBucket(s.cfg.RequestsPerSecond, limitedMost, time.Now())
	for {
		env, refusal := s.readFrame(sock)
		if sock.closed() {
			drain(sock)
			return worker.Wait
		}
		if env == nil && refusal == nil {
			return worker.Wait
		}
		now := time.Now()
		_ = sock.conn.SetReadDeadline(now.Add(pongDeadline))
		if env == nil {
			env = &protocol.Envelope{} // a refusal without an id to answer to
		}
		wait, allowed := limit.take(now)
		switch {
		case !allowed:
			s.count.limited.Add(1)
			if _, bearable := excess.take(now); !bearable {
				sock.close(protocol.ClosePolicy, "far too many requests")
				continue
			}
			sock.send(refusalFrame(env.ID, rateLimited(wait)))
		case refusal == nil && s.requests[env.Type].urgent:
			s.dispatch(sess, *env)
		default:
			select {
			case arrivals <- arrival{*env, refusal}:
			case <-sock.done:
			}
		}
	}
}

// carryOutAll carries out requests in their order. Those that have not begun when their
// socket is gone are left: the client asks again on the next one.
func (s *Server) carryOutAll(sess *session, sock *socket, arrivals <-chan arrival) {
	wrong := 0 // in a row
	for a := range arrivals {
		switch {
		case sock.closed() || sock.gone():
			continue
		case a.refusal != nil:
			s.count.garbled.Add(1)
			sock.send(refusalFrame("", a.refusal))
			wrong++
		case s.dispatch(sess, a.env) == protocol.CodeMalformed:
			wrong++
		default:
			wrong = 0
		}
		if wrong >= malformedMost {
			sock.close(protocol.CloseProtocolError, "malformed requests")
		}
	}
}

// readFrame reads one frame. Both results are nil if there is nothing more to read.
func (s *Server) readFrame(sock *socket) (*protocol.Envelope, *protocol.Refusal) {
	kind, frame, err := sock.conn.ReadMessage()
	if err != nil {
		if errors.Is(err, websocket.ErrReadLimit) {
			sock.close(protocol.CloseTooBig, "frame too large")
		}
		sock.goodbye = websocket.IsCloseError(err, websocket.CloseNormalClosure)
		return nil, nil
	}
	if kind != websocket.TextMessage {
		return nil, malformed("binary frame")
	}
	return parseEnvelope(frame)
}

// parseEnvelope reads a request's envelope. The body is looked at by its handler.
func parseEnvelope(frame []byte) (*protocol.Envelope, *protocol.Refusal) {
	var env protocol.Envelope
	switch {
	case json.Unmarshal(frame, &env) != nil:
		return nil, malformed("not a JSON object of the envelope's shape")
	case env.ID == "" || len(env.ID) > protocol.MaxRequestID:
		return nil, malformed("id is missing or too long")
	}
	return &env, nil
}

// drain reads what still comes until the close frame or the connection's end, so that the
// client sees why it was closed.
func drain(sock *socket) {
	for {
		if _, _, err := sock.conn.NextReader(); err != nil {
			return
		}
	}
}

// hello carries out the first request: it resumes a session or makes one. It is nil if
// the hello was refused; then the socket is being closed.
func (s *Server) hello(sock *socket, env *protocol.Envelope, cookie string) *session {
	started := time.Now()
	sess, refusal, code := s.welcome(sock, env, cookie)
	if refusal == nil {
		s.count.requests["hello"].note("", time.Since(started))
		return sess
	}
	s.count.requests["hello"].note(refusal.Code, time.Since(started))
	sock.send(refusalFrame(env.ID, refusal))
	sock.close(code, string(refusal.Code))
	return nil
}

func (s *Server) welcome(sock *socket, env *protocol.Envelope, cookie string) (*session, *protocol.Refusal, protocol.CloseCode) {
	var hello protocol.Hello
	if env.Type != "hello" || json.Unmarshal(env.Body, &hello) != nil {
		return nil, malformed("the first request is hello"), protocol.CloseProtocolError
	}
	if hello.Version != protocol.Version {
		return nil, refuse(protocol.CodeVersion), protocol.CloseVersion
	}
	if s.draining.Load() {
		return nil, unavailable(), protocol.CloseGoingAway
	}
	ctx, cancel := context.WithTimeout(s.life, requestTimeout)
	defer cancel()
	refused := func(err error) (*session, *protocol.Refusal, protocol.CloseCode) {
		refusal := refusalOf(s.log, "hello", err)
		switch refusal.Code {
		case protocol.CodeUnauthenticated, protocol.CodePasswordChange:
			return nil, refusal, protocol.CloseUnauthenticated
		}
		return nil, refusal, protocol.CloseTryAgainLater
	}
	signIn, err := s.parts.Directory.Resolve(ctx, cookie)
	if err != nil {
		return refused(err)
	}
	if signIn.ChangePassword {
		return refused(refuse(protocol.CodePasswordChange))
	}
	if hello.Resume != nil {
		sess, err := s.resume(ctx, sock, env.ID, *hello.Resume, signIn)
		if err != nil {
			return refused(err)
		}
		if sess != nil {
			return sess, nil, 0
		}
	}
	sess, err := s.begin(ctx, sock, env.ID, signIn, cookie)
	if err != nil {
		return refused(err)
	}
	return sess, nil, 0
}

// begin makes a session. It is known to the hub before the welcome is made, so that no
// event falls between the two; events that come meanwhile follow the welcome. The
// sign-in is asked for again after that: had it ended before, nobody would have known
// this session to end.
func (s *Server) begin(ctx context.Context, sock *socket, id string, signIn identity.Session, cookie string) (*session, error) {
	sess := newSession(signIn)
	first := s.hub.add(sess)
	err := func() error {
		if _, err := s.parts.Directory.Resolve(ctx, cookie); err != nil {
			return err
		}
		welcome, err := s.welcomeOf(ctx, sess)
		if err != nil {
			return err
		}
		if !sess.attach(sock, id, welcome) {
			return refuse(protocol.CodeUnauthenticated) // signed out a moment ago
		}
		return nil
	}()
	if err != nil {
		sess.end(nil, protocol.CloseUnauthenticated, "never begun", false)
		s.hub.remove(sess)
		return nil, err
	}
	if first {
		s.announce(sess.who(), true)
	}
	return sess, nil
}

// resume goes on with an interrupted session. It is nil without an error if there is no
// such session (any more): the client then gets a fresh one.
func (s *Server) resume(ctx context.Context, sock *socket, id string, from protocol.Resume, signIn identity.Session) (*session, error) {
	sess, foreign := s.hub.resume(from.Token, signIn.ID)
	if sess == nil {
		if foreign {
			s.count.foreign.Add(1)
			s.log.Warn("resume refused: another sign-in's session", "person", signIn.Person.ID, "address", signIn.Address)
		} else {
			s.count.forgotten.Add(1)
		}
		return nil, nil
	}
	attached := false
	var err error
	attach := func(r *room) {
		replayed := sess.held(from.Seq)
		var welcome protocol.Welcome
		if welcome, err = s.welcomeOf(ctx, sess); err != nil {
			return
		}
		if replayed {
			welcome.Resumed, welcome.Seq = true, from.Seq
		} else if r != nil {
			welcome.Meeting = r.stateFor(sess)
		}
		if attached = sess.attach(sock, id, welcome); !attached {
			return
		}
		if replayed {
			s.count.resumed.Add(1)
			return
		}
		s.count.snapshots.Add(1)
		if r != nil {
			r.mediaAgain(sess)
		}
	}
	// In a meeting all of it happens in the room's turn, so that the snapshot and the
	// events after it fit together.
	for {
		r := sess.at()
		if r == nil {
			attach(nil)
			break
		}
		gone := r.do(ctx, func(ctx context.Context) error {
			attach(r)
			return r.connection(ctx, sess)
		})
		if errors.Is(gone, errRoomGone) {
			continue
		}
		if err == nil && !attached {
			err = gone
		}
		break
	}
	if err != nil || !attached {
		return nil, err
	}
	return sess, nil
}

// welcomeOf makes the welcome of a fresh state, with which the events after Seq go.
func (s *Server) welcomeOf(ctx context.Context, sess *session) (protocol.Welcome, error) {
	seq := sess.last()
	units, err := s.parts.Directory.Units(ctx)
	if err != nil {
		return protocol.Welcome{}, err
	}
	return protocol.Welcome{
		Session: sess.id, Token: sess.token, Seq: seq, Units: units, Demo: len(s.parts.Demo) > 0,
		ServerTime: s.millis(), GraceSeconds: int(s.parts.Meeting.Grace / time.Second),
	}, nil
}

// lost is called when the socket of a session has ended, for whatever reason.
func (s *Server) lost(sess *session, sock *socket) {
	if !sess.detach(sock, s.parts.Meeting.Grace, func() { s.expire(sess) }) {
		return // ended, or resumed on another socket
	}
	if sock.goodbye && sess.at() == nil { // who says goodbye does not come back
		s.expire(sess)
		return
	}
	s.roomHears(sess)
}

// roomHears tells the room of a session, if it is in one, whether it has a socket now.
func (s *Server) roomHears(sess *session) {
	r := sess.at()
	if r == nil {
		return
	}
	err := r.do(s.life, func(ctx context.Context) error { return r.connection(ctx, sess) })
	if err != nil && !errors.Is(err, errRoomGone) && s.life.Err() == nil {
		s.log.Error("seat not told of its socket", "session", sess.id, "error", err)
	}
}

// expire ends a session that did not come back within the grace. Its seat ends by the
// room's own clock.
func (s *Server) expire(sess *session) {
	if sess.end(nil, 0, "", true) {
		s.forget(sess)
	}
}

// forget takes a session that has ended out of the hub.
func (s *Server) forget(sess *session) {
	if s.hub.remove(sess) {
		s.announce(sess.who(), false)
	}
}

// signedOut ends the sessions of sign-ins that have ended.
func (s *Server) signedOut(ended []identity.Ended) {
	for _, e := range ended {
		last := newEvent("session.signed_out", protocol.SignedOut{Reason: e.Reason})
		for _, sess := range s.hub.of(e.Person) {
			if sess.signIn != e.Session || !sess.end(&last, protocol.CloseUnauthenticated, "signed out", false) {
				continue
			}
			s.leaveRoom(sess)
			s.forget(sess)
		}
	}
}

// leaveRoom gives up the seat or the place in the lobby that a session has.
func (s *Server) leaveRoom(sess *session) {
	r := sess.at()
	if r == nil {
		return
	}
	err := r.do(s.life, func(ctx context.Context) error { return r.leave(ctx, sess) })
	if err != nil && !errors.Is(err, errRoomGone) && s.life.Err() == nil {
		s.log.Error("seat not released", "session", sess.id, "error", err)
	}
}

// announce tells everyone that a person is online or no longer is.
func (s *Server) announce(p protocol.Person, online bool) {
	p.Online = online
	s.hub.broadcast("people.changed", protocol.PersonChanged{Person: p})
}

// ping answers a page that wants to know whether its socket lives.
func (s *Server) ping(context.Context, *call, protocol.Ping) (protocol.Pong, error) {
	return protocol.Pong{ServerTime: s.millis()}, nil
}
