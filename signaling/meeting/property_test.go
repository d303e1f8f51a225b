package meeting

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

// world is what the rest of the system makes of a room's results, built from nothing but
// them: the clients' pictures from effects, the media core and the store from facts.
type world struct {
	*table
	clients map[string]*protocol.MeetingState // by session; who is seated
	waiting map[string]bool                   // by session
	owner   map[string]protocol.PersonID      // of a session
	media   map[protocol.PersonID]SeatTaken   // as of the last fact
	stored  Card
	closed  bool
}

func (w *world) fail(format string, args ...any) {
	w.Helper()
	w.Fatalf(format, args...)
}

// take takes in the result of an action.
func (w *world) take(res Result) {
	w.Helper()
	for _, f := range res.Facts {
		switch f := f.(type) {
		case SeatTaken:
			if _, there := w.media[f.Person]; there {
				w.fail("%s has two seats", f.Person)
			}
			w.media[f.Person] = f
		case SeatMoved:
			m := w.media[f.Person]
			if m.Session != f.Former {
				w.fail("%s moved from %s, and was at %s", f.Person, f.Former, m.Session)
			}
			m.Session, m.Permit, m.On = f.Session, f.Permit, f.On
			w.media[f.Person] = m
		case SeatReleased:
			if w.media[f.Person].Session != f.Session {
				w.fail("%s was released at %s", f.Person, f.Session)
			}
			delete(w.media, f.Person)
		case PermitChanged:
			m := w.media[f.Person]
			m.Permit = f.Permit
			w.media[f.Person] = m
		case SwitchChanged:
			m := w.media[f.Person]
			m.On = f.On
			w.media[f.Person] = m
		case Opened:
			w.stored.Status = protocol.MeetingOpen
		case Emptied:
			w.stored.Status = protocol.MeetingScheduled
		case Ended:
			w.stored.Status, w.closed = protocol.MeetingEnded, true
		case Begun:
			w.stored.Begun = f.At
		case Barred:
			w.stored.Bars[f.Person] = f.Bar
		case Readmitted:
			delete(w.stored.Bars, f.Person)
		case ChairChanged:
			w.stored.Chair = f.Chair
		case SettingsChanged:
			w.stored.Locked, w.stored.Lobby, w.stored.Share = f.Locked, f.Lobby, f.Share
		}
	}
	for _, e := range res.Effects {
		if len(e.To) == 0 {
			w.fail("%s to nobody", e.Event.Type)
		}
		for _, to := range e.To {
			if w.owner[to.Session] != to.Person {
				w.fail("%s to %s at %s", e.Event.Type, to.Person, to.Session)
			}
			w.receive(to, e.Event)
		}
	}
}

// receive is what a client does with an event.
func (w *world) receive(to Recipient, e protocol.Event) {
	w.Helper()
	st := w.clients[to.Session]
	switch b := e.Body.(type) {
	case protocol.MeetingClosed:
		if st == nil && !w.waiting[to.Session] {
			w.fail("closed to %s, who is not there", to.Session)
		}
		delete(w.clients, to.Session)
		delete(w.waiting, to.Session)
		return
	case protocol.MeetingAdmitted:
		if !w.waiting[to.Session] {
			w.fail("%s was admitted and did not wait", to.Session)
		}
		delete(w.waiting, to.Session)
		w.clients[to.Session] = &b.State
		return
	}
	if st == nil {
		w.fail("%s to %s, who is not there", e.Type, to.Session)
	}
	switch b := e.Body.(type) {
	case protocol.SeatChanged:
		if b.Seat.Person == to.Person && b.Seat.Role == protocol.SeatParticipant {
			st.Waiting, st.Barred = nil, nil
		}
		i := slices.IndexFunc(st.Seats, func(s protocol.Seat) bool { return s.Person == b.Seat.Person })
		if i < 0 {
			st.Seats = append(st.Seats, b.Seat)
		} else {
			st.Seats[i] = b.Seat
		}
	case protocol.SeatLeft:
		st.Seats = slices.DeleteFunc(st.Seats, func(s protocol.Seat) bool { return s.Person == b.Person })
	case protocol.LobbyChanged:
		st.Waiting, st.Barred = b.Waiting, b.Barred
	case protocol.MeetingSettings:
		st.Meeting.Locked, st.Meeting.Lobby, st.Meeting.Share = *b.Locked, *b.Lobby, *b.Share
	case protocol.SpotlightChanged:
		st.Spotlight = b.Person
	case protocol.SpeakerChanged:
		st.Speaker = b.Person
	case protocol.MeetingMuted, protocol.MeetingAsked:
	default:
		w.fail("unknown event %s", e.Type)
	}
}

// check compares the world with the room and holds the room to its rules.
func (w *world) check() {
	w.Helper()
	seats := map[protocol.PersonID]bool{}
	chairs, floors := 0, 0
	for _, s := range w.State(person("")).Seats {
		if seats[s.Person] {
			w.fail("%s sits twice", s.Person)
		}
		seats[s.Person] = true
		if s.Role == protocol.SeatChair {
			chairs++
		}
		if s.Floor {
			floors++
		}
		if _, barred := w.stored.Bars[s.Person]; barred {
			w.fail("%s sits and is barred", s.Person)
		}
		if s.Screen && s.Role == protocol.SeatParticipant && w.stored.Share != protocol.ShareEveryone {
			w.fail("%s shares and may not", s.Person)
		}
		m, ok := w.media[s.Person]
		if !ok || m.On != (On{s.Microphone, s.Camera, s.Screen}) || m.Permit.Screen != (s.Role != protocol.SeatParticipant || w.stored.Share == protocol.ShareEveryone) {
			w.fail("the media core has %+v of %+v", m, s)
		}
	}
	if len(seats) > w.cfg.Participants || len(seats) != len(w.media) || chairs > 1 || floors > 1 {
		w.fail("%d seats, %d media sessions, %d chairs, %d with the floor", len(seats), len(w.media), chairs, floors)
	}
	if seats[w.stored.Chair] && w.role(w.stored.Chair) != protocol.SeatChair {
		w.fail("the meeting's own chair is there and is %s", w.role(w.stored.Chair))
	}
	for _, q := range w.lobby() {
		if seats[q.Person] {
			w.fail("%s sits and waits", q.Person)
		}
		if _, barred := w.stored.Bars[q.Person]; barred {
			w.fail("%s waits and is barred", q.Person)
		}
	}
	card := w.Card()
	if !maps.Equal(card.Bars, w.stored.Bars) || card.Status != w.stored.Status || card.Begun != w.stored.Begun || card.Chair != w.stored.Chair ||
		card.Locked != w.stored.Locked || card.Lobby != w.stored.Lobby || card.Share != w.stored.Share {
		w.fail("the store has %+v, the room %+v", w.stored, card)
	}
	if len(w.clients) != len(seats) || len(w.waiting) != len(w.lobby()) {
		w.fail("%d clients of %d seats, %d of %d who wait", len(w.clients), len(seats), len(w.waiting), len(w.lobby()))
	}
	for session, st := range w.clients {
		id := w.owner[session]
		if seated, _ := w.Holds(id, session); !seated {
			w.fail("%s believes to sit", session)
		}
		want, got := w.State(person(string(id))), *st
		want.Meeting, got.Meeting = protocol.Meeting{Locked: want.Meeting.Locked, Lobby: want.Meeting.Lobby, Share: want.Meeting.Share},
			protocol.Meeting{Locked: got.Meeting.Locked, Lobby: got.Meeting.Lobby, Share: got.Meeting.Share}
		if len(want.Waiting)+len(got.Waiting) == 0 {
			want.Waiting, got.Waiting = nil, nil
		}
		if len(want.Barred)+len(got.Barred) == 0 {
			want.Barred, got.Barred = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			w.fail("%s has\n%+v\nand the room is\n%+v", session, got, want)
		}
	}
}

// everything is the whole state, to see that a refusal has changed none of it.
func (w *world) everything() string {
	s := fmt.Sprintf("%+v %v %v %q %q %q %v %v", w.card, w.chair, slices.Sorted(maps.Keys(w.cochairs)), w.floor, w.spotlight, w.speaker, w.opened, w.ended)
	for _, x := range w.seats {
		s += fmt.Sprintf(" %+v", *x)
	}
	for _, x := range w.Room.waiting {
		s += fmt.Sprintf(" %+v", *x)
	}
	return s
}

func play(t *testing.T, seed uint64, steps int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	cfg := config(t, func(c *Config) { c.Participants = 2 + rng.IntN(5) })
	card := newCard(func(c *Card) {
		c.Lobby, c.CreatedBy = rng.IntN(3) > 0, []protocol.PersonID{"minister", "assistant"}[rng.IntN(2)]
		c.Bars = map[protocol.PersonID]Bar{}
	})
	w := &world{table: &table{T: t, Room: NewRoom(cfg, card), now: noon.Add(-time.Duration(rng.IntN(30)) * time.Minute)},
		clients: map[string]*protocol.MeetingState{}, waiting: map[string]bool{}, owner: map[string]protocol.PersonID{},
		media: map[protocol.PersonID]SeatTaken{}, stored: card}
	w.stored.Bars = map[protocol.PersonID]Bar{}
	names := []string{"minister", "assistant", "deputy", "director", "paris/anna", "paris/ben", "stranger", "guest", "spy"}
	id := func() protocol.PersonID { return protocol.PersonID(names[rng.IntN(len(names))]) }
	flag := func() *bool { return pointer(rng.IntN(2) == 0) }
	maybe := func() *bool {
		if rng.IntN(2) == 0 {
			return nil
		}
		return flag()
	}
	for range steps {
		by, whom := id(), id()
		if rng.IntN(2) == 0 { // or nearly everything would be refused
			by = w.chair
		}
		if rng.IntN(12) == 0 {
			whom = ""
		}
		session := fmt.Sprint(by, "#", rng.IntN(2))
		w.owner[session] = by
		w.now = w.now.Add(time.Duration(rng.IntN(20)) * time.Second)
		before := w.everything()
		presides := w.seat(by) != nil && (w.role(by) != protocol.SeatParticipant)
		var res Result
		var err error
		chairs := false // only chairs may
		switch rng.IntN(24) {
		case 0, 1, 2, 3, 4, 5:
			by = id()
			session = fmt.Sprint(by, "#", rng.IntN(2))
			w.owner[session] = by
			var outcome protocol.JoinOutcome
			outcome, res, err = w.Join(Who{person(string(by)), session}, On{*flag(), *flag(), *flag()}, w.now)
			switch outcome {
			case protocol.JoinWaiting:
				w.take(res)
				w.waiting[session] = true
				res = Result{}
			case protocol.JoinSeated:
				w.take(res)
				delete(w.waiting, session)
				w.clients[session] = pointer(w.State(person(string(by))))
				res = Result{}
			}
		case 6:
			res = w.Leave(by, session, w.now)
			delete(w.clients, session)
			delete(w.waiting, session)
		case 7, 8:
			res = w.Lost(by, session, w.now)
		case 9:
			res = w.Resumed(by, session, w.now)
		case 10:
			res = w.Tick(w.now)
			// Those who were lost too long in the lobby are told nothing: nobody is there.
			for s := range w.waiting {
				if seated, waiting := w.Holds(w.owner[s], s); !seated && !waiting {
					delete(w.waiting, s)
				}
			}
			for s := range w.clients {
				if w.media[w.owner[s]].Session == s && !w.sits(string(w.owner[s])) {
					delete(w.clients, s)
				}
			}
		case 11:
			res, err, chairs = second(w.Admit(by, whom, w.now))
		case 12:
			res, err, chairs = second(w.AdmitAll(by, w.now))
		case 13:
			res, err, chairs = second(w.Refuse(by, whom, w.now))
		case 14:
			res, err, chairs = second(w.Remove(by, whom, w.now))
		case 15:
			res, err, chairs = second(w.SetRole(by, whom, []protocol.SeatRole{protocol.SeatCochair, protocol.SeatParticipant, protocol.SeatChair}[rng.IntN(3)], w.now))
		case 16:
			res, err, chairs = second(w.HandOver(by, whom, w.now))
		case 17:
			res, err = w.Hand(by, *flag(), w.now)
		case 18:
			res, err, chairs = second(w.Floor(by, whom, w.now))
		case 19:
			s := protocol.MeetingSettings{Locked: maybe(), Lobby: maybe()}
			if rng.IntN(2) == 0 {
				s.Share = pointer([]protocol.SharePolicy{protocol.ShareEveryone, protocol.ShareChairs}[rng.IntN(2)])
			}
			res, err, chairs = second(w.Settings(by, s, w.now))
		case 20:
			res, err, chairs = second(w.Mute(by, protocol.MeetingMute{Person: whom, Source: []protocol.Source{"microphone", "camera", "screen"}[rng.IntN(3)]}, w.now))
		case 21:
			res, err = w.MediaState(by, protocol.MediaState{Microphone: maybe(), Camera: maybe(), Screen: maybe()}, w.now)
		case 22:
			if rng.IntN(2) == 0 {
				res, err, chairs = second(w.Spotlight(by, whom, w.now))
			} else {
				res = w.Speaker(whom)
			}
		case 23:
			switch rng.IntN(8) {
			case 0:
				presides = presides || by == w.card.CreatedBy && w.seat(by) != nil
				res, err, chairs = second(w.End(by, w.now))
			default:
				w.stored.People = []protocol.PersonID{id(), id()}
				if rng.IntN(3) == 0 && whom != "" {
					w.stored.Chair = whom
					delete(w.stored.Bars, whom)
				}
				card := w.stored
				card.Bars = maps.Clone(w.stored.Bars)
				before = ""
				res = w.Update(card, w.now)
			}
		}
		if err != nil {
			if len(res.Facts)+len(res.Effects) > 0 || w.everything() != before {
				w.fail("a refusal (%v) has changed something", err)
			}
		} else if chairs && !presides {
			w.fail("%s acted as a chair and is none", by)
		}
		w.take(res)
		w.check()
		if w.closed {
			return
		}
	}
}

// second marks the result of an action that only chairs may do.
func second(res Result, err error) (Result, error, bool) { return res, err, true }

func TestWhateverHappensTheRulesHold(t *testing.T) {
	for seed := range uint64(60) {
		play(t, seed, 300)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzRoom(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) { play(t, seed, 200) })
}
