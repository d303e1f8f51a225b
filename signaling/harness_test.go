package signaling

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"tarasul/sfu"
	"tarasul/signaling/audit"
	"tarasul/signaling/certificate"
	"tarasul/signaling/chat"
	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// recorder is a media core without media: it notes what it is asked for.
type recorder struct {
	events chan sfu.Event

	mu       sync.Mutex
	sessions map[sfu.PeerID]mediaSession // by peer; one room at a time in these tests
	calls    []string
	joining  func(sfu.PeerID) // called in Join before it answers
	refuse   error
}

type mediaSession struct {
	room   sfu.RoomID
	permit sfu.Permit
	on     sfu.On
}

func newRecorder() *recorder {
	return &recorder{events: make(chan sfu.Event, 1024), sessions: map[sfu.PeerID]mediaSession{}}
}

func (r *recorder) note(format string, args ...any) {
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
}

func (r *recorder) Join(_ context.Context, room sfu.RoomID, peer sfu.PeerID, offer sfu.Offer, permit sfu.Permit, on sfu.On) (sfu.Answer, error) {
	r.mu.Lock()
	hook, refuse := r.joining, r.refuse
	r.mu.Unlock()
	if hook != nil {
		hook(peer)
	}
	if refuse != nil {
		return sfu.Answer{}, refuse
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("join %s %s", peer, offer.SDP)
	r.sessions[peer] = mediaSession{room, permit, on}
	return sfu.Answer{SDP: "answer to " + offer.SDP, AudioSlots: []string{"4"}, VideoSlots: []string{"5"}}, nil
}

func (r *recorder) Reoffer(_ context.Context, room sfu.RoomID, peer sfu.PeerID, offer sfu.Offer) (sfu.Answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.sessions[peer]; !ok || s.room != room || !strings.HasPrefix(offer.SDP, "again") {
		return sfu.Answer{}, sfu.ErrNoPeer
	}
	r.note("reoffer %s %s", peer, offer.SDP)
	return sfu.Answer{SDP: "answer to " + offer.SDP}, nil
}

func (r *recorder) Leave(_ sfu.RoomID, peer sfu.PeerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.sessions[peer]; ok {
		r.note("leave %s", peer)
		delete(r.sessions, peer)
	}
}

func (r *recorder) Permit(_ sfu.RoomID, peer sfu.PeerID, permit sfu.Permit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.sessions[peer]; ok {
		s.permit = permit
		r.sessions[peer] = s
	}
}

func (r *recorder) Switch(_ sfu.RoomID, peer sfu.PeerID, on sfu.On) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.sessions[peer]; ok {
		s.on = on
		r.sessions[peer] = s
	}
}

func (r *recorder) View(_ sfu.RoomID, peer sfu.PeerID, tiles []sfu.Tile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note("view %s %d", peer, len(tiles))
}

func (r *recorder) Events() <-chan sfu.Event { return r.events }

func (r *recorder) session(peer protocol.PersonID) (mediaSession, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sessions[sfu.PeerID(peer)]
	return s, ok
}

func (r *recorder) called(call string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.calls {
		if c == call {
			n++
		}
	}
	return n
}

// site is a server with people, on a port of its own.
type site struct {
	*Server
	t      testing.TB
	http   *httptest.Server
	media  *recorder
	people map[string]protocol.Person // by login
	stop   func()
	grace  time.Duration
	unit   protocol.UnitID

	guard   sync.Mutex // guards clients
	clients []*page
}

const password = "a long enough secret 7"

// open starts a server with a person for each login. "admin" is an administrator.
func open(t testing.TB, change func(*Config, *meeting.Config), logins ...string) *site {
	t.Helper()
	return openAt(t, &Doors{}, nil, change, logins...)
}

// openAt is open with doors beside the test's own listener.
func openAt(t testing.TB, doors *Doors, secure *certificate.Source, change func(*Config, *meeting.Config), logins ...string) *site {
	t.Helper()
	cfg, rules := Config{RequestBurst: 2000, RequestsPerSecond: 1000}, meeting.Config{}
	if change != nil {
		change(&cfg, &rules)
	}
	if err := rules.Validate(); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tarasul")
	check(t, err)
	db, err := store.Open(t.Context(), dir, audit.Schema(), identity.Schema(), meeting.Schema(), chat.Schema())
	check(t, err)
	records := audit.New(db, time.Now)
	journal := func(ctx context.Context, tx *sql.Tx, a identity.Act) error {
		return records.Append(ctx, tx, audit.Entry(a))
	}
	directory, err := identity.New(identity.Config{Cost: identity.Cost{MemoryKiB: 8 << 10, Passes: 1}}, db, journal, time.Now)
	check(t, err)
	cards, err := meeting.NewCards(rules, db, directory, records, time.Now)
	check(t, err)
	check(t, cards.Recover(t.Context()))
	unit, err := directory.SaveUnit(t.Context(), identity.Console(), protocol.UnitSave{Kind: protocol.UnitHeadquarters, Name: protocol.Multilingual{En: "HQ"}})
	check(t, err)

	media := newRecorder()
	server, err := New(cfg, Parts{
		Directory: directory, Cards: cards, Threads: chat.New(db, ChatAccess(directory, cards), time.Now), Meeting: rules,
		Media: media, Client: testFiles, Secure: secure, Log: slog.New(slog.NewTextHandler(logTo(t), nil)), Now: time.Now,
	})
	check(t, err)
	s := &site{Server: server, t: t, media: media, people: map[string]protocol.Person{}, grace: rules.Grace, unit: unit.ID}
	s.http = httptest.NewServer(server.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, doors) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	t.Cleanup(func() {
		for _, p := range s.clients {
			p.cut()
		}
		s.stop()
		s.http.Close()
		check(t, db.Close())
		check(t, os.RemoveAll(dir))
	})
	for _, login := range logins {
		s.add(login)
	}
	return s
}

// logTo shows the log of a test that fails.
func logTo(t testing.TB) io.Writer {
	if testing.Verbose() {
		return t.Output()
	}
	return io.Discard
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) add(login string) protocol.Person {
	s.t.Helper()
	role := protocol.RoleOfficer
	if login == "admin" {
		role = protocol.RoleAdministrator
	}
	saved, _, err := s.parts.Directory.SavePerson(s.t.Context(), identity.Console(), protocol.PersonSave{
		Login: login, Name: protocol.Multilingual{En: login}, Unit: s.unit, Role: role, Password: password, KeepPassword: true,
	})
	check(s.t, err)
	s.people[login] = saved.Person
	return saved.Person
}

func (s *site) id(login string) protocol.PersonID { return s.people[login].ID }

func (s *site) ids(logins ...string) []protocol.PersonID {
	out := []protocol.PersonID{}
	for _, l := range logins {
		out = append(out, s.id(l))
	}
	return out
}

// browser is a cookie jar; its pages share it.
type browser struct {
	site *site
	http *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	check(s.t, err)
	return &browser{s, &http.Client{Jar: jar, Timeout: patience, Transport: s.http.Client().Transport}}
}

// do makes an HTTP request as a page of the server would.
func (b *browser) do(method, path string, body, into any) *protocol.Refusal {
	b.site.t.Helper()
	encoded, err := json.Marshal(body)
	check(b.site.t, err)
	r, err := http.NewRequest(method, b.site.http.URL+path, strings.NewReader(string(encoded)))
	check(b.site.t, err)
	r.Header.Set("Origin", b.site.http.URL)
	answer, err := b.http.Do(r)
	check(b.site.t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		var refusal protocol.Refusal
		check(b.site.t, json.NewDecoder(answer.Body).Decode(&refusal))
		return &refusal
	}
	if into != nil {
		check(b.site.t, json.NewDecoder(answer.Body).Decode(into))
	}
	return nil
}

func (b *browser) signIn(login string) *browser {
	b.site.t.Helper()
	if refusal := b.do("POST", "/api/session", protocol.SignIn{Login: login, Password: password}, nil); refusal != nil {
		b.site.t.Fatalf("sign in as %s: %+v", login, refusal)
	}
	return b
}

// page is a client on a websocket. What it reads goes to a channel per kind, so that a
// test can wait for a reply or an event while others come.
type page struct {
	t       testing.TB
	browser *browser
	conn    *websocket.Conn
	next    int
	welcome protocol.Welcome
	seq     uint64 // of the last event

	frames chan protocol.Envelope
	ended  chan struct{} // the reader has ended; why is in err
	err    error
	queue  []protocol.Envelope // events that were read while waiting for something else
}

// dial opens a websocket without saying hello.
func (b *browser) dial() *page {
	b.site.t.Helper()
	conn, _, err := b.tryDial(b.site.http.URL)
	check(b.site.t, err)
	return b.read(conn)
}

func (b *browser) tryDial(origin string) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{Jar: b.http.Jar, Subprotocols: []string{protocol.Subprotocol}, HandshakeTimeout: patience}
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	// The jar wants an http address for its cookies.
	u, err := url.Parse(b.site.http.URL)
	check(b.site.t, err)
	for _, c := range b.http.Jar.Cookies(u) {
		header.Add("Cookie", c.String())
	}
	dialer.Jar = nil
	return dialer.Dial("ws"+strings.TrimPrefix(b.site.http.URL, "http")+"/api/signaling", header)
}

func (b *browser) read(conn *websocket.Conn) *page {
	p := &page{t: b.site.t, browser: b, conn: conn, frames: make(chan protocol.Envelope, 100_000), ended: make(chan struct{})}
	b.site.guard.Lock()
	b.site.clients = append(b.site.clients, p)
	b.site.guard.Unlock()
	go func() {
		defer close(p.ended)
		for {
			var env protocol.Envelope
			if p.err = conn.ReadJSON(&env); p.err != nil {
				return
			}
			p.frames <- env
		}
	}()
	return p
}

// visit opens a page: a websocket with a new session.
func (b *browser) visit() *page {
	b.site.t.Helper()
	p := b.dial()
	p.mustHello(nil)
	return p
}

// come signs in and opens a page.
func (s *site) come(login string) *page {
	s.t.Helper()
	return s.browser().signIn(login).visit()
}

func (p *page) hello(resume *protocol.Resume) *protocol.Refusal {
	p.t.Helper()
	return p.call("hello", protocol.Hello{Version: protocol.Version, Client: "test", Resume: resume}, &p.welcome)
}

func (p *page) mustHello(resume *protocol.Resume) {
	p.t.Helper()
	if refusal := p.hello(resume); refusal != nil {
		p.t.Fatalf("hello: %+v", refusal)
	}
	p.seq = p.welcome.Seq
}

// resume opens another socket for the session of p.
func (p *page) resume() *page {
	p.t.Helper()
	q := p.browser.dial()
	q.mustHello(&protocol.Resume{Token: p.welcome.Token, Seq: p.seq})
	q.next = p.next + 1000
	return q
}

// anew opens another socket for the session of p, or a new session if that one is gone.
func (p *page) anew() *page {
	p.t.Helper()
	for len(p.frames) > 0 { // what was read before the cut counts as seen
		if env := <-p.frames; env.Seq != 0 {
			p.seq = env.Seq
		}
	}
	return p.resume()
}

func (p *page) send(kind, id string, body any) {
	p.t.Helper()
	encoded, err := json.Marshal(body)
	check(p.t, err)
	p.sendRaw(protocol.Envelope{Type: kind, ID: id, Body: encoded})
}

func (p *page) sendRaw(frame any) {
	p.t.Helper()
	check(p.t, p.conn.SetWriteDeadline(time.Now().Add(patience)))
	check(p.t, p.conn.WriteJSON(frame))
}

// call sends a request and waits for its reply; events that come before it are kept.
func (p *page) call(kind string, body, into any) *protocol.Refusal {
	p.t.Helper()
	p.next++
	id := fmt.Sprint(p.next)
	p.send(kind, id, body)
	return p.reply(id, into)
}

// must is call for what must succeed.
func (p *page) must(kind string, body, into any) {
	p.t.Helper()
	if refusal := p.call(kind, body, into); refusal != nil {
		p.t.Fatalf("%s: %+v", kind, refusal)
	}
}

func (p *page) wants(code protocol.Code, kind string, body any) {
	p.t.Helper()
	refusal := p.call(kind, body, nil)
	if refusal == nil || refusal.Code != code {
		p.t.Errorf("%s: %+v, want %s", kind, refusal, code)
	}
}

func (p *page) reply(id string, into any) *protocol.Refusal {
	p.t.Helper()
	for {
		env := p.frame()
		if env.Type != protocol.TypeReply {
			p.take(env)
			continue
		}
		if env.ID != id {
			continue
		}
		if env.Error != nil {
			return env.Error
		}
		if into != nil {
			check(p.t, json.Unmarshal(env.Body, into))
		}
		return nil
	}
}

// take keeps an event and checks that none is missing or comes twice.
func (p *page) take(env protocol.Envelope) {
	p.t.Helper()
	if env.Seq != p.seq+1 {
		p.t.Fatalf("event %s has number %d after %d", env.Type, env.Seq, p.seq)
	}
	p.seq = env.Seq
	p.queue = append(p.queue, env)
}

func (p *page) frame() protocol.Envelope {
	p.t.Helper()
	select {
	case env := <-p.frames:
		return env
	default:
	}
	select {
	case env := <-p.frames:
		return env
	case <-p.ended:
		select {
		case env := <-p.frames:
			return env
		default:
		}
		p.t.Fatalf("the socket ended: %v", p.err)
	case <-time.After(patience):
		p.t.Fatal("nothing came")
	}
	return protocol.Envelope{}
}

// event waits for the next event of a kind, past others.
func eventOf[B any](p *page, kind string) B {
	p.t.Helper()
	return eventWhere(p, kind, func(B) bool { return true })
}

// eventWhere waits for the next event of a kind for which is holds, past others.
func eventWhere[B any](p *page, kind string, is func(B) bool) B {
	p.t.Helper()
	for {
		for len(p.queue) > 0 {
			env := p.queue[0]
			p.queue = p.queue[1:]
			if env.Type != kind {
				continue
			}
			var body B
			check(p.t, json.Unmarshal(env.Body, &body))
			if is(body) {
				return body
			}
		}
		env := p.frame()
		if env.Type != protocol.TypeReply {
			p.take(env)
		}
	}
}

// settled reads everything that was sent to the page before a ping's answer, and gives
// the kinds of the events.
func (p *page) settled() []string {
	p.t.Helper()
	p.must("ping", protocol.Ping{}, nil)
	var kinds []string
	for _, env := range p.queue {
		kinds = append(kinds, env.Type)
	}
	p.queue = nil
	return kinds
}

// closed waits for the socket's end and gives the code.
func (p *page) closed() protocol.CloseCode {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("the socket is still open")
	}
	if e, ok := errors.AsType[*websocket.CloseError](p.err); ok {
		return protocol.CloseCode(e.Code)
	}
	return 0
}

// cut ends the connection as a lost network does: without a word.
func (p *page) cut() {
	p.conn.NetConn().Close()
	<-p.ended
}

// meet makes a meeting that begins now and returns its id. The first one is its chair.
func (s *site) meet(chair *page, change func(*protocol.MeetingSave), people ...string) protocol.MeetingID {
	s.t.Helper()
	save := protocol.MeetingSave{Title: protocol.Multilingual{En: "Talks"}, Minutes: 60, People: s.ids(people...), Units: []protocol.UnitID{}}
	if change != nil {
		change(&save)
	}
	var saved protocol.MeetingSaved
	chair.must("meeting.save", save, &saved)
	return saved.Meeting.ID
}

var testOffer = &protocol.MediaOffer{SDP: "first", Sends: map[string]protocol.Source{"0": protocol.SourceMicrophone, "1": protocol.SourceCamera}}

// join takes a seat with media.
func (p *page) join(id protocol.MeetingID) protocol.MeetingJoined {
	p.t.Helper()
	var joined protocol.MeetingJoined
	p.must("meeting.join", protocol.MeetingJoin{Meeting: id, Microphone: true, Camera: true, Offer: testOffer}, &joined)
	return joined
}

// until waits until something holds that no event tells.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func seats(state *protocol.MeetingState) map[protocol.PersonID]protocol.Seat {
	out := map[protocol.PersonID]protocol.Seat{}
	for _, s := range state.Seats {
		out[s.Person] = s
	}
	return out
}

func persons(state *protocol.MeetingState) map[protocol.PersonID]bool {
	out := map[protocol.PersonID]bool{}
	for p := range maps.Keys(seats(state)) {
		out[p] = true
	}
	return out
}
