package signaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tarasul/sfu"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

// Bounds of what a client may say about media.
const (
	maxSends  = 16
	maxMid    = 32
	maxPixels = 16384
)

var sources = map[protocol.Source]sfu.Source{
	protocol.SourceMicrophone: sfu.Microphone, protocol.SourceCamera: sfu.Camera,
	protocol.SourceScreen: sfu.Screen, protocol.SourceScreenAudio: sfu.ScreenAudio,
}

func sourceName(source sfu.Source) protocol.Source {
	switch source {
	case sfu.Microphone:
		return protocol.SourceMicrophone
	case sfu.ScreenAudio:
		return protocol.SourceScreenAudio
	case sfu.Screen:
		return protocol.SourceScreen
	}
	return protocol.SourceCamera
}

func permitOf(p meeting.Permit) sfu.Permit {
	var out sfu.Permit
	out[sfu.Microphone], out[sfu.Camera], out[sfu.Screen], out[sfu.ScreenAudio] = p.Microphone, p.Camera, p.Screen, p.ScreenAudio
	return out
}

func onOf(o meeting.On) sfu.On {
	var out sfu.On
	out[sfu.Microphone], out[sfu.Camera], out[sfu.Screen], out[sfu.ScreenAudio] = o.Microphone, o.Camera, o.Screen, o.Screen
	return out
}

// offerOf checks an offer as far as that is possible without reading the SDP.
func offerOf(o protocol.MediaOffer) (sfu.Offer, error) {
	if o.SDP == "" {
		return sfu.Offer{}, invalid("sdp")
	}
	if len(o.Sends) > maxSends {
		return sfu.Offer{}, invalid("sends")
	}
	sends := make(map[string]sfu.Source, len(o.Sends))
	for mid, name := range o.Sends {
		source, ok := sources[name]
		if !ok || !plainMid(mid) {
			return sfu.Offer{}, invalid("sends")
		}
		sends[mid] = source
	}
	return sfu.Offer{SDP: o.SDP, Sends: sends}, nil
}

// plainMid reports whether a mid is made of what browsers make it of: it becomes a key of
// an object on every client's side.
func plainMid(mid string) bool {
	return mid != "" && len(mid) <= maxMid && !strings.HasPrefix(mid, "__") && !strings.ContainsFunc(mid, func(c rune) bool {
		return c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

func answerOf(a sfu.Answer) *protocol.MediaAnswer {
	out := &protocol.MediaAnswer{SDP: a.SDP, AudioSlots: a.AudioSlots, VideoSlots: a.VideoSlots}
	if out.AudioSlots == nil {
		out.AudioSlots = []string{}
	}
	if out.VideoSlots == nil {
		out.VideoSlots = []string{}
	}
	return out
}

// negotiate answers an offer of the session that holds a seat, outside the room's turn,
// because that takes milliseconds; then answered is called in the turn, and what the core
// has said meanwhile follows. An offer that does not go on with the present media session
// makes a new one.
func (r *room) negotiate(ctx context.Context, sess *session, offer sfu.Offer, answered func(sfu.Answer)) error {
	media, room, person := r.server.parts.Media, sfu.RoomID(r.id), sess.who().ID
	peer := sfu.PeerID(person)

	var one chan struct{}
	if err := r.do(ctx, func(context.Context) error { one = r.negotiationOf(person); return nil }); err != nil {
		return notSeated(err)
	}
	select {
	case one <- struct{}{}:
		defer func() { <-one }()
	case <-ctx.Done():
		return ctx.Err()
	}

	permit, on, again, ok := r.hold(sess)
	if !ok {
		return refuse(protocol.CodeNotSeated)
	}
	var answer sfu.Answer
	var failed error
	if again {
		answer, failed = media.Reoffer(ctx, room, peer, offer)
		again = failed == nil
	}
	if !again {
		r.forgetMedia(sess)
		answer, failed = media.Join(ctx, room, peer, offer, permitOf(permit), onOf(on))
	}

	err := r.do(context.WithoutCancel(ctx), func(context.Context) error {
		if !r.holds(sess) {
			// Released or taken over meanwhile: what was made must not live on. Nobody
			// else can have made anything, for only we may negotiate for this person.
			media.Leave(room, peer)
			return refuse(protocol.CodeNotSeated)
		}
		if failed == nil {
			answered(answer)
		}
		r.release(sess, failed == nil)
		return nil
	})
	if errors.Is(err, errRoomGone) {
		if again := r.server.rooms.running(r.id); again == nil || !again.has(person) {
			media.Leave(room, peer)
		}
	}
	if err != nil {
		return notSeated(err)
	}
	if failed != nil {
		r.server.log.Warn("offer not answered", "meeting", r.id, "person", person, "error", failed)
		if errors.Is(failed, context.DeadlineExceeded) || errors.Is(failed, context.Canceled) {
			return failed
		}
		return refuse(protocol.CodeMedia)
	}
	return nil
}

// notSeated says to a client that its room has gone.
func notSeated(err error) error {
	if errors.Is(err, errRoomGone) {
		return refuse(protocol.CodeNotSeated)
	}
	return err
}

// negotiationOf gives the person's right to negotiate. In the room's turn.
func (r *room) negotiationOf(person protocol.PersonID) chan struct{} {
	one := r.joins[person]
	if one == nil {
		one = make(chan struct{}, 1)
		r.joins[person] = one
	}
	return one
}

// hold begins a negotiation: what the core says from now on is kept back. It is false if
// the session has no seat.
func (r *room) hold(sess *session) (permit meeting.Permit, on meeting.On, media, ok bool) {
	person := sess.who().ID
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seats[person]
	if s == nil || s.session != sess {
		return permit, on, false, false
	}
	s.held = true
	return s.permit, s.on, s.media, true
}

// forgetMedia drops what the core said of a media session that is being replaced.
func (r *room) forgetMedia(sess *session) {
	person := sess.who().ID
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.seats[person]; s != nil && s.session == sess {
		s.media, s.slots, s.wanted = false, nil, nil
	}
}

// release ends a negotiation. What has changed while it lasted is told to the core once
// more, for it may have come before the session that it is for.
func (r *room) release(sess *session, media bool) {
	person := sess.who().ID
	r.mu.Lock()
	s := r.seats[person]
	s.held, s.media = false, media
	permit, on := s.permit, s.on
	r.mu.Unlock()
	if media {
		core, room, peer := r.server.parts.Media, sfu.RoomID(r.id), sfu.PeerID(person)
		core.Permit(room, peer, permitOf(permit))
		core.Switch(room, peer, onOf(on))
	}
	r.mediaAgain(sess)
}

// mediaAgain sends the last words of the core to a session that starts from a snapshot,
// or has just got its answer.
func (r *room) mediaAgain(sess *session) {
	person := sess.who().ID
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seats[person]
	if s == nil || s.session != sess || !s.media {
		return
	}
	if s.slots != nil {
		r.server.hub.push(*s.slots, sess)
	}
	for _, wanted := range s.wanted {
		r.server.hub.push(wanted, sess)
	}
}

// has reports whether anyone holds a seat for the person.
func (r *room) has(person protocol.PersonID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seats[person] != nil
}

// mediaOffer answers an offer: the first one after being admitted, more slots, an ICE
// restart, or a new media session after the old one was lost.
func (s *Server) mediaOffer(ctx context.Context, c *call, b protocol.MediaOffer, answer func(protocol.MediaAnswer)) error {
	offer, err := offerOf(b)
	if err != nil {
		return err
	}
	r, err := c.seat()
	if err != nil {
		return err
	}
	return r.negotiate(ctx, c.session, offer, func(a sfu.Answer) { answer(*answerOf(a)) })
}

// mediaView passes on what the page shows.
func (s *Server) mediaView(_ context.Context, c *call, b protocol.MediaView) error {
	if len(b.Tiles) > protocol.MaxTiles {
		return invalid("tiles")
	}
	tiles := make([]sfu.Tile, 0, len(b.Tiles))
	for i, t := range b.Tiles {
		source := sources[t.Source]
		sized := t.Width > 0 && t.Height > 0 && t.Width <= maxPixels && t.Height <= maxPixels
		if t.Person == "" || !sized || t.Source != protocol.SourceCamera && t.Source != protocol.SourceScreen {
			return invalid(fmt.Sprintf("tiles[%d]", i))
		}
		tiles = append(tiles, sfu.Tile{Peer: sfu.PeerID(t.Person), Source: source, Width: t.Width, Height: t.Height, Pinned: t.Pinned})
	}
	r, err := c.seat()
	if err != nil {
		return err
	}
	s.parts.Media.View(sfu.RoomID(r.id), sfu.PeerID(c.person.ID), tiles)
	return nil
}

// mediaState takes in what a person has switched on or off.
func (s *Server) mediaState(ctx context.Context, c *call, b protocol.MediaState) error {
	return c.seated(ctx, func(r *room) (meeting.Result, error) {
		return r.rules.MediaState(c.person.ID, b, s.parts.Now())
	})
}

// pump brings what the media core has to tell to rooms and sessions. It never waits for
// either, so that the core never waits for it.
func (s *Server) pump(ctx context.Context) {
	events := s.parts.Media.Events()
	shed := map[int]int{} // level by shard
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			s.count.mediaEvent.Add(1)
			if o, ok := e.(sfu.OverloadChanged); ok {
				shed[o.Shard] = o.Level
				s.shed.Store(int64(slices.Max(slices.Collect(maps.Values(shed)))))
			}
			s.fromCore(e)
		}
	}
}

func (s *Server) fromCore(e sfu.Event) {
	switch e := e.(type) {
	case sfu.SlotsChanged:
		s.toSeat(e.Room, e.Peer, func(st *seat) *event {
			slots := newEvent("media.slots", slotsOf(e.Slots))
			st.slots = &slots
			return &slots
		})
	case sfu.WantedChanged:
		s.toSeat(e.Room, e.Peer, func(st *seat) *event {
			wanted := newEvent("media.wanted", protocol.MediaWanted{Source: sourceName(e.Source), Rids: e.Rids})
			if st.wanted == nil {
				st.wanted = map[sfu.Source]event{}
			}
			st.wanted[e.Source] = wanted
			return &wanted
		})
	case sfu.PeerGone:
		if e.Reason == "replaced" {
			return // by an offer of ours
		}
		s.toSeat(e.Room, e.Peer, func(st *seat) *event {
			if st.held {
				return nil // a new one is being made
			}
			st.media, st.slots, st.wanted = false, nil, nil
			gone := newEvent("media.gone", protocol.MediaGone{Reason: e.Reason})
			return &gone
		})
	case sfu.SpeakerChanged:
		if r := s.rooms.running(protocol.MeetingID(e.Room)); r != nil {
			r.heard(protocol.PersonID(e.Peer))
		}
	case sfu.OverloadChanged:
		s.log.Warn("media core sheds load", "shard", e.Shard, "level", e.Level)
	case sfu.PeerConnected:
		s.log.Debug("media connected", "meeting", e.Room, "person", e.Peer, "took", e.Took)
	case sfu.PeerFlowing:
		s.log.Debug("media flowing", "meeting", e.Room, "person", e.Peer, "took", e.Took)
	}
}

// toSeat notes something at a seat and sends the event that note gives to the session
// that holds it, unless the seat's events are held back.
func (s *Server) toSeat(id sfu.RoomID, peer sfu.PeerID, note func(*seat) *event) {
	r := s.rooms.running(protocol.MeetingID(id))
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	st := r.seats[protocol.PersonID(peer)]
	if st == nil {
		return
	}
	if e := note(st); e != nil && !st.held && st.session != nil {
		s.hub.push(*e, st.session)
	}
}

func slotsOf(states []sfu.SlotState) protocol.MediaSlots {
	out := protocol.MediaSlots{Slots: make([]protocol.Slot, 0, len(states))}
	for _, st := range states {
		slot := protocol.Slot{Mid: st.Mid, Person: protocol.PersonID(st.Of), Source: sourceName(st.Source)}
		switch st.Paused {
		case sfu.PausedBandwidth:
			slot.Paused, slot.Reason = true, "bandwidth"
		case sfu.PausedCodec:
			slot.Paused, slot.Reason = true, "codec"
		case sfu.PausedOverload:
			slot.Paused, slot.Reason = true, "overload"
		}
		out.Slots = append(out.Slots, slot)
	}
	return out
}
