//go:build linux && (amd64 || arm64)

package egress

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestEveryExtensionParses(t *testing.T) {
	long := bytes.Repeat([]byte{0xd0}, 17)
	for _, test := range []struct {
		name    string
		e       Extensions
		p       Packet
		profile uint16 // 0: no extension
	}{
		{"nothing negotiated", Extensions{}, Packet{HasLevel: true, Level: 3, Dependency: []byte{1}, MID: []byte("0")}, 0},
		{"nothing to say", Extensions{AudioLevel: 1, Dependency: 2, MID: 3}, Packet{}, 0},
		{"number", Extensions{TransportCC: 5}, Packet{}, oneByteProfile},
		{"number and time", Extensions{TransportCC: 5, AbsSendTime: 14}, Packet{}, oneByteProfile},
		{"level", Extensions{AudioLevel: 1}, Packet{HasLevel: true, Level: 127}, oneByteProfile},
		{"level of a voice", Extensions{AudioLevel: 1, TransportCC: 2}, Packet{HasLevel: true, Voice: true}, oneByteProfile},
		{"mid", Extensions{MID: 4}, Packet{MID: []byte("v12")}, oneByteProfile},
		{"mid of 16 bytes", Extensions{MID: 4}, Packet{MID: long[:16]}, oneByteProfile},
		{"mid of 17 bytes", Extensions{MID: 4, TransportCC: 5}, Packet{MID: long}, twoByteProfile},
		{"descriptor of 3 bytes", Extensions{Dependency: 12, TransportCC: 3}, Packet{Dependency: long[:3]}, oneByteProfile},
		{"descriptor of 16 bytes", Extensions{Dependency: 12, TransportCC: 3}, Packet{Dependency: long[:16]}, oneByteProfile},
		{"descriptor of 17 bytes", Extensions{Dependency: 12, TransportCC: 3}, Packet{Dependency: long}, twoByteProfile},
		{"descriptor of 255 bytes", Extensions{Dependency: 12, TransportCC: 3}, Packet{Dependency: bytes.Repeat(long, 15)}, twoByteProfile},
		{"id 15", Extensions{AudioLevel: 15}, Packet{HasLevel: true, Level: 1}, twoByteProfile},
		{"id 255", Extensions{TransportCC: 255, MID: 1}, Packet{MID: []byte("a")}, twoByteProfile},
		{
			"all", Extensions{TransportCC: 1, AbsSendTime: 2, AudioLevel: 3, Dependency: 4, MID: 5},
			Packet{HasLevel: true, Voice: true, Level: 55, Dependency: long[:7], MID: []byte("17")}, oneByteProfile,
		},
		{
			"all in the two-byte form", Extensions{TransportCC: 1, AbsSendTime: 2, AudioLevel: 3, Dependency: 4, MID: 5},
			Packet{HasLevel: true, Level: 55, Dependency: bytes.Repeat(long, 3), MID: []byte("17")}, twoByteProfile,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newSender(t, Config{})
			d := newSubscriber(t, profiles["AES-128-GCM"], test.e)
			p := test.p
			p.SSRC, p.Seq, p.Timestamp, p.PayloadType, p.Payload = 0xcafe, 65535, 1<<31, 127, []byte("payload")
			p.Marker = true
			s.Begin(&d.Destination, time.Now())
			s.Add(&p)
			s.End()
			s.Flush()
			got := d.packets(1)[0]
			same(t, &p, &got, test.e)
			if got.Extension != (test.profile != 0) || got.Extension && got.ExtensionProfile != test.profile {
				t.Errorf("extension %v of profile %x, want %x", got.Extension, got.ExtensionProfile, test.profile)
			}
		})
	}
}

func TestPrefixGoesBeforeThePayload(t *testing.T) {
	s, _ := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{})
	const prefix = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
	for n := range PrefixMax + 1 {
		p := Packet{SSRC: 1, Seq: uint16(n), PrefixLen: n, Payload: []byte("rest")}
		copy(p.Prefix[:], prefix)
		s.Begin(&d.Destination, time.Now())
		s.Add(&p)
		s.End()
		s.Flush()
		if got := d.packets(1)[0]; string(got.Payload) != prefix[:n]+"rest" {
			t.Errorf("payload %q", got.Payload)
		}
	}
}

func TestSendTimeIsSecondsInSixBitsAndEighteenOfTheirFraction(t *testing.T) {
	s, _ := newSender(t, Config{})
	d := newSubscriber(t, profiles["AES-128-GCM"], Extensions{AbsSendTime: 3})
	for i, test := range []struct {
		now  time.Time
		want rtp.AbsSendTimeExtension
	}{
		{time.Unix(0, 0), rtp.AbsSendTimeExtension{Timestamp: 0}},
		{time.Unix(1, 500_000_000), rtp.AbsSendTimeExtension{Timestamp: 1<<18 + 1<<17}},
		{time.Unix(64*1000+63, 999_999_999), rtp.AbsSendTimeExtension{Timestamp: 1<<24 - 1}},
	} {
		p := sized(1, uint16(i), 10)
		s.Begin(&d.Destination, test.now)
		s.Add(&p)
		s.End()
		s.Flush()
		var got rtp.AbsSendTimeExtension
		arrived := d.packets(1)[0]
		if err := got.Unmarshal(arrived.GetExtension(3)); err != nil || got != test.want {
			t.Errorf("at %v: %x, want %x, %v", test.now, got.Timestamp, test.want.Timestamp, err)
		}
	}
}

// FuzzHeader compares the size that was reckoned with what was written and with what pion reads.
func FuzzHeader(f *testing.F) {
	f.Add(uint8(1), uint8(2), uint8(3), uint8(4), uint8(5), uint8(9), []byte{1, 2, 3}, []byte("mid"))
	f.Add(uint8(0), uint8(0), uint8(0), uint8(15), uint8(0), uint8(200), bytes.Repeat([]byte{1}, 40), []byte{})
	f.Fuzz(func(t *testing.T, cc, abs, level, dd, mid, value uint8, descriptor, name []byte) {
		ids := []uint8{cc, abs, level, dd, mid}
		for i, id := range ids {
			for _, other := range ids[:i] {
				if id == other && id != 0 {
					return // an id has one meaning
				}
			}
		}
		d := &Destination{transportSeq: uint16(value) << 7}
		d.Negotiate(Extensions{TransportCC: cc, AbsSendTime: abs, AudioLevel: level, Dependency: dd, MID: mid})
		p := &Packet{SSRC: 5, HasLevel: value&1 != 0, Level: value >> 1}
		p.Dependency, p.MID = descriptor[:min(len(descriptor), 255)], name[:min(len(name), 255)]
		extension, wide := d.extensionSize(p)
		b := bytes.Repeat([]byte{0xaa}, headerSize+extension+4)
		d.putHeader(b, p, extension, wide, 0x123456)
		var h rtp.Header
		n, err := h.Unmarshal(b)
		if err != nil || n != headerSize+extension || extension%4 != 0 {
			t.Fatalf("%d bytes were reckoned, %d read: %v", headerSize+extension, n, err)
		}
		if got := fmt.Sprintf("%x", b[n:]); got != "aaaaaaaa" {
			t.Fatalf("written past the end: %s", got)
		}
		if dd != 0 && !bytes.Equal(h.GetExtension(dd), p.Dependency) || mid != 0 && !bytes.Equal(h.GetExtension(mid), p.MID) {
			t.Fatal("an element is not what was put in")
		}
		if level != 0 && p.HasLevel && (len(h.GetExtension(level)) != 1 || h.GetExtension(level)[0] != p.Level) {
			t.Fatal("the level is not what was put in")
		}
	})
}
