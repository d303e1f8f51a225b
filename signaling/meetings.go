package signaling

import (
	"context"
	"errors"

	"tarasul/sfu"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

// Receive slots for pictures with which a client starts.
const (
	videoSlotsLeast = 12
	videoSlotsSpare = 4 // beyond those who are seated
)

func (s *Server) meetingList(ctx context.Context, c *call, b protocol.MeetingList) (protocol.MeetingsListed, error) {
	if b.To < b.From {
		return protocol.MeetingsListed{}, invalid("to")
	}
	cards, err := s.parts.Cards.List(ctx, c.person, b)
	if err != nil {
		return protocol.MeetingsListed{}, err
	}
	out := protocol.MeetingsListed{Meetings: make([]protocol.Meeting, 0, len(cards))}
	for _, card := range cards {
		out.Meetings = append(out.Meetings, s.view(card, c.person))
	}
	return out, nil
}

// view is a stored card as a person sees it, with how many sit in it now.
func (s *Server) view(card meeting.Card, person protocol.Person) protocol.Meeting {
	seated := 0
	if r := s.rooms.running(card.ID); r != nil {
		seated = len(r.seated())
	}
	return card.View(person, seated)
}

func (s *Server) meetingLook(ctx context.Context, c *call, b protocol.MeetingRef) (protocol.MeetingLooked, error) {
	card, err := s.parts.Cards.Look(ctx, c.person, b.Meeting)
	if err != nil {
		return protocol.MeetingLooked{}, err
	}
	seated := []protocol.PersonID{}
	if r := s.rooms.running(card.ID); r != nil && card.Sees(c.person) {
		seated = append(seated, r.seated()...) // who has only the link learns nothing of who is there
	}
	return protocol.MeetingLooked{
		Meeting: card.View(c.person, len(seated)), Seated: seated, AudioSlots: s.cfg.AudioSlots,
		VideoSlots: min(protocol.MaxParticipants, max(videoSlotsLeast, len(seated)+videoSlotsSpare)),
	}, nil
}

func (s *Server) meetingSave(ctx context.Context, c *call, b protocol.MeetingSave) (protocol.MeetingSaved, error) {
	card, err := s.parts.Cards.Save(ctx, c.actor(), b)
	if err != nil {
		return protocol.MeetingSaved{}, err
	}
	if err := s.cardStored(ctx, c, card); err != nil {
		return protocol.MeetingSaved{}, err
	}
	return protocol.MeetingSaved{Meeting: s.view(card, c.person)}, nil
}

func (s *Server) meetingCancel(ctx context.Context, c *call, b protocol.MeetingRef) error {
	card, err := s.parts.Cards.Cancel(ctx, c.actor(), b.Meeting)
	if err != nil {
		return err
	}
	return s.cardStored(ctx, c, card)
}

// cardStored lets a running meeting take in its card that was changed, also when people
// only wait for its chair, and tells those who have it in their lists.
func (s *Server) cardStored(ctx context.Context, c *call, card meeting.Card) error {
	r := s.rooms.running(card.ID)
	if r == nil {
		s.cardChanged(card, 0)
		return nil
	}
	err := r.do(ctx, func(ctx context.Context) (err error) {
		// Read again in the turn: what the room has stored since then counts too.
		if card, err = s.parts.Cards.Card(ctx, card.ID); err != nil {
			return err
		}
		return r.apply(ctx, c.actor(), r.rules.Update(card, s.parts.Now()))
	})
	if err != nil && !errors.Is(err, errRoomGone) {
		return err
	}
	s.cardChanged(card, len(r.seated()))
	return nil
}

// cardChanged tells everyone who has the meeting in their lists what is in them now.
func (s *Server) cardChanged(card meeting.Card, seated int) {
	// A card differs between its viewers in what they may do, and in nothing else.
	frames := map[[2]bool]event{}
	for _, sess := range s.hub.all() {
		person := sess.who()
		if !card.Sees(person) {
			continue
		}
		view := card.View(person, seated)
		key := [2]bool{view.MayJoin, view.MayManage}
		frame, ok := frames[key]
		if !ok {
			frame = newEvent("meeting.changed", protocol.MeetingChanged{Meeting: view})
			frames[key] = frame
		}
		s.hub.push(frame, sess)
	}
}

// joinEntry is the table's entry for meeting.join. A repetition is told how things stand
// now: the first reply's snapshot may be older than events that came since.
func (s *Server) joinEntry() entry {
	e := ordered(s.meetingJoin)
	e.again = func(ctx context.Context, c *call, former any, answer func(any)) error {
		joined := former.(protocol.MeetingJoined)
		r := c.session.at()
		if r == nil {
			return refuse(protocol.CodeNotSeated)
		}
		return notSeated(r.do(ctx, func(context.Context) error {
			state := r.stateFor(c.session)
			if _, waiting := r.rules.Holds(c.person.ID, c.session.id); state == nil && !waiting {
				return refuse(protocol.CodeNotSeated)
			}
			joined.Outcome, joined.State = protocol.JoinWaiting, state
			if state != nil {
				joined.Outcome = protocol.JoinSeated
			}
			answer(joined)
			return nil
		}))
	}
	return e
}

func (s *Server) meetingJoin(ctx context.Context, c *call, b protocol.MeetingJoin, answer func(protocol.MeetingJoined)) error {
	var offer sfu.Offer
	if b.Offer != nil {
		var err error
		if offer, err = offerOf(*b.Offer); err != nil {
			return err
		}
	}
	var r *room
	var seated bool
	for {
		r = s.rooms.open(b.Meeting)
		err := r.do(ctx, func(ctx context.Context) (err error) {
			seated, err = r.join(ctx, c, b, answer)
			return err
		})
		if errors.Is(err, errRoomGone) && ctx.Err() == nil {
			continue // it ended between our finding it and asking it
		}
		if err != nil {
			return err
		}
		break
	}
	if !seated || b.Offer == nil {
		return nil // answered in the turn
	}
	err := r.negotiate(ctx, c.session, offer, func(a sfu.Answer) {
		answer(protocol.MeetingJoined{Outcome: protocol.JoinSeated, State: r.stateFor(c.session), Answer: answerOf(a)})
	})
	if err != nil {
		// A seat without the media that was asked for is of no use: the client starts again.
		s.leaveRoom(c.session)
	}
	return err
}

// join lets a session in, or into the lobby. In the room's turn. The reply is given here
// unless a media session is to be made first.
func (r *room) join(ctx context.Context, c *call, b protocol.MeetingJoin, answer func(protocol.MeetingJoined)) (seated bool, err error) {
	if !c.session.alive() {
		return false, refuse(protocol.CodeUnauthenticated)
	}
	who := meeting.Who{Person: c.person, Session: c.session.id}
	wish := meeting.On{Microphone: b.Microphone, Camera: b.Camera}
	outcome, res, err := r.rules.Join(who, wish, r.server.parts.Now())
	if err != nil {
		return false, err
	}
	r.here[c.session] = struct{}{}
	former := c.session.enter(r)
	if err := r.apply(ctx, c.actor(), res); err != nil {
		return false, err
	}
	// Whoever ended the session or its socket before it was here has told nobody.
	if !c.session.alive() {
		return false, errors.Join(r.leave(ctx, c.session), refuse(protocol.CodeUnauthenticated))
	}
	if !c.session.connected() {
		if err := r.connection(ctx, c.session); err != nil {
			return false, err
		}
	}
	if former != nil && former != r {
		// One session is in one meeting. The other room has its own turns, which are not
		// waited for in ours.
		r.server.rooms.owners.Go(func() { r.server.leaveFormer(former, c.session) })
	}
	seated = outcome == protocol.JoinSeated
	if !seated || b.Offer == nil {
		answer(protocol.MeetingJoined{Outcome: outcome, State: r.stateFor(c.session)})
	}
	return seated, nil
}

// leaveFormer gives up the seat that a session had in another meeting.
func (s *Server) leaveFormer(r *room, sess *session) {
	err := r.do(s.life, func(ctx context.Context) error { return r.leave(ctx, sess) })
	if err != nil && !errors.Is(err, errRoomGone) && s.life.Err() == nil {
		s.log.Error("former seat not released", "session", sess.id, "error", err)
	}
}

func (s *Server) meetingLeave(ctx context.Context, c *call, _ protocol.None) error {
	r := c.session.at()
	if r == nil {
		return nil // as asked
	}
	err := r.do(ctx, func(ctx context.Context) error { return r.leave(ctx, c.session) })
	if errors.Is(err, errRoomGone) {
		return nil
	}
	return err
}

// seat gives the room in which the caller's session holds the seat. A session that was
// taken over, or whose person was removed, has none.
func (c *call) seat() (*room, error) {
	r := c.session.at()
	if r == nil || !r.holds(c.session) {
		return nil, refuse(protocol.CodeNotSeated)
	}
	return r, nil
}

// seated runs an action in the turn of the caller's room, if their session holds their
// seat then, and applies what comes of it.
func (c *call) seated(ctx context.Context, act func(r *room) (meeting.Result, error)) error {
	r := c.session.at()
	if r == nil {
		return refuse(protocol.CodeNotSeated)
	}
	return notSeated(r.do(ctx, func(ctx context.Context) error {
		if !r.holds(c.session) {
			return refuse(protocol.CodeNotSeated)
		}
		res, err := act(r)
		if err != nil {
			return err
		}
		return r.apply(ctx, c.actor(), res)
	}))
}

func (s *Server) meetingEnd(ctx context.Context, c *call, _ protocol.None) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.End(c.person.ID, s.parts.Now()) })
}

func (s *Server) meetingAdmit(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Admit(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingAdmitAll(ctx context.Context, c *call, _ protocol.None) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.AdmitAll(c.person.ID, s.parts.Now()) })
}

func (s *Server) meetingRefuse(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Refuse(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingRemove(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Remove(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingRole(ctx context.Context, c *call, b protocol.MeetingRole) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) {
		return r.rules.SetRole(c.person.ID, b.Person, b.Role, s.parts.Now())
	})
}

func (s *Server) meetingHandOver(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.HandOver(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingHand(ctx context.Context, c *call, b protocol.MeetingHand) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Hand(c.person.ID, b.Raised, s.parts.Now()) })
}

func (s *Server) meetingLowerHand(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.LowerHand(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingFloor(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Floor(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingSettings(ctx context.Context, c *call, b protocol.MeetingSettings) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Settings(c.person.ID, b, s.parts.Now()) })
}

func (s *Server) meetingMute(ctx context.Context, c *call, b protocol.MeetingMute) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Mute(c.person.ID, b, s.parts.Now()) })
}

func (s *Server) meetingAskUnmute(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.AskUnmute(c.person.ID, b.Person, s.parts.Now()) })
}

func (s *Server) meetingSpotlight(ctx context.Context, c *call, b protocol.MeetingPerson) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) { return r.rules.Spotlight(c.person.ID, b.Person, s.parts.Now()) })
}
