package signaling

import (
	"context"
	"errors"
	"sync"
	"time"

	"tarasul/sfu"
	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

// errRoomGone says that a room has ended before it did what was asked. Whoever wants to
// enter looks again; whoever was in it no longer is.
var errRoomGone = errors.New("the room is gone")

// rooms are the meetings that run on this node.
type rooms struct {
	server *Server
	owners sync.WaitGroup

	mu   sync.Mutex // guards byID; taken alone
	byID map[protocol.MeetingID]*room
}

func newRooms(s *Server) *rooms {
	return &rooms{server: s, byID: map[protocol.MeetingID]*room{}}
}

// running gives a room, nil if the meeting does not run.
func (rs *rooms) running(id protocol.MeetingID) *room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.byID[id]
}

// open gives a meeting's room and makes it if there is none. Whether there is such a
// meeting shows when the room is asked to do something.
func (rs *rooms) open(id protocol.MeetingID) *room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.byID[id]; r != nil {
		return r
	}
	r := &room{
		id: id, server: rs.server, turns: make(chan turn), spoke: make(chan protocol.PersonID, 1), gone: make(chan struct{}),
		here: map[*session]struct{}{}, joins: map[protocol.PersonID]chan struct{}{}, seats: map[protocol.PersonID]*seat{},
	}
	rs.byID[id] = r
	rs.owners.Go(r.own)
	return r
}

// drop forgets a room; the next one who enters makes a new one from what is stored.
func (rs *rooms) drop(r *room) {
	rs.mu.Lock()
	if rs.byID[r.id] == r {
		delete(rs.byID, r.id)
	}
	rs.mu.Unlock()
	close(r.gone)
}

// wait returns when all owners have ended, which they do when the server's life ends.
func (rs *rooms) wait() { rs.owners.Wait() }

// count gives how many rooms and taken seats there are.
func (rs *rooms) count() (meetings, seats int) {
	rs.mu.Lock()
	all := make([]*room, 0, len(rs.byID))
	for _, r := range rs.byID {
		all = append(all, r)
	}
	rs.mu.Unlock()
	for _, r := range all {
		if n := len(r.seated()); n > 0 {
			meetings++
			seats += n
		}
	}
	return meetings, seats
}

// room is a meeting that runs: the rules of it (meeting.Room), and who in this process has
// part in it. One goroutine owns it and gives turns one after the other; in its turn a
// request changes the rules' state, what must last is stored, the media core is told, and
// the effects are queued for everyone, so all of these happen in the same order.
type room struct {
	id     protocol.MeetingID
	server *Server
	turns  chan turn
	spoke  chan protocol.PersonID // of capacity 1: the latest speaker, for whom nobody waits
	gone   chan struct{}          // closed when no more turns are given

	// The owner's alone.
	rules *meeting.Room
	here  map[*session]struct{} // with a seat or waiting
	over  bool
	joins map[protocol.PersonID]chan struct{} // one negotiation at a time per person

	failed error // why there is no room; set before gone is closed

	mu    sync.Mutex // guards seats and what they point to; a session may be locked under it
	seats map[protocol.PersonID]*seat
}

// seat is what the service keeps of a person in a room beside the rules.
type seat struct {
	session *session
	permit  meeting.Permit
	on      meeting.On
	media   bool // the core has a media session as far as we know
	// While an offer is being answered, what the core says is kept and follows the
	// answer: it speaks of slots that the client does not know before.
	held   bool
	slots  *event
	wanted map[sfu.Source]event
}

// turn is one request for the owner.
type turn struct {
	ctx  context.Context
	do   func(ctx context.Context) error
	done chan error
}

// do runs f in the room's turn. errRoomGone if the room has ended, and then f has not
// run. Otherwise it returns when f has, even if ctx has ended: f is given ctx and decides.
func (r *room) do(ctx context.Context, f func(ctx context.Context) error) error {
	t := turn{ctx: ctx, do: f, done: make(chan error, 1)}
	select {
	case r.turns <- t:
		return <-t.done
	case <-r.gone:
		if r.failed != nil {
			return r.failed
		}
		return errRoomGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

// own is the owner's life.
func (r *room) own() {
	defer func() {
		for sess := range r.here {
			sess.exit(r)
		}
		r.server.rooms.drop(r)
	}()
	ctx := r.server.life
	card, err := r.server.parts.Cards.Card(ctx, r.id)
	if err != nil {
		r.failed = err
		return
	}
	r.rules = meeting.NewRoom(r.server.parts.Meeting, card)
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		clock.Stop()
		if next := r.rules.Next(); !next.IsZero() {
			clock.Reset(next.Sub(r.server.parts.Now()))
		}
		select {
		case t := <-r.turns:
			t.done <- guarded(func() error { return t.do(t.ctx) })
		case person := <-r.spoke:
			r.byItself(func() meeting.Result { return r.rules.Speaker(person) })
		case <-clock.C:
			r.byItself(func() meeting.Result { return r.rules.Tick(r.server.parts.Now()) })
		case <-ctx.Done():
			r.endMedia()
			return
		}
		if r.over || len(r.here) == 0 && len(r.rules.Seated()) == 0 {
			return
		}
	}
}

// byItself applies what nobody asked for.
func (r *room) byItself(f func() meeting.Result) {
	err := guarded(func() error { return r.apply(r.server.life, identity.Actor{}, f()) })
	if err != nil {
		r.server.log.Error("meeting's own action failed", "meeting", r.id, "error", err)
	}
}

// endMedia ends the media sessions of all who are seated.
func (r *room) endMedia() {
	for _, person := range r.seated() {
		r.server.parts.Media.Leave(sfu.RoomID(r.id), sfu.PeerID(person))
	}
}

// apply does what came of one action, in the room's turn: the media core is told what
// must stop, what must last is stored, then everyone concerned is told. If it cannot be
// stored, the meeting goes on all the same, and whoever asked for it is told.
func (r *room) apply(ctx context.Context, by identity.Actor, res meeting.Result) error {
	r.act(res.Facts)
	var err error
	if len(res.Facts) > 0 {
		// What has happened in memory is stored even if whoever asked has given up.
		err = r.server.parts.Cards.Store(context.WithoutCancel(ctx), by, r.id, res.Facts)
	}
	for _, e := range res.Effects {
		frame := newEvent(e.Event.Type, e.Event.Body)
		for _, to := range e.To {
			if sess := r.server.hub.session(to.Session); sess != nil {
				r.server.hub.push(frame, sess)
			}
		}
	}
	for sess := range r.here {
		if seated, waiting := r.rules.Holds(sess.who().ID, sess.id); !seated && !waiting {
			delete(r.here, sess)
			sess.exit(r)
		}
	}
	if changesCard(res.Facts) {
		r.server.cardChanged(r.rules.Card(), len(r.rules.Seated()))
	}
	return err
}

// act carries out facts: on the seats of this room, and in the media core.
func (r *room) act(facts []meeting.Fact) {
	media, room := r.server.parts.Media, sfu.RoomID(r.id)
	r.mu.Lock()
	var calls []func() // made after the lock is released
	for _, f := range facts {
		switch f := f.(type) {
		case meeting.SeatTaken:
			r.seats[f.Person] = &seat{session: r.server.hub.session(f.Session), permit: f.Permit, on: f.On}
			r.server.count.seatsTaken.Add(1)
		case meeting.SeatMoved:
			peer := sfu.PeerID(f.Person)
			if s := r.seats[f.Person]; s != nil && f.Session == f.Former {
				// The same page joins again: its media session may well go on.
				s.permit, s.on = f.Permit, f.On
				calls = append(calls, func() { media.Permit(room, peer, permitOf(f.Permit)); media.Switch(room, peer, onOf(f.On)) })
				continue
			}
			r.seats[f.Person] = &seat{session: r.server.hub.session(f.Session), permit: f.Permit, on: f.On}
			calls = append(calls, func() { media.Leave(room, peer) })
		case meeting.SeatReleased:
			delete(r.seats, f.Person)
			if f.Reason == protocol.LeftLost {
				r.server.count.seatsLost.Add(1)
			}
			calls = append(calls, func() { media.Leave(room, sfu.PeerID(f.Person)) })
		case meeting.PermitChanged:
			if s := r.seats[f.Person]; s != nil {
				s.permit = f.Permit
			}
			calls = append(calls, func() { media.Permit(room, sfu.PeerID(f.Person), permitOf(f.Permit)) })
		case meeting.SwitchChanged:
			if s := r.seats[f.Person]; s != nil {
				s.on = f.On
			}
			calls = append(calls, func() { media.Switch(room, sfu.PeerID(f.Person), onOf(f.On)) })
		case meeting.Emptied, meeting.Ended:
			r.over = true
		}
	}
	r.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

// changesCard reports whether facts change what the lists show of a meeting.
func changesCard(facts []meeting.Fact) bool {
	for _, f := range facts {
		switch f.(type) {
		case meeting.PermitChanged, meeting.SwitchChanged, meeting.SeatMoved:
		default:
			return true
		}
	}
	return false
}

// seated gives who has a seat; it may be called from anywhere.
func (r *room) seated() []protocol.PersonID {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]protocol.PersonID, 0, len(r.seats))
	for person := range r.seats {
		out = append(out, person)
	}
	return out
}

// holds reports whether the session is the one that holds its person's seat; it may be
// called from anywhere.
func (r *room) holds(sess *session) bool {
	person := sess.who().ID
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seats[person]
	return s != nil && s.session == sess
}

// stateFor is the snapshot for a session that is seated, else nil. In the room's turn.
func (r *room) stateFor(sess *session) *protocol.MeetingState {
	who := sess.who()
	if seated, _ := r.rules.Holds(who.ID, sess.id); !seated {
		return nil
	}
	state := r.rules.State(who)
	return &state
}

// connection brings the rules up to date on whether a session has a socket. In the room's
// turn; it looks at what is, not at what it was called for, so the order of calls is of
// no matter.
func (r *room) connection(ctx context.Context, sess *session) error {
	if _, here := r.here[sess]; !here {
		return nil
	}
	person, now := sess.who().ID, r.server.parts.Now()
	if sess.connected() {
		return r.apply(ctx, identity.Actor{}, r.rules.Resumed(person, sess.id, now))
	}
	return r.apply(ctx, identity.Actor{}, r.rules.Lost(person, sess.id, now))
}

// leave gives up what a session has in the room. In the room's turn.
func (r *room) leave(ctx context.Context, sess *session) error {
	who := sess.who()
	by := identity.Actor{Person: who, Address: sess.address}
	return r.apply(ctx, by, r.rules.Leave(who.ID, sess.id, r.server.parts.Now()))
}

// heard takes in the dominant speaker. It never waits; only the latest counts.
func (r *room) heard(person protocol.PersonID) {
	for {
		select {
		case r.spoke <- person:
			return
		default:
		}
		select {
		case <-r.spoke:
		default:
		}
	}
}
