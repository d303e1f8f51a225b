package signaling

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tarasul/sfu"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

func TestTheTableIsTheRegistry(t *testing.T) {
	s := open(t, nil)
	for _, r := range protocol.Requests() {
		if _, ok := s.requests[r.Type]; !ok {
			t.Errorf("nobody handles %s", r.Type)
		}
	}
	if len(s.requests) != len(protocol.Requests()) {
		t.Errorf("the table has %d entries, the registry %d", len(s.requests), len(protocol.Requests()))
	}
}

func TestHelloTellsWhoOneIs(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p := s.come("amal")
	w := p.welcome
	if w.You.ID != s.id("amal") || !w.You.Online || w.Resumed || len(w.Units) != 1 || w.Token == "" || w.GraceSeconds != protocol.SeatGraceSeconds {
		t.Errorf("welcome: %+v", w)
	}
	s.come("badr")
	eventWhere(p, "people.changed", func(b protocol.PersonChanged) bool { return b.Person.ID == s.id("badr") && b.Person.Online })
}

func TestASocketThatIsCutLosesNothingAndGetsNothingTwice(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, other := s.come("amal"), s.come("badr")
	say := func(i int) {
		other.must("chat.send", protocol.ChatSend{Thread: protocol.Thread{Person: s.id("amal")}, Key: fmt.Sprint("k", i), Text: fmt.Sprint(i)}, nil)
	}
	next := 0
	for round := range 5 {
		for range 10 {
			say(next)
			next++
		}
		if round%2 == 0 { // some were read before the cut, some not
			eventWhere(p, "chat.message", func(b protocol.ChatReceived) bool { return b.Message.Text == fmt.Sprint(next-5) })
		}
		p.cut()
		for range 10 {
			say(next)
			next++
		}
		q := p.resume()
		if !q.welcome.Resumed || q.welcome.Session != p.welcome.Session {
			t.Fatalf("round %d: not resumed", round)
		}
		// take checks that the numbers go on without a gap; the text, that nothing is lost.
		q.queue = append(p.queue, q.queue...)
		p = q
	}
	for want := next - 10; want < next; want++ {
		eventWhere(p, "chat.message", func(b protocol.ChatReceived) bool { return b.Message.Text == fmt.Sprint(want) })
	}
}

func TestTheFormerSocketOfAResumedSessionIsClosed(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	q := p.resume() // the network has changed; the old connection is half open
	if code := p.closed(); code != protocol.CloseReplaced && code != 0 {
		t.Errorf("closed with %d", code)
	}
	q.settled()
	if s.hub.count() != 1 {
		t.Errorf("%d sessions", s.hub.count())
	}
}

func TestAnothersTokenResumesNothing(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p := s.come("amal")
	thief := s.browser().signIn("badr").dial()
	thief.mustHello(&protocol.Resume{Token: p.welcome.Token, Seq: 0})
	if thief.welcome.Resumed || thief.welcome.Session == p.welcome.Session || thief.welcome.You.ID != s.id("badr") {
		t.Errorf("welcome: %+v", thief.welcome)
	}
	p.settled() // still connected
	// Nor does another sign-in of the same person: the token is of no use without the cookie.
	again := s.browser().signIn("amal").dial()
	again.mustHello(&protocol.Resume{Token: p.welcome.Token, Seq: 0})
	if again.welcome.Session == p.welcome.Session {
		t.Error("the session went to another sign-in")
	}
	p.settled()
	if st := s.Stats(); st.Resumes["foreign"] != 2 {
		t.Errorf("resumes: %v", st.Resumes)
	}
}

func TestASessionThatIsGoneIsReplacedByAFreshOne(t *testing.T) {
	s := open(t, func(_ *Config, m *meeting.Config) { m.Grace = 30 * time.Millisecond }, "amal", "badr")
	p, watcher := s.come("amal"), s.come("badr")
	p.cut()
	eventWhere(watcher, "people.changed", func(b protocol.PersonChanged) bool { return b.Person.ID == s.id("amal") && !b.Person.Online })
	q := p.resume()
	if q.welcome.Resumed || q.welcome.Session == p.welcome.Session {
		t.Errorf("welcome: %+v", q.welcome)
	}
}

func TestWhoSaysGoodbyeIsForgottenAtOnceUnlessTheySit(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, watcher := s.come("amal"), s.come("badr")
	goodbye := func(p *page) {
		message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		if err := p.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		<-p.ended
	}
	goodbye(p)
	eventWhere(watcher, "people.changed", func(b protocol.PersonChanged) bool { return b.Person.ID == s.id("amal") && !b.Person.Online })
	p = p.resume()
	if p.welcome.Resumed {
		t.Error("a session that said goodbye was resumed")
	}
	p.join(s.meet(p, nil))
	goodbye(p)
	if p = p.resume(); !p.welcome.Resumed {
		t.Error("who sits in a meeting lost the session")
	}
}

func TestAfterTooMuchWasMissedThereIsASnapshot(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, other := s.come("amal"), s.come("badr")
	id := s.meet(p, nil, "badr")
	p.join(id)
	other.join(id)
	p.cut()
	for range ringEvents/2 + 10 {
		other.must("meeting.hand", protocol.MeetingHand{Raised: true}, nil)
		other.must("meeting.hand", protocol.MeetingHand{Raised: false}, nil)
	}
	other.must("meeting.hand", protocol.MeetingHand{Raised: true}, nil)
	q := p.resume()
	w := q.welcome
	if w.Resumed || w.Session != p.welcome.Session || w.Meeting == nil {
		t.Fatalf("welcome: %+v", w)
	}
	seats := seats(w.Meeting)
	if seats[s.id("badr")].Hand == 0 || len(seats) != 2 || !seats[s.id("badr")].Connected {
		t.Errorf("seats: %+v", seats)
	}
	other.must("meeting.hand", protocol.MeetingHand{Raised: false}, nil)
	eventWhere(q, "meeting.seat", func(b protocol.SeatChanged) bool { return b.Seat.Person == s.id("badr") && b.Seat.Hand == 0 })
	if st := s.Stats(); st.Resumes["snapshot"] != 1 {
		t.Errorf("resumes: %v", st.Resumes)
	}
}

func TestARepeatedRequestIsCarriedOutOnce(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	save := protocol.MeetingSave{Title: protocol.Multilingual{En: "Once"}, Minutes: 30}
	var first, again protocol.MeetingSaved
	p.send("meeting.save", "x", save)
	if r := p.reply("x", &first); r != nil {
		t.Fatal(r)
	}
	p.cut()
	p = p.resume()
	p.send("meeting.save", "x", save)
	if r := p.reply("x", &again); r != nil {
		t.Fatal(r)
	}
	if first.Meeting.ID != again.Meeting.ID {
		t.Error("the meeting was made twice")
	}
	var listed protocol.MeetingsListed
	now := protocol.Millis(time.Now().UnixMilli())
	p.must("meeting.list", protocol.MeetingList{From: now - 3600_000, To: now + 3600_000}, &listed)
	if len(listed.Meetings) != 1 {
		t.Errorf("%d meetings", len(listed.Meetings))
	}
	p.send("meeting.cancel", "x", protocol.MeetingRef{Meeting: first.Meeting.ID})
	if r := p.reply("x", nil); r == nil || r.Code != protocol.CodeMalformed {
		t.Errorf("the id of another request: %+v", r)
	}
}

// The socket is cut while the request is being carried out; the repetition on the next
// one waits for it and is given the same reply.
func TestARepetitionWaitsForTheRequestUnderWay(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	id := s.meet(p, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	s.media.joining = func(sfu.PeerID) { close(entered); <-release }
	p.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	<-entered
	p.cut()
	s.media.mu.Lock()
	s.media.joining = nil
	s.media.mu.Unlock()
	q := p.resume()
	q.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	close(release)
	var joined protocol.MeetingJoined
	if r := q.reply("j", &joined); r != nil {
		t.Fatal(r)
	}
	if joined.Outcome != protocol.JoinSeated || joined.Answer == nil || joined.State == nil {
		t.Errorf("joined: %+v", joined)
	}
	q.settled()
	if n := s.media.called("join " + string(s.id("amal")) + " first"); n != 1 {
		t.Errorf("%d media sessions were made", n)
	}
}

// What the repetition of a join is told must not be older than the events before it.
func TestARepeatedJoinIsToldHowThingsStandNow(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, other := s.come("amal"), s.come("badr")
	id := s.meet(p, nil, "badr")
	p.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	if r := p.reply("j", nil); r != nil {
		t.Fatal(r)
	}
	p.cut()
	other.join(id)
	p = p.resume()
	p.send("meeting.join", "j", protocol.MeetingJoin{Meeting: id, Offer: testOffer})
	var joined protocol.MeetingJoined
	if r := p.reply("j", &joined); r != nil {
		t.Fatal(r)
	}
	if joined.Answer == nil || !persons(joined.State)[s.id("badr")] {
		t.Errorf("joined: %+v", joined)
	}
}

func TestAClientThatReadsTooSlowlyLosesItsSocketAndNothingElse(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	other := s.come("badr")
	b := s.browser().signIn("amal")
	conn, _, err := b.tryDial(s.http.URL)
	check(t, err)
	// Nobody reads from this one after the welcome.
	check(t, conn.WriteJSON(protocol.Envelope{Type: "hello", ID: "1", Body: json.RawMessage(`{"version":1}`)}))
	var env protocol.Envelope
	check(t, conn.ReadJSON(&env))
	var welcome protocol.Welcome
	check(t, json.Unmarshal(env.Body, &welcome))

	slow := s.hub.session(welcome.Session)
	big := newEvent("people.changed", protocol.PersonChanged{Person: protocol.Person{Login: strings.Repeat("x", 100<<10)}})
	until(t, "closed for being slow", func() bool {
		s.hub.push(big, slow)
		return s.Stats().SocketsSlow == 1
	})
	conn.Close()
	p := b.dial()
	p.mustHello(&protocol.Resume{Token: welcome.Token, Seq: 0})
	if p.welcome.Session != welcome.Session {
		t.Error("the session was lost with its socket")
	}
	other.settled() // nobody else was disturbed
}

func TestSeveralTabsAreSeveralSessions(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	b := s.browser().signIn("amal")
	one, two, other := b.visit(), b.visit(), s.come("badr")
	other.must("chat.send", protocol.ChatSend{Thread: protocol.Thread{Person: s.id("amal")}, Key: "k", Text: "سلام"}, nil)
	for _, p := range []*page{one, two} {
		if got := eventOf[protocol.ChatReceived](p, "chat.message"); got.Message.Text != "سلام" || got.Message.Thread.Person != s.id("badr") {
			t.Errorf("%+v", got)
		}
	}
	two.must("chat.send", protocol.ChatSend{Thread: protocol.Thread{Person: s.id("badr")}, Key: "r", Text: "أهلا"}, nil)
	eventOf[protocol.ChatReceived](one, "chat.message") // the other tab of the sender
	for _, kind := range two.settled() {
		if kind == "chat.message" {
			t.Error("the sending session was told of its own message")
		}
	}
}

func TestOpenMeetingsOutliveADrainOfTheirClients(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	p, other := s.come("amal"), s.come("badr")
	id := s.meet(p, nil, "badr")
	p.join(id)
	other.join(id)
	s.stop()
	for _, q := range []*page{p, other} {
		if code := q.closed(); code != protocol.CloseGoingAway {
			t.Errorf("closed with %d", code)
		}
	}
	if s.Ready() == nil {
		t.Error("ready after the end")
	}
	if _, ok := s.media.session(s.id("amal")); ok {
		t.Error("media goes on")
	}
	_, answer, err := p.browser.tryDial(s.http.URL)
	if err == nil || answer.StatusCode != 503 {
		t.Errorf("a new socket after the end: %v", err)
	}
}
