package signaling

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// requestTimeout bounds one request, whatever it waits for.
const requestTimeout = 15 * time.Second

// call is one request on its way.
type call struct {
	session *session
	person  protocol.Person // who asks, as last known; permissions are checked on fresh data
	id      string
}

// actor is who asks, for the slices.
func (c *call) actor() identity.Actor {
	return identity.Actor{Person: c.person, Address: c.session.address}
}

// entry is one request type in the table: what is done with its body.
type entry struct {
	// reading requests change nothing and are run again when they are repeated. All
	// others are carried out once; a repetition is given the same reply.
	reading bool
	// urgent requests wait for no other. They are reading ones that take no time.
	urgent bool
	// run decodes the body, does what is asked, and calls answer exactly once unless it
	// fails. When answer is called within a room's turn, the reply and the room's events
	// reach the client in the order in which they came to be.
	run func(ctx context.Context, c *call, body json.RawMessage, answer func(any)) error
	// again, if set, says what a repetition is told instead of the very same reply: a
	// snapshot in it may be older than events that were replayed meanwhile.
	again func(ctx context.Context, c *call, former any, answer func(any)) error
}

// handle makes an entry of a handler that answers by returning.
func handle[B, R any](f func(ctx context.Context, c *call, body B) (R, error)) entry {
	return ordered(func(ctx context.Context, c *call, body B, answer func(R)) error {
		r, err := f(ctx, c, body)
		if err == nil {
			answer(r)
		}
		return err
	})
}

// reading is handle for a request that changes nothing.
func reading[B, R any](f func(ctx context.Context, c *call, body B) (R, error)) entry {
	e := handle(f)
	e.reading = true
	return e
}

// urgent is reading for what is answered at once.
func urgent[B, R any](f func(ctx context.Context, c *call, body B) (R, error)) entry {
	e := reading(f)
	e.urgent = true
	return e
}

// doing is handle for a request that is answered by its success.
func doing[B any](f func(ctx context.Context, c *call, body B) error) entry {
	return handle(func(ctx context.Context, c *call, body B) (protocol.None, error) {
		return protocol.None{}, f(ctx, c, body)
	})
}

// ordered makes an entry of a handler that chooses the moment of its answer.
func ordered[B, R any](f func(ctx context.Context, c *call, body B, answer func(R)) error) entry {
	return entry{run: func(ctx context.Context, c *call, raw json.RawMessage, answer func(any)) error {
		var body B
		// The decoder's error quotes the input, so it goes nowhere.
		if len(raw) > 0 && json.Unmarshal(raw, &body) != nil {
			return malformed("body has the wrong shape")
		}
		return f(ctx, c, body, func(r R) { answer(r) })
	}}
}

// table is every request that a session may make. A test holds it against the registry.
func (s *Server) table() map[string]entry {
	return map[string]entry{
		"hello": reading(func(context.Context, *call, protocol.Hello) (protocol.Welcome, error) {
			return protocol.Welcome{}, malformed("hello was already said")
		}),
		"ping": urgent(s.ping),

		"people.list":     reading(s.peopleList),
		"people.save":     handle(s.peopleSave),
		"people.reset":    handle(s.peopleReset),
		"people.sign_out": doing(s.peopleSignOut),
		"units.save":      handle(s.unitsSave),

		"meeting.list":       reading(s.meetingList),
		"meeting.look":       reading(s.meetingLook),
		"meeting.save":       handle(s.meetingSave),
		"meeting.cancel":     doing(s.meetingCancel),
		"meeting.join":       s.joinEntry(),
		"meeting.leave":      doing(s.meetingLeave),
		"meeting.end":        doing(s.meetingEnd),
		"meeting.admit":      doing(s.meetingAdmit),
		"meeting.admit_all":  doing(s.meetingAdmitAll),
		"meeting.refuse":     doing(s.meetingRefuse),
		"meeting.remove":     doing(s.meetingRemove),
		"meeting.role":       doing(s.meetingRole),
		"meeting.hand_over":  doing(s.meetingHandOver),
		"meeting.hand":       doing(s.meetingHand),
		"meeting.lower_hand": doing(s.meetingLowerHand),
		"meeting.floor":      doing(s.meetingFloor),
		"meeting.settings":   doing(s.meetingSettings),
		"meeting.mute":       doing(s.meetingMute),
		"meeting.ask_unmute": doing(s.meetingAskUnmute),
		"meeting.spotlight":  doing(s.meetingSpotlight),

		"media.offer": ordered(s.mediaOffer),
		"media.view":  doing(s.mediaView),
		"media.state": doing(s.mediaState),

		"chat.send":    handle(s.chatSend),
		"chat.history": reading(s.chatHistory),
		"chat.read":    doing(s.chatRead),
		"chat.threads": reading(s.chatThreads),
	}
}

// dispatch carries out one request of a session and answers it. It returns the code of
// the refusal, empty if there was none. Requests of one session are carried out one after
// the other, over all of its sockets; one whose socket is gone is carried out to its end.
func (s *Server) dispatch(sess *session, env protocol.Envelope) protocol.Code {
	started := time.Now()
	e, known := s.requests[env.Type]
	if !known {
		s.count.unknown.Add(1)
		sess.answer(env.ID, "", nil, refusalFrame(env.ID, malformed("unknown type")))
		return protocol.CodeMalformed
	}
	ctx, cancel := context.WithTimeout(s.life, requestTimeout)
	defer cancel()
	code := s.carryOut(ctx, sess, e, env)
	s.count.requests[env.Type].note(code, time.Since(started))
	return code
}

func (s *Server) carryOut(ctx context.Context, sess *session, e entry, env protocol.Envelope) protocol.Code {
	if !e.urgent {
		select {
		case sess.turn <- struct{}{}:
			defer func() { <-sess.turn }()
		case <-ctx.Done():
			sess.answer(env.ID, "", nil, refusalFrame(env.ID, unavailable()))
			return protocol.CodeUnavailable
		}
		sess.used.Store(true) // not by a page that only lies open and asks whether it lives
	}
	if !sess.alive() {
		return protocol.CodeUnauthenticated // its socket is being closed with that code
	}
	kind := env.Type
	if e.reading {
		kind = "" // not remembered
	}
	c := &call{session: sess, person: sess.who(), id: env.ID}
	answer := func(value any) { sess.answer(env.ID, kind, value, replyFrame(env.ID, value)) }

	run := func() error { return e.run(ctx, c, env.Body, answer) }
	if former, repeated := sess.answered(env.ID); repeated && !e.reading {
		s.count.repeated.Add(1)
		switch {
		case former.kind != env.Type:
			run = func() error { return malformed("this id was used for another request") }
			kind = ""
		case former.value == nil || e.again == nil:
			sess.answer(env.ID, "", nil, former.frame)
			return ""
		default:
			run = func() error { return e.again(ctx, c, former.value, answer) }
		}
	}
	err := guarded(run)
	if err == nil {
		return ""
	}
	refusal := refusalOf(s.log, env.Type, err)
	switch refusal.Code {
	case protocol.CodeUnavailable, protocol.CodeInternal, protocol.CodeRateLimited, protocol.CodeMalformed:
		kind = "" // the same request may fare better
	}
	sess.answer(env.ID, kind, nil, refusalFrame(env.ID, refusal))
	return refusal.Code
}

// guarded turns a panic into an error: a fault in one request must not end the meetings
// of everyone.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
