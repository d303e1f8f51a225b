//go:build linux && (amd64 || arm64)

package egress

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// TestTheSealerSealsAsPionDoes compares byte by byte, over wrap-arounds, with late packets and with both key sizes.
func TestTheSealerSealsAsPionDoes(t *testing.T) {
	for size, profile := range map[int]srtp.ProtectionProfile{16: srtp.ProtectionProfileAeadAes128Gcm, 32: srtp.ProtectionProfileAeadAes256Gcm} {
		key, salt := make([]byte, size), make([]byte, 12)
		rand.Read(key)
		rand.Read(salt)
		pion, err := srtp.CreateContext(key, salt, profile)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := NewSealer(key, salt)
		if err != nil {
			t.Fatal(err)
		}
		rollovers := map[uint32]*Rollover{7: {}, 8: {}}
		start := map[uint32]uint16{7: 65_000, 8: 3}
		for i := range 200_000 {
			for _, ssrc := range []uint32{7, 8} {
				seq := start[ssrc] + uint16(i)
				if i%50 == 49 { // two change places, also around the wrap
					seq++
				} else if i%50 == 0 && i > 0 {
					seq--
				}
				if i%7 != 0 && i > 1000 && i < 64_000 { // most are left out, so that the test is quick
					continue
				}
				p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: seq, Timestamp: uint32(i)}, Payload: []byte("what is said")}
				if err := p.SetExtension(1, []byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
				plain, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				want, err := pion.EncryptRTP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				b := append(make([]byte, 0, len(plain)+16), plain...)
				n := ours.seal(b[:cap(b)], p.MarshalSize()-len(p.Payload), len(plain), ssrc, seq, rollovers[ssrc].of(seq))
				if !bytes.Equal(b[:n], want) {
					t.Fatalf("key of %d bytes, SSRC %d, packet %d, sequence number %d: sealed otherwise", size, ssrc, i, seq)
				}
			}
		}
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	if _, err := NewSealer(make([]byte, 15), make([]byte, 12)); err == nil {
		t.Error("a key of 15 bytes was taken")
	}
	if _, err := NewSealer(make([]byte, 16), make([]byte, 14)); err == nil {
		t.Error("a salt of 14 bytes was taken")
	}
}
