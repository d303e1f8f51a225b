//go:build linux && (amd64 || arm64)

package loadtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"tarasul/signaling/protocol"

	"github.com/gorilla/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// fake is a server that speaks just enough of the protocol, with pion/webrtc for its media: one room, every picture in the
// slot of its sender, every voice likewise.
type fake struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex // guards the rest
	people    map[string]*protocol.Person
	passwords map[string]string
	cookies   map[string]*protocol.Person
	seats     []*seat
	disabled  int
	refuse    map[string]int // by request type: how often it is still to be refused
	mute      protocol.PersonID
	footing   float64 // bytes of heap that it claims to hold
	order     int64   // of the last chat message
	twice     bool    // deliver every chat message twice
}

// seat is one person in the room.
type seat struct {
	server *fake
	person *protocol.Person
	conn   *websocket.Conn
	pc     *webrtc.PeerConnection
	answer protocol.MediaAnswer
	seq    uint64

	mu    sync.Mutex // guards conn and what follows; taken after fake.mu
	slots map[webrtc.RTPCodecType][]*webrtc.TrackLocalStaticRTP
	mids  map[webrtc.RTPCodecType][]string
	of    map[protocol.PersonID]int // which slot of each kind carries whom
	ask   []func()                  // for key frames of what it sends
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, people: map[string]*protocol.Person{}, passwords: map[string]string{}, cookies: map[string]*protocol.Person{}, refuse: map[string]int{}}
	f.people["boss"] = &protocol.Person{ID: "p-boss", Login: "boss", Role: protocol.RoleAdministrator}
	f.passwords["boss"] = "boss's password"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(protocol.SessionInfo{Demo: true, Accounts: []protocol.DemoAccount{{Login: "boss", Password: "boss's password", Role: protocol.RoleAdministrator}}})
	})
	mux.HandleFunc("POST /api/session", f.signIn)
	mux.HandleFunc("GET /api/signaling", f.socket)
	mux.HandleFunc("GET /debug/pprof/heap", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		fmt.Fprintf(w, "go_goroutines 10\nprocess_open_fds 9\nprocess_resident_memory_bytes 1e6\ngo_memstats_heap_alloc_bytes %v\n", f.footing)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.shut)
	return f
}

// shut ends everything, as a server does that dies.
func (f *fake) shut() {
	f.mu.Lock()
	seats := f.seats
	f.seats = nil
	f.mu.Unlock()
	for _, s := range seats {
		s.conn.Close()
		if s.pc != nil {
			s.pc.Close()
		}
	}
	f.CloseClientConnections()
	f.Close()
}

func (f *fake) signIn(w http.ResponseWriter, r *http.Request) {
	var in protocol.SignIn
	json.NewDecoder(r.Body).Decode(&in)
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Origin") != f.URL || f.passwords[in.Login] != in.Password || in.Password == "" {
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(protocol.Refusal{Code: protocol.CodeWrongPassword})
		return
	}
	if f.refuse["sign in"] > 0 {
		f.refuse["sign in"]--
		w.WriteHeader(http.StatusTooManyRequests)
		json.NewEncoder(w).Encode(protocol.Refusal{Code: protocol.CodeRateLimited, RetryAfter: 5})
		return
	}
	cookie := fmt.Sprintf("c%d", len(f.cookies))
	f.cookies[cookie] = f.people[in.Login]
	http.SetCookie(w, &http.Cookie{Name: "session", Value: cookie})
	json.NewEncoder(w).Encode(protocol.SessionInfo{You: f.people[in.Login]})
}

func (f *fake) socket(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("session")
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{protocol.Subprotocol}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	f.mu.Lock()
	s := &seat{
		server: f, person: f.cookies[cookie.Value], conn: conn, slots: map[webrtc.RTPCodecType][]*webrtc.TrackLocalStaticRTP{},
		mids: map[webrtc.RTPCodecType][]string{}, of: map[protocol.PersonID]int{},
	}
	f.mu.Unlock()
	for {
		var e protocol.Envelope
		if conn.ReadJSON(&e) != nil {
			return
		}
		reply := protocol.Envelope{Type: protocol.TypeReply, ID: e.ID}
		body, refusal := s.request(e)
		reply.Body, _ = json.Marshal(body)
		reply.Error = refusal
		s.write(reply)
	}
}

func (s *seat) write(e protocol.Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.WriteJSON(e)
}

func (s *seat) event(kind string, body any) {
	raw, _ := json.Marshal(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.conn.WriteJSON(protocol.Envelope{Type: kind, Seq: s.seq, Body: raw})
}

func (s *seat) request(e protocol.Envelope) (any, *protocol.Refusal) {
	f := s.server
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse[e.Type] > 0 {
		f.refuse[e.Type]--
		return nil, &protocol.Refusal{Code: protocol.CodeRateLimited, RetryAfter: 5}
	}
	switch e.Type {
	case "hello":
		return protocol.Welcome{You: *s.person, Session: "s", Token: "t"}, nil
	case "people.list":
		listed := protocol.PeopleListed{Units: []protocol.Unit{{ID: "u"}}}
		for _, p := range f.people {
			listed.People = append(listed.People, *p)
		}
		return listed, nil
	case "people.save":
		var save protocol.PersonSave
		json.Unmarshal(e.Body, &save)
		if save.ID == "" && f.people[save.Login] != nil {
			return nil, &protocol.Refusal{Code: protocol.CodeNameTaken}
		}
		if save.Disabled {
			f.disabled++
			delete(f.passwords, save.Login)
			return protocol.PersonSaved{}, nil
		}
		p := &protocol.Person{ID: protocol.PersonID("p-" + save.Login), Login: save.Login, Name: save.Name, Unit: save.Unit, Role: save.Role}
		f.people[save.Login], f.passwords[save.Login] = p, save.Password
		return protocol.PersonSaved{Person: *p}, nil
	case "meeting.save":
		return protocol.MeetingSaved{Meeting: protocol.Meeting{ID: "m"}}, nil
	case "meeting.look":
		return protocol.MeetingLooked{}, nil
	case "meeting.join":
		var join protocol.MeetingJoin
		json.Unmarshal(e.Body, &join)
		f.footing += 100
		if join.Offer == nil {
			f.seats = append(f.seats, s)
			return protocol.MeetingJoined{Outcome: protocol.JoinSeated, State: &protocol.MeetingState{}}, nil
		}
		if err := s.join(join.Offer.SDP); err != nil {
			return nil, &protocol.Refusal{Code: protocol.CodeMedia, Detail: err.Error()}
		}
		f.seats = append(f.seats, s)
		state := &protocol.MeetingState{}
		for _, other := range f.seats {
			seat := protocol.Seat{Person: other.person.ID}
			state.Seats = append(state.Seats, seat)
			if other != s {
				other.give(s.person.ID)
				s.give(other.person.ID)
				other.event("meeting.seat", protocol.SeatChanged{Seat: protocol.Seat{Person: s.person.ID}})
			}
		}
		return protocol.MeetingJoined{Outcome: protocol.JoinSeated, State: state, Answer: &s.answer}, nil
	case "media.view":
		var view protocol.MediaView
		json.Unmarshal(e.Body, &view)
		s.show(view)
	case "chat.send":
		var send protocol.ChatSend
		json.Unmarshal(e.Body, &send)
		f.order++
		m := protocol.ChatMessage{Order: f.order, Thread: send.Thread, From: s.person.ID, Text: send.Text}
		for _, other := range f.seats {
			other.event("chat.message", protocol.ChatReceived{Message: m})
			if f.twice {
				other.event("chat.message", protocol.ChatReceived{Message: m})
			}
		}
		return protocol.ChatSent{Message: m}, nil
	case "meeting.leave":
		for i, other := range f.seats {
			if other == s {
				f.seats = append(f.seats[:i], f.seats[i+1:]...)
				go s.pc.Close()
				break
			}
		}
	}
	return protocol.None{}, nil
}

// give gives a person the next slot of each kind.
func (s *seat) give(person protocol.PersonID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.of[person]; !ok {
		s.of[person] = len(s.of)
	}
}

// show gives every tile a slot; f.mu is held.
func (s *seat) show(view protocol.MediaView) {
	var slots protocol.MediaSlots
	for _, tile := range view.Tiles {
		s.give(tile.Person)
	}
	s.mu.Lock()
	for person, n := range s.of {
		if video := s.mids[webrtc.RTPCodecTypeVideo]; n < len(video) {
			slots.Slots = append(slots.Slots, protocol.Slot{Mid: video[n], Person: person, Source: protocol.SourceCamera})
		}
		if audio := s.mids[webrtc.RTPCodecTypeAudio]; n < len(audio) {
			slots.Slots = append(slots.Slots, protocol.Slot{Mid: audio[n], Person: person, Source: protocol.SourceMicrophone})
		}
	}
	s.mu.Unlock()
	s.event("media.slots", slots)
	for _, other := range s.server.seats {
		for _, ask := range other.ask {
			ask()
		}
	}
}

// join makes the media session; f.mu is held.
func (s *seat) join(offer string) error {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return err
	}
	settings := webrtc.SettingEngine{}
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	settings.LoggerFactory = logs
	settings.SetLite(true)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return err
	}
	registry := &interceptor.Registry{}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return err
	}
	registry.Add(responder)
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry)).
		NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	s.pc = pc
	pc.OnTrack(s.forward)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	for _, transceiver := range pc.GetTransceivers() {
		if transceiver.Direction() != webrtc.RTPTransceiverDirectionSendonly || transceiver.Sender() != nil && transceiver.Sender().Track() != nil {
			continue
		}
		kind := transceiver.Kind()
		capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
		if kind == webrtc.RTPCodecTypeVideo {
			capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		}
		track, err := webrtc.NewTrackLocalStaticRTP(capability, kind.String(), "slot"+transceiver.Mid())
		if err != nil {
			return err
		}
		if _, err := pc.AddTrack(track); err != nil {
			return err
		}
		s.slots[kind] = append(s.slots[kind], track)
		s.mids[kind] = append(s.mids[kind], transceiver.Mid())
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return err
	}
	<-gathered
	s.answer = protocol.MediaAnswer{SDP: pc.LocalDescription().SDP, AudioSlots: s.mids[webrtc.RTPCodecTypeAudio], VideoSlots: s.mids[webrtc.RTPCodecTypeVideo]}
	return nil
}

// forward sends one track to everybody else, numbered anew and from a key frame on.
func (s *seat) forward(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	f := s.server
	kind := track.Kind()
	f.mu.Lock()
	if kind == webrtc.RTPCodecTypeVideo {
		s.ask = append(s.ask, func() { s.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}}) })
	}
	f.mu.Unlock()
	next := map[*seat]uint16{}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		packet.Extension, packet.Extensions = false, nil
		key := kind == webrtc.RTPCodecTypeAudio || len(packet.Payload) > 6 && packet.Payload[0]&0x10 != 0 && packet.Payload[6]&1 == 0
		f.mu.Lock()
		seats, muted := append([]*seat(nil), f.seats...), f.mute == s.person.ID
		f.mu.Unlock()
		for _, other := range seats {
			if other == s || muted {
				continue
			}
			other.mu.Lock()
			n, ok := other.of[s.person.ID]
			ok = ok && n < len(other.slots[kind])
			other.mu.Unlock()
			if _, started := next[other]; !ok || !started && !key || !connected(other) {
				continue
			}
			out := *packet
			next[other]++
			out.SequenceNumber = next[other]
			other.slots[kind][n].WriteRTP(&out)
		}
	}
}

func connected(s *seat) bool { return s.pc.ConnectionState() == webrtc.PeerConnectionStateConnected }
