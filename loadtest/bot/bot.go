//go:build linux

package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tarasul/loadtest/synth"
	"tarasul/signaling/protocol"
)

// viewPause is how long a bot waits for more changes before it tells the server what it shows now, as the page does.
const viewPause = 50 * time.Millisecond

// Roster numbers the people of a run. It is made once and only read afterwards.
type Roster struct {
	people []protocol.PersonID
	index  map[protocol.PersonID]int
}

// NewRoster numbers people in their order.
func NewRoster(people []protocol.PersonID) *Roster {
	r := &Roster{people: people, index: map[protocol.PersonID]int{}}
	for i, id := range people {
		r.index[id] = i
	}
	return r
}

// Config says what a Bot is.
type Config struct {
	Peer         PeerConfig
	Roster       *Roster
	TileWidth    int // at which it shows everyone else, in device pixels
	TileHeight   int
	ShowPictures bool
}

// Bot is one participant: a signed-in person with a websocket and a media session.
type Bot struct {
	cfg    Config
	engine *Engine
	socket *Socket
	peer   *Peer

	changed chan struct{} // of capacity 1: somebody came or went
	failed  chan struct{} // closed once err is set
	failure sync.Once
	err     error
	running sync.WaitGroup
	cancel  context.CancelFunc

	mu      sync.Mutex // guards the rest
	present []protocol.PersonID
	leaving bool
}

// Timing is when a bot's joining came how far, on the engine's clock.
type Timing struct {
	Requested int64 // meeting.join was sent, with the offer
	Answered  int64 // its reply was there
	Connected int64 // the answer was applied, and ICE and DTLS were done
}

// New opens the person's websocket and prepares the media session, as a page does before a person presses "join". client is
// what the operators' metrics see.
func New(ctx context.Context, e *Engine, session *Session, client string, cfg Config) (*Bot, error) {
	b := &Bot{cfg: cfg, engine: e, changed: make(chan struct{}, 1), failed: make(chan struct{})}
	b.peer = NewPeer(e, cfg.Peer)
	socket, err := session.Dial(ctx, client, b.handle)
	if err != nil {
		return nil, err
	}
	b.socket = socket
	return b, nil
}

// Socket is the bot's websocket.
func (b *Bot) Socket() *Socket { return b.socket }

// Peer is the bot's media session.
func (b *Bot) Peer() *Peer { return b.peer }

// Failed is closed when the bot has lost its socket, its media or its seat; Err says why.
func (b *Bot) Failed() <-chan struct{} { return b.failed }

// Err says why the bot failed, once Failed is closed.
func (b *Bot) Err() error { return b.err }

func (b *Bot) fail(err error) {
	b.mu.Lock()
	leaving := b.leaving
	b.mu.Unlock()
	if leaving {
		return
	}
	b.failure.Do(func() {
		b.err = fmt.Errorf("bot %d: %w", b.cfg.Peer.Index, err)
		close(b.failed)
	})
}

// Look asks for what pre-join shows.
func (b *Bot) Look(ctx context.Context, meeting protocol.MeetingID) (looked protocol.MeetingLooked, err error) {
	err = b.socket.Call(ctx, "meeting.look", protocol.MeetingRef{Meeting: meeting}, &looked)
	return looked, err
}

// Join takes a seat and connects the media, and returns when both is done. From then on the bot keeps its view up to date.
func (b *Bot) Join(ctx context.Context, meeting protocol.MeetingID) (t Timing, err error) {
	offer := b.peer.Offer()
	request := protocol.MeetingJoin{
		Meeting: meeting, Microphone: b.cfg.Peer.Microphone, Camera: len(b.cfg.Peer.Camera) > 0, Offer: &offer,
	}
	var joined protocol.MeetingJoined
	t.Requested = b.engine.Now()
	if err := b.socket.Call(ctx, "meeting.join", request, &joined); err != nil {
		return t, err
	}
	t.Answered = b.engine.Now()
	switch {
	case joined.Outcome != protocol.JoinSeated:
		return t, fmt.Errorf("meeting.join: the outcome is %q, not a seat", joined.Outcome)
	case joined.Answer == nil || joined.State == nil:
		return t, errors.New("meeting.join: a seat without an answer to the offer, or without a state")
	}
	b.mu.Lock()
	for _, seat := range joined.State.Seats {
		b.arrive(seat.Person)
	}
	b.mu.Unlock()
	// The view is sent while the media connects, as the page does.
	running, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.running.Go(func() { b.keepView(running) })
	if err := b.peer.Connect(ctx, joined.Answer.SDP); err != nil {
		return t, err
	}
	t.Connected = b.engine.Now()
	b.running.Go(func() {
		select {
		case <-b.peer.Failed():
			b.fail(b.peer.Err())
		case <-b.socket.Done():
			b.fail(fmt.Errorf("lost the websocket: %w", b.socket.Err()))
		case <-running.Done():
		}
	})
	on := true
	state := protocol.MediaState{}
	if request.Microphone {
		state.Microphone = &on
	}
	if request.Camera {
		state.Camera = &on
	}
	if err := b.socket.Call(ctx, "media.state", state, nil); err != nil {
		return t, err
	}
	return t, nil
}

// keepView tells the server which tiles the bot shows, at once and whenever that has changed.
func (b *Bot) keepView(ctx context.Context) {
	if !b.cfg.ShowPictures {
		return
	}
	for {
		view := b.view()
		if err := b.socket.Call(ctx, "media.view", view, nil); err != nil {
			if ctx.Err() == nil {
				b.fail(err)
			}
			return
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(viewPause):
		case <-ctx.Done():
			return
		}
		select {
		case <-b.changed:
		default:
		}
	}
}

func (b *Bot) view() protocol.MediaView {
	b.mu.Lock()
	defer b.mu.Unlock()
	view := protocol.MediaView{Tiles: []protocol.Tile{}}
	for _, person := range b.present {
		if person != b.cfg.Roster.people[b.cfg.Peer.Index] && len(view.Tiles) < protocol.MaxTiles {
			view.Tiles = append(view.Tiles, protocol.Tile{
				Person: person, Source: protocol.SourceCamera, Width: b.cfg.TileWidth, Height: b.cfg.TileHeight,
			})
		}
	}
	return view
}

// arrive notes that somebody is there; b.mu is held.
func (b *Bot) arrive(person protocol.PersonID) {
	if !slices.Contains(b.present, person) {
		b.present = append(b.present, person)
		b.change()
	}
}

func (b *Bot) change() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// handle acts on the server's events.
func (b *Bot) handle(kind string, body json.RawMessage) {
	if err := b.act(kind, body); err != nil {
		b.fail(fmt.Errorf("event %s: %w", kind, err))
	}
}

func (b *Bot) act(kind string, body json.RawMessage) error {
	switch kind {
	case "meeting.seat":
		var e protocol.SeatChanged
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		b.mu.Lock()
		b.arrive(e.Seat.Person)
		b.mu.Unlock()
	case "meeting.left":
		var e protocol.SeatLeft
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		b.mu.Lock()
		b.present = slices.DeleteFunc(b.present, func(id protocol.PersonID) bool { return id == e.Person })
		b.change()
		b.mu.Unlock()
	case "media.slots":
		var e protocol.MediaSlots
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		bots := map[string]int{}
		for _, s := range e.Slots {
			if index, ok := b.cfg.Roster.index[s.Person]; ok {
				bots[s.Mid] = index
			}
		}
		return b.peer.Assign(bots)
	case "media.wanted":
		var e protocol.MediaWanted
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		source := synth.Camera
		if e.Source == protocol.SourceMicrophone {
			source = synth.Voice
		}
		return b.peer.Want(source, e.Rids)
	case "media.gone":
		var e protocol.MediaGone
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		return fmt.Errorf("the server has ended the media session: %s", e.Reason)
	case "meeting.closed":
		var e protocol.MeetingClosed
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		return fmt.Errorf("out of the meeting: %s", e.Reason)
	case "session.signed_out":
		var e protocol.SignedOut
		if err := json.Unmarshal(body, &e); err != nil {
			return err
		}
		return fmt.Errorf("signed out: %s", e.Reason)
	}
	return nil
}

// Leave gives up the seat.
func (b *Bot) Leave(ctx context.Context) error {
	b.mu.Lock()
	b.leaving = true
	b.mu.Unlock()
	return b.socket.Call(ctx, "meeting.leave", protocol.None{}, nil)
}

// Close ends the media session and the websocket, and waits until nothing of the bot runs any more.
func (b *Bot) Close() {
	b.mu.Lock()
	b.leaving = true
	b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
	b.peer.Close()
	b.socket.Close()
	b.running.Wait()
}
