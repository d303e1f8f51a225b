// Package bot is one participant of a meeting as the server sees it: it signs in over HTTP, speaks the protocol over a
// websocket, offers its media as a browser does, and sends and receives RTP. Its media is as cheap as can be, because
// dozens of bots share a machine with the server that they measure: an Engine, one loop on one thread, owns the sockets
// of all of them, and only a sample of the packets is decrypted.
//
// It must never import the server's packages: what it knows of the server is the protocol.
package bot

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tarasul/signaling/protocol"

	"github.com/gorilla/websocket"
)

// ErrClosed is what calls on a socket return after it was closed or lost.
var ErrClosed = errors.New("bot: the socket is closed")

// Server is where the bots sign in.
type Server struct {
	base   *url.URL
	client *http.Client
	tls    *tls.Config
}

// NewServer reads the server's address, such as http://127.0.0.1:8080. If insecure is set, any certificate is accepted.
func NewServer(address string, insecure bool) (*Server, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("server %q is no address like http://127.0.0.1:8080", address)
	}
	base.Path, base.RawQuery, base.Fragment = "", "", ""
	config := &tls.Config{InsecureSkipVerify: insecure} //nolint:gosec // asked for, by a tool that tests
	return &Server{
		base: base, tls: config,
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 4}, Timeout: time.Minute},
	}, nil
}

// URL is the server's address.
func (s *Server) URL() *url.URL { return s.base }

// Close gives back idle connections.
func (s *Server) Close() { s.client.CloseIdleConnections() }

// Session is a signed-in person's cookie.
type Session struct {
	server *Server
	cookie string
}

// Visit asks what the server says to a visitor who is not signed in.
func (s *Server) Visit(ctx context.Context) (protocol.SessionInfo, error) {
	info, _, err := s.exchange(ctx, http.MethodGet, "/api/session", "", nil)
	return info, err
}

// SignIn signs a person in.
func (s *Server) SignIn(ctx context.Context, login, password string) (*Session, protocol.SessionInfo, error) {
	info, cookie, err := s.exchange(ctx, http.MethodPost, "/api/session", "", protocol.SignIn{Login: login, Password: password})
	if err != nil {
		return nil, info, fmt.Errorf("sign in as %q: %w", login, err)
	}
	if cookie == "" {
		return nil, info, fmt.Errorf("sign in as %q: the server set no cookie", login)
	}
	return &Session{s, cookie}, info, nil
}

// ChangePassword sets the person's own password.
func (c *Session) ChangePassword(ctx context.Context, former, password string) error {
	_, cookie, err := c.server.exchange(ctx, http.MethodPost, "/api/password", c.cookie, protocol.PasswordChange{Old: former, New: password})
	if err != nil {
		return fmt.Errorf("change the password: %w", err)
	}
	if cookie != "" {
		c.cookie = cookie
	}
	return nil
}

// exchange sends one HTTP request, again for as long as the server asks for patience.
func (s *Server) exchange(ctx context.Context, method, path, cookie string, body any) (info protocol.SessionInfo, set string, err error) {
	for {
		info, set, err = s.exchangeOnce(ctx, method, path, cookie, body)
		var refusal *protocol.Refusal
		if !errors.As(err, &refusal) || refusal.Code != protocol.CodeRateLimited || refusal.RetryAfter <= 0 {
			return info, set, err
		}
		select {
		case <-ctx.Done():
			return info, set, err
		case <-time.After(time.Duration(refusal.RetryAfter) * time.Millisecond):
		}
	}
}

func (s *Server) exchangeOnce(ctx context.Context, method, path, cookie string, body any) (info protocol.SessionInfo, set string, err error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return info, "", err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath(path).String(), reader)
	if err != nil {
		return info, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", s.origin())
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return info, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return info, "", err
	}
	if response.StatusCode/100 != 2 {
		refusal := &protocol.Refusal{}
		if json.Unmarshal(raw, refusal) == nil && refusal.Code != "" {
			return info, "", refusal
		}
		return info, "", fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return info, "", fmt.Errorf("%s %s: %w", method, path, err)
	}
	var pairs []string
	for _, c := range response.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return info, strings.Join(pairs, "; "), nil
}

func (s *Server) origin() string { return s.base.Scheme + "://" + s.base.Host }

// EventHandler takes in an event of the server, in order, on the socket's own goroutine: it must not wait.
type EventHandler func(kind string, body json.RawMessage)

// Socket is one websocket after the hello.
type Socket struct {
	conn    *websocket.Conn
	handle  EventHandler
	welcome protocol.Welcome
	done    chan struct{} // closed when the reader has ended
	ended   sync.Once

	write sync.Mutex // guards writes to conn

	mu      sync.Mutex // guards the rest; never held together with write
	next    int
	pending map[string]chan protocol.Envelope
	err     error
	seq     uint64
	gaps    int
}

// Dial opens the session's websocket and says hello. client is what the operators' metrics see.
func (c *Session) Dial(ctx context.Context, client string, handle EventHandler) (*Socket, error) {
	address := *c.server.base
	address.Scheme = strings.Replace(address.Scheme, "http", "ws", 1)
	address.Path = "/api/signaling"
	dialer := websocket.Dialer{
		Subprotocols: []string{protocol.Subprotocol}, HandshakeTimeout: 30 * time.Second, TLSClientConfig: c.server.tls,
		ReadBufferSize: 4096, WriteBufferSize: 4096,
	}
	header := http.Header{"Origin": {c.server.origin()}, "Cookie": {c.cookie}}
	conn, response, err := dialer.DialContext(ctx, address.String(), header)
	if err != nil {
		if response != nil {
			response.Body.Close()
			return nil, fmt.Errorf("open the websocket: %s: %w", response.Status, err)
		}
		return nil, fmt.Errorf("open the websocket: %w", err)
	}
	s := &Socket{conn: conn, handle: handle, done: make(chan struct{}), pending: map[string]chan protocol.Envelope{}}
	go s.read()
	if err := s.Call(ctx, "hello", protocol.Hello{Version: protocol.Version, Client: client, Language: "en"}, &s.welcome); err != nil {
		s.Close()
		return nil, fmt.Errorf("hello: %w", err)
	}
	s.mu.Lock()
	s.seq = max(s.seq, s.welcome.Seq)
	s.mu.Unlock()
	return s, nil
}

// Welcome is the server's answer to the hello.
func (s *Socket) Welcome() protocol.Welcome { return s.welcome }

// Done is closed when the socket is closed or lost; Err says why.
func (s *Socket) Done() <-chan struct{} { return s.done }

// Err says why the socket has ended; nil while it has not.
func (s *Socket) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// SequenceGaps is how often an event's number was not the one after the last.
func (s *Socket) SequenceGaps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps
}

// Call sends a request and waits for its reply, whose body goes into reply unless that is nil. A refusal of the server is a
// *protocol.Refusal.
func (s *Socket) Call(ctx context.Context, kind string, body, reply any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer := make(chan protocol.Envelope, 1)
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return s.err
	}
	s.next++
	id := strconv.Itoa(s.next)
	s.pending[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.pending, id)
		s.mu.Unlock()
	}()
	if err := s.send(protocol.Envelope{Type: kind, ID: id, Body: raw}); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	select {
	case envelope := <-answer:
		if envelope.Error != nil {
			return fmt.Errorf("%s: %w", kind, envelope.Error)
		}
		if reply == nil {
			return nil
		}
		if err := json.Unmarshal(envelope.Body, reply); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		return nil
	case <-s.done:
		return fmt.Errorf("%s: %w", kind, s.Err())
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", kind, ctx.Err())
	}
}

func (s *Socket) send(envelope protocol.Envelope) error {
	raw, err := json.Marshal(envelope)
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, raw)
}

func (s *Socket) read() {
	var err error
	for err == nil {
		var raw []byte
		if _, raw, err = s.conn.ReadMessage(); err == nil {
			err = s.take(raw)
		}
	}
	s.end(err)
	close(s.done)
}

func (s *Socket) take(raw []byte) error {
	var envelope protocol.Envelope
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return fmt.Errorf("the server sent no JSON: %w", err)
	}
	if envelope.Type == protocol.TypeReply {
		s.mu.Lock()
		answer := s.pending[envelope.ID]
		delete(s.pending, envelope.ID)
		s.mu.Unlock()
		if answer != nil {
			answer <- envelope
		}
		return nil
	}
	s.mu.Lock()
	if envelope.Seq != s.seq+1 && s.seq != 0 {
		s.gaps++
	}
	s.seq = envelope.Seq
	s.mu.Unlock()
	s.handle(envelope.Type, envelope.Body)
	return nil
}

// end keeps the first reason.
func (s *Socket) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// Close closes the socket and waits for its reader.
func (s *Socket) Close() {
	s.ended.Do(func() {
		s.end(ErrClosed)
		s.write.Lock()
		// The other side learns that it was on purpose; if it cannot be told, closing the connection says enough.
		_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		s.conn.Close()
		s.write.Unlock()
	})
	<-s.done
}
