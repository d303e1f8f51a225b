package signaling

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

func TestForeignPagesGetNoSocket(t *testing.T) {
	s := open(t, nil, "amal")
	b := s.browser().signIn("amal")
	for _, origin := range []string{"", "null", "http://evil.example", "https://" + strings.TrimPrefix(s.http.URL, "http://")} {
		_, answer, err := b.tryDial(origin)
		if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v", origin, err)
		}
	}
	if n := s.Stats().SocketsRefused; n != 4 {
		t.Errorf("%d refused", n)
	}
}

func TestASocketOfAnotherProtocolIsRefused(t *testing.T) {
	s := open(t, nil)
	_, answer, err := (&websocket.Dialer{}).Dial("ws"+strings.TrimPrefix(s.http.URL, "http")+"/api/signaling", http.Header{"Origin": {s.http.URL}})
	if err == nil || answer == nil || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%v", err)
	}
}

func TestOnlySoManySockets(t *testing.T) {
	s := open(t, func(c *Config, _ *meeting.Config) { c.Sockets = 2 }, "amal")
	b := s.browser().signIn("amal")
	b.visit()
	b.visit()
	if _, answer, err := b.tryDial(s.http.URL); err == nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the third: %v", err)
	}
	if s.Ready() == nil {
		t.Error("ready for more")
	}
}

// Those who are not signed in cannot take the sockets of those who are.
func TestOnlySomeSocketsWaitForAHello(t *testing.T) {
	s := open(t, func(c *Config, _ *meeting.Config) { c.Sockets = 2 * unsaidShare }, "amal")
	b, stranger := s.browser().signIn("amal"), s.browser()
	var silent []*page
	for range 3 {
		silent = append(silent, stranger.dial())
	}
	if _, answer, err := stranger.tryDial(s.http.URL); err == nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a fourth that says nothing: %v", err)
	}
	silent[0].cut()
	until(t, "its place is free", func() bool { return s.count.unsaid.Load() == 2 })
	for range 5 {
		b.visit()
	}
}

func TestTheHello(t *testing.T) {
	s := open(t, nil, "amal", "first")
	signedIn := s.browser().signIn("amal")
	must := s.browser().signIn("first")
	_, _, err := s.parts.Directory.SavePerson(t.Context(), identity.Console(), protocol.PersonSave{
		ID: s.id("first"), Login: "first", Name: protocol.Multilingual{En: "x"}, Unit: s.unit, Role: protocol.RoleOfficer, Password: "another long secret 9",
	})
	check(t, err)
	if r := must.do("POST", "/api/session", protocol.SignIn{Login: "first", Password: "another long secret 9"}, nil); r != nil {
		t.Fatal(r)
	}
	stale := s.browser().signIn("amal")
	ended, err := s.parts.Directory.SignOutPerson(t.Context(), identity.Console(), s.id("amal"))
	check(t, err)
	s.signedOut(ended)
	signedIn.signIn("amal")

	for _, tc := range []struct {
		name    string
		browser *browser
		frame   string
		code    protocol.Code
		closed  protocol.CloseCode
	}{
		{"no sign-in", s.browser(), `{"type":"hello","id":"1","body":{"version":1}}`, protocol.CodeUnauthenticated, protocol.CloseUnauthenticated},
		{"a sign-in that has ended", stale, `{"type":"hello","id":"1","body":{"version":1}}`, protocol.CodeUnauthenticated, protocol.CloseUnauthenticated},
		{"a first password", must, `{"type":"hello","id":"1","body":{"version":1}}`, protocol.CodePasswordChange, protocol.CloseUnauthenticated},
		{"an old page", signedIn, `{"type":"hello","id":"1","body":{"version":0}}`, protocol.CodeVersion, protocol.CloseVersion},
		{"something else first", signedIn, `{"type":"people.list","id":"1","body":{}}`, protocol.CodeMalformed, protocol.CloseProtocolError},
		{"a hello of the wrong shape", signedIn, `{"type":"hello","id":"1","body":[]}`, protocol.CodeMalformed, protocol.CloseProtocolError},
		{"no JSON", signedIn, `hello`, protocol.CodeMalformed, protocol.CloseProtocolError},
		{"no id", signedIn, `{"type":"hello","body":{"version":1}}`, protocol.CodeMalformed, protocol.CloseProtocolError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := tc.browser.dial()
			check(t, p.conn.WriteMessage(websocket.TextMessage, []byte(tc.frame)))
			env := p.frame()
			if env.Error == nil || env.Error.Code != tc.code {
				t.Errorf("answer %+v, want %s", env, tc.code)
			}
			if code := p.closed(); code != tc.closed {
				t.Errorf("closed with %d, want %d", code, tc.closed)
			}
		})
	}
	if n := s.hub.count(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestMalformedRequestsAreAnsweredAndThreeInARowAreEnough(t *testing.T) {
	s := open(t, nil, "amal")
	frames := []string{
		`{`, `[]`, `null`, `3`, `"x"`, `{"type":"ping"}`, `{"type":"ping","id":""}`, `{"type":"ping","id":7}`, `{"type":7,"id":"a"}`,
		`{"type":"ping","id":"` + strings.Repeat("x", protocol.MaxRequestID+1) + `"}`,
		`{"type":"no.such","id":"a"}`, `{"type":"__proto__","id":"a","body":{"__proto__":{}}}`,
		`{"type":"chat.send","id":"a","body":[]}`, `{"type":"chat.send","id":"b","body":{"thread":7}}`,
		`{"type":"hello","id":"c","body":{"version":1}}`,
		`{"type":"chat.send","id":"d","body":` + strings.Repeat(`{"thread":`, 5000) + strings.Repeat(`}`, 5000) + `}`,
		`{"type":"chat.send","id":"e","body":` + strings.Repeat(`[`, 100_000),
	}
	p := s.come("amal")
	for i, frame := range frames {
		check(t, p.conn.WriteMessage(websocket.TextMessage, []byte(frame)))
		for {
			env := p.frame()
			if env.Type != protocol.TypeReply {
				continue
			}
			if env.Error == nil || env.Error.Code != protocol.CodeMalformed {
				t.Errorf("%.40s: %+v", frame, env)
			}
			break
		}
		if i%2 == 1 { // a proper one between them makes it no row of three
			p.must("people.list", protocol.PeopleList{}, nil)
		}
	}
	for range malformedMost {
		check(t, p.conn.WriteMessage(websocket.TextMessage, []byte(`{`)))
	}
	if code := p.closed(); code != protocol.CloseProtocolError {
		t.Errorf("closed with %d", code)
	}
}

func TestBinaryFramesAreMalformed(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	for range malformedMost {
		check(t, p.conn.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping","id":"1"}`)))
	}
	if code := p.closed(); code != protocol.CloseProtocolError {
		t.Errorf("closed with %d", code)
	}
}

func TestAFrameTooLargeClosesTheSocketAndNotTheSession(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	big, err := json.Marshal(protocol.Envelope{Type: "ping", ID: "1", Body: json.RawMessage(`"` + strings.Repeat("x", protocol.MaxMessageBytes) + `"`)})
	check(t, err)
	_ = p.conn.WriteMessage(websocket.TextMessage, big)
	if code := p.closed(); code != protocol.CloseTooBig && code != 0 {
		t.Errorf("closed with %d", code)
	}
	until(t, "detached", func() bool { return !s.hub.session(p.welcome.Session).connected() })
	if q := p.resume(); q.welcome.Session != p.welcome.Session {
		t.Error("the session was lost")
	}
}

func TestTooManyRequestsAreRefusedWithATimeAndManyMoreCloseTheSocket(t *testing.T) {
	s := open(t, func(c *Config, _ *meeting.Config) { c.RequestsPerSecond, c.RequestBurst = 10, 20 }, "amal")
	p := s.come("amal")
	refused := 0
	for range 30 {
		if r := p.call("ping", protocol.Ping{}, nil); r != nil {
			if r.Code != protocol.CodeRateLimited || r.RetryAfter < 1 || r.RetryAfter > 200 {
				t.Fatalf("%+v", r)
			}
			refused++
		}
	}
	if refused == 0 || refused > 10 {
		t.Errorf("%d of 30 were refused, with a burst of 20", refused)
	}
	time.Sleep(150 * time.Millisecond) // the wait that a refusal names: the bucket has no other event
	p.must("ping", protocol.Ping{}, nil)

	frame, err := json.Marshal(protocol.Envelope{Type: "ping", ID: "f"})
	check(t, err)
	for range limitedMost + 100 {
		if p.conn.WriteMessage(websocket.TextMessage, frame) != nil {
			break
		}
	}
	if code := p.closed(); code != protocol.ClosePolicy && code != 0 {
		t.Errorf("closed with %d", code)
	}
}

// A page takes its socket for dead when no pong comes; a request that takes its time must
// not look like that.
func TestAPingIsAnsweredWhileARequestIsUnderWay(t *testing.T) {
	s := open(t, nil, "amal")
	release := make(chan struct{})
	s.requests["people.list"] = reading(func(context.Context, *call, protocol.PeopleList) (protocol.PeopleListed, error) {
		<-release
		return protocol.PeopleListed{}, nil
	})
	p := s.come("amal")
	p.send("people.list", "slow", protocol.PeopleList{})
	p.must("ping", protocol.Ping{}, nil)
	close(release)
	if r := p.reply("slow", nil); r != nil {
		t.Error(r)
	}
}

func TestAnInternalFaultHasAReferenceAndEndsNothing(t *testing.T) {
	s := open(t, nil, "amal")
	s.requests["people.list"] = reading(func(context.Context, *call, protocol.PeopleList) (protocol.PeopleListed, error) { panic("a bug") })
	p := s.come("amal")
	r := p.call("people.list", protocol.PeopleList{}, nil)
	if r == nil || r.Code != protocol.CodeInternal || len(r.Detail) != 8 {
		t.Errorf("%+v", r)
	}
	p.must("ping", protocol.Ping{}, nil)
}

// Whatever a client sends after a proper hello: it is answered or the socket is closed,
// and the next client is served.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping","id":"1","body":{}}`, `{"type":"people.list","id":"2"}`, `{"__proto__":{"x":1},"type":"ping","id":"3"}`,
		`{"type":"meeting.save","id":"4","body":{"title":{"en":"x"},"minutes":1e9,"people":[null],"units":{}}}`,
		`{"type":"meeting.join","id":"5","body":{"meeting":"x","offer":{"sdp":"v=0","sends":{"__proto__":"camera"}}}}`,
		`{"type":"media.view","id":"6","body":{"tiles":[{"person":"p","source":"camera","width":-1,"height":1e99}]}}`,
		`{"type":"chat.send","id":"7","body":{"thread":{"person":"p","meeting":"m"},"key":"","text":"\u0000\ud800"}}`,
		`{"type":"chat.history","id":"8","body":{"thread":{},"limit":-5}}`, `{"type":"people.save","id":"9","body":{"role":"god"}}`,
		`{"type":"meeting.list","id":"a","body":{"from":-9223372036854775808,"to":9223372036854775807}}`,
	} {
		f.Add([]byte(seed))
	}
	s := open(f, nil, "amal")
	sess := newSession(identity.Session{ID: "none", Person: s.people["amal"]})
	s.hub.add(sess)
	f.Fuzz(func(t *testing.T, frame []byte) {
		env, refusal := parseEnvelope(frame)
		if (env == nil) == (refusal == nil) {
			t.Fatal("neither read nor refused")
		}
		if env != nil && s.dispatch(sess, *env) == protocol.CodeInternal {
			t.Errorf("an internal fault by %q", frame)
		}
	})
}
