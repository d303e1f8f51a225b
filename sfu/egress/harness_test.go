//go:build linux && (amd64 || arm64)

package egress

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"go.uber.org/goleak"

	"tarasul/sfu/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var profiles = map[string]srtp.ProtectionProfile{
	"AES-128-GCM": srtp.ProtectionProfileAeadAes128Gcm,
	"AES-256-GCM": srtp.ProtectionProfileAeadAes256Gcm,
	"AES-128-CM":  srtp.ProtectionProfileAes128CmHmacSha1_80,
}

func keys(t testing.TB, profile srtp.ProtectionProfile, options ...srtp.ContextOption) *srtp.Context {
	t.Helper()
	keyLen, err := profile.KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	saltLen, err := profile.SaltLen()
	if err != nil {
		t.Fatal(err)
	}
	key, salt := bytes.Repeat([]byte{7}, keyLen), bytes.Repeat([]byte{9}, saltLen)
	c, err := srtp.CreateContext(key, salt, profile, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func listen(t testing.TB) *udp.Socket {
	t.Helper()
	s, err := udp.Listen(netip.MustParseAddrPort("127.0.0.1:0"), udp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// subscriber is a Destination and what stands at its end: a socket that opens what comes with pion, every packet once.
type subscriber struct {
	Destination
	t      testing.TB
	socket *udp.Socket
	inbox  *udp.Inbox
	open   *srtp.Context
}

func newSubscriber(t testing.TB, profile srtp.ProtectionProfile, e Extensions) *subscriber {
	t.Helper()
	s := &subscriber{t: t, socket: listen(t), inbox: udp.NewInbox()}
	s.open = keys(t, profile, srtp.SRTPReplayProtection(4096), srtp.SRTCPReplayProtection(64))
	s.Addr = udp.AddrOf(s.socket.LocalAddr())
	s.Seal = keys(t, profile)
	s.Negotiate(e)
	s.socket.SetIdle(2 * time.Second)
	return s
}

// arrived is one packet that was opened.
type arrived struct {
	rtp.Packet
	size int // on the wire
}

// raw receives n datagrams as they are.
func (s *subscriber) raw(n int) (datagrams [][]byte) {
	s.t.Helper()
	for len(datagrams) < n {
		got, err := s.socket.Receive(s.inbox)
		if err != nil {
			s.t.Fatal(err)
		}
		if got == 0 {
			s.t.Fatalf("%d datagrams came, want %d", len(datagrams), n)
		}
		for i := range got {
			data, _ := s.inbox.Datagram(i)
			datagrams = append(datagrams, bytes.Clone(data))
		}
	}
	if len(datagrams) > n {
		s.t.Fatalf("%d datagrams came, want %d", len(datagrams), n)
	}
	return datagrams
}

// packets receives and opens n RTP packets.
func (s *subscriber) packets(n int) (all []arrived) {
	s.t.Helper()
	for _, sealed := range s.raw(n) {
		all = append(all, s.openOne(sealed))
	}
	return all
}

func (s *subscriber) openOne(sealed []byte) (a arrived) {
	s.t.Helper()
	plain, err := s.open.DecryptRTP(nil, sealed, nil)
	if err != nil {
		s.t.Fatalf("a packet does not open: %v", err)
	}
	a.size = len(sealed)
	if err := a.Unmarshal(plain); err != nil {
		s.t.Fatalf("a packet does not parse: %v", err)
	}
	return a
}

func newSender(t testing.TB, cfg Config) (*Sender, *udp.Socket) {
	t.Helper()
	socket := listen(t)
	s, err := New(socket, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, socket
}

// sized is a packet of a stream whose payload has n bytes.
func sized(ssrc uint32, seq uint16, n int) Packet {
	p := Packet{SSRC: ssrc, Seq: seq, Timestamp: ssrc * 3, PayloadType: 96, Payload: make([]byte, n)}
	r := rand.New(rand.NewPCG(uint64(ssrc), uint64(seq)))
	for i := range p.Payload {
		p.Payload[i] = byte(r.Uint32())
	}
	return p
}

// same reports what differs between a packet and what arrived of it.
func same(t testing.TB, want *Packet, got *arrived, e Extensions) {
	t.Helper()
	if got.SSRC != want.SSRC || got.SequenceNumber != want.Seq || got.Timestamp != want.Timestamp ||
		got.PayloadType != want.PayloadType || got.Marker != want.Marker || got.Version != 2 {
		t.Errorf("packet %d of %x arrived as %v", want.Seq, want.SSRC, got.Header)
	}
	if payload := append(want.Prefix[:want.PrefixLen:want.PrefixLen], want.Payload...); !bytes.Equal(got.Payload, payload) {
		t.Errorf("packet %d of %x: %d bytes of payload arrived, %d were sent, or they differ",
			want.Seq, want.SSRC, len(got.Payload), len(payload))
	}
	element := func(name string, id uint8, sent []byte) {
		t.Helper()
		if id == 0 {
			return
		}
		if got := got.GetExtension(id); !bytes.Equal(got, sent) {
			t.Errorf("packet %d of %x: %s is %x, want %x", want.Seq, want.SSRC, name, got, sent)
		}
	}
	element("dependency descriptor", e.Dependency, want.Dependency)
	element("mid", e.MID, want.MID)
	var level []byte
	if want.HasLevel {
		level = []byte{want.Level}
		if want.Voice {
			level[0] |= 0x80
		}
	}
	element("audio level", e.AudioLevel, level)
	if e.TransportCC != 0 && len(got.GetExtension(e.TransportCC)) != 2 {
		t.Errorf("packet %d of %x has no transport-wide number", want.Seq, want.SSRC)
	}
	if e.AbsSendTime != 0 && len(got.GetExtension(e.AbsSendTime)) != 3 {
		t.Errorf("packet %d of %x has no send time", want.Seq, want.SSRC)
	}
}

func transportSeq(a *arrived, id uint8) uint16 { return binary.BigEndian.Uint16(a.GetExtension(id)) }
