package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/protocol"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/dtls/v3/pkg/protocol/recordlayer"
	"github.com/pion/srtp/v3"
)

var testCertificates = sync.OnceValue(func() [3]*Certificate {
	var all [3]*Certificate
	for i := range all {
		c, err := NewCertificate()
		if err != nil {
			panic(err)
		}
		all[i] = c
	}
	return all
})

// association is a server under test and a pion client in one synctest bubble, with a wire
// between them that a test may cut.
type association struct {
	t      *testing.T
	server *DTLS
	client *dtls.Conn
	done   chan error
	keys   Keys
	took   time.Duration // until done
	closed chan string
	lost   func(toServer bool, datagram []byte) bool // nil loses nothing
	mu     sync.Mutex                                // guards sent, and makes lost run alone
	sent   [][]byte                                  // by the server
}

// What a browser's client has: a certificate, and SRTP profiles in an order that is not ours.
func withCertificate() dtls.ClientOption {
	return dtls.WithCertificates(testCertificates()[1].tls)
}

func withProfiles() dtls.ClientOption {
	return dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM)
}

// associate starts a server that expects a fingerprint, and a client; without options it is
// one as browsers have.
func associate(t *testing.T, remote Fingerprint, options ...dtls.ClientOption) *association {
	t.Helper()
	certificates := testCertificates()
	if options == nil {
		options = []dtls.ClientOption{withCertificate(), withProfiles()}
	}
	a := &association{t: t, done: make(chan error, 1), closed: make(chan string, 1)}
	toClient := make(chan []byte, 100)
	begun := time.Now()
	a.server = StartDTLS(t.Context(), DTLSConfig{
		Certificate: certificates[0], Remote: remote,
		Write: func(b []byte) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.sent = append(a.sent, slices.Clone(b))
			if a.lost == nil || !a.lost(false, b) {
				toClient <- slices.Clone(b)
			}
			return nil
		},
		Done:   func(k Keys, err error) { a.keys, a.took = k, time.Since(begun); a.done <- err },
		Closed: func(reason string) { a.closed <- reason },
	})
	var err error
	a.client, err = dtls.ClientWithOptions(newPipe(toClient, func(b []byte) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.lost == nil || !a.lost(true, b) {
			a.server.Deliver(b)
		}
		return nil
	}), pipeAddr{}, append(options, dtls.WithInsecureSkipVerify(true))...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// connect runs the client's handshake and returns both sides' outcome.
func (a *association) connect() (client, server error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), HandshakeTimeout+time.Second)
	defer cancel()
	client = a.client.HandshakeContext(ctx)
	return client, <-a.done
}

// end closes both sides.
func (a *association) end() {
	a.server.Close()
	a.client.Close()
}

func TestHandshakeGivesBothSidesTheSameKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := associate(t, testCertificates()[1].Fingerprint)
		defer a.end()
		if client, server := a.connect(); client != nil || server != nil {
			t.Fatal(client, server)
		}
		if a.keys.Profile != srtp.ProtectionProfileAeadAes128Gcm {
			t.Errorf("profile %v, want AES-128-GCM", a.keys.Profile)
		}
		in, out, err := a.keys.Contexts()
		if err != nil {
			t.Fatal(err)
		}
		state, _ := a.client.ConnectionState()
		cfg := srtp.Config{Profile: a.keys.Profile}
		if err := cfg.ExtractSessionKeysFromDTLS(&state, true); err != nil {
			t.Fatal(err)
		}
		seal, err := srtp.CreateContext(cfg.Keys.LocalMasterKey, cfg.Keys.LocalMasterSalt, cfg.Profile)
		if err != nil {
			t.Fatal(err)
		}
		open, err := srtp.CreateContext(cfg.Keys.RemoteMasterKey, cfg.Keys.RemoteMasterSalt, cfg.Profile)
		if err != nil {
			t.Fatal(err)
		}
		rtp := []byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 'h', 'e', 'l', 'l', 'o'}
		for _, way := range []struct {
			name       string
			seal, open *srtp.Context
		}{{"in", seal, in}, {"out", out, open}} {
			sealed, err := way.seal.EncryptRTP(nil, rtp, nil)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := way.open.DecryptRTP(nil, sealed, nil)
			if err != nil || !slices.Equal(opened, rtp) {
				t.Errorf("%s: %x, %v", way.name, opened, err)
			}
			if _, err := way.open.DecryptRTP(nil, sealed, nil); err == nil && way.name == "in" {
				t.Error("a replayed packet opens")
			}
		}
	})
}

func TestServerChoosesAEADFirst(t *testing.T) {
	for _, c := range []struct {
		offered []dtls.SRTPProtectionProfile
		want    srtp.ProtectionProfile
	}{
		{[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_256_GCM}, srtp.ProtectionProfileAeadAes256Gcm},
		{[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}, srtp.ProtectionProfileAes128CmHmacSha1_80},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := associate(t, testCertificates()[1].Fingerprint, withCertificate(), dtls.WithSRTPProtectionProfiles(c.offered...))
			defer a.end()
			if client, server := a.connect(); client != nil || server != nil || a.keys.Profile != c.want {
				t.Errorf("profile %v, want %v; %v, %v", a.keys.Profile, c.want, client, server)
			}
		})
	}
}

func TestWrongPeersGetNoKeys(t *testing.T) {
	right := testCertificates()[1].Fingerprint
	for _, c := range []struct {
		name    string
		remote  Fingerprint
		options []dtls.ClientOption
		says    string
	}{
		{"another certificate", testCertificates()[2].Fingerprint, nil, "differs from the offer's fingerprint"},
		{"no fingerprint to compare with", Fingerprint{}, nil, "differs from the offer's fingerprint"},
		{"no certificate", right, []dtls.ClientOption{withProfiles()}, ""},
		{"no extended master secret", right, []dtls.ClientOption{withCertificate(), withProfiles(), dtls.WithExtendedMasterSecret(dtls.DisableExtendedMasterSecret)}, ""},
		{"no SRTP", right, []dtls.ClientOption{withCertificate()}, "no SRTP profile"},
		{"a profile that we do not have", right, []dtls.ClientOption{withCertificate(), dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_32)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := associate(t, c.remote, c.options...)
				defer a.end()
				_, err := a.connect()
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %v, want %q in it", err, c.says)
				}
				if c.says != "" && a.took > time.Second || a.took > HandshakeTimeout {
					t.Errorf("it took %v to refuse", a.took)
				}
				if a.keys.Profile != 0 || a.keys.session.LocalMasterKey != nil {
					t.Error("there are keys")
				}
			})
		})
	}
}

func TestHandshakeSurvivesTheLossOfAnyDatagram(t *testing.T) {
	for lost := range 12 {
		synctest.Test(t, func(t *testing.T) {
			a := associate(t, testCertificates()[1].Fingerprint, withCertificate(), withProfiles(), dtls.WithFlightInterval(flightInterval))
			defer a.end()
			n := -1
			a.lost = func(bool, []byte) bool { n++; return n == lost }
			begun := time.Now()
			if client, server := a.connect(); client != nil || server != nil {
				t.Errorf("without datagram %d: %v, %v", lost, client, server)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("without datagram %d it took %v", lost, took)
			}
		})
	}
}

// record is a DTLS 1.2 record in the epoch without keys.
func record(content byte, body ...byte) []byte {
	b := append([]byte{content, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0}, body...)
	binary.BigEndian.PutUint16(b[11:], uint16(len(body)))
	return b
}

// nullHello is a ClientHello for a cipher that encrypts nothing, TLS_ECDHE_ECDSA_WITH_NULL_SHA.
func nullHello(t *testing.T) []byte {
	t.Helper()
	b, err := (&recordlayer.RecordLayer{
		Header: recordlayer.Header{Version: protocol.Version1_2},
		Content: &handshake.Handshake{Message: &handshake.MessageClientHello{
			Version: protocol.Version1_2, CipherSuiteIDs: []uint16{0xc006},
			CompressionMethods: []*protocol.CompressionMethod{{}},
		}},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forgeries are what somebody can write who has no keys but can send with the peer's address.
func forgeries(t *testing.T) map[string][]byte {
	return map[string][]byte{
		"application data":              record(recordData, []byte("GET / HTTP/1.1")...),
		"a fatal alert":                 record(recordAlert, 2, 40),
		"close_notify":                  record(recordAlert, 1, 0),
		"a broken change of ciphers":    record(recordChange, 9, 9),
		"an unknown content type":       record(60, 1, 2, 3),
		"data behind a change":          append(record(recordChange, 1), record(recordData, 1)...),
		"a NULL cipher hello":           nullHello(t),
		"a broken handshake message":    record(22, 1, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 200, 1),
		"a record longer than it is":    {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 1},
		"a future epoch":                {23, 0xfe, 0xfd, 0, 9, 0, 0, 0, 0, 0, 1, 0, 1, 1},
		"a change of cipher with keys":  {20, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 7, 7},
		"garbage where keys should fit": append([]byte{21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 30}, make([]byte, 30)...),
	}
}

func TestForgeriesAfterTheHandshakeChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := associate(t, testCertificates()[1].Fingerprint)
		defer a.end()
		if client, server := a.connect(); client != nil || server != nil {
			t.Fatal(client, server)
		}
		synctest.Wait()
		before := len(a.sent)
		for name, datagram := range forgeries(t) {
			passed := a.server.Deliver(datagram)
			if epoch := binary.BigEndian.Uint16(datagram[3:]); passed != (epoch != 0 && datagram[0] != recordChange) {
				t.Errorf("%s: delivered is %v", name, passed)
			}
			synctest.Wait()
			if len(a.sent) != before {
				t.Errorf("%s was answered", name)
				before = len(a.sent)
			}
		}
		select {
		case reason := <-a.closed:
			t.Errorf("the association was closed: %s", reason)
		default:
		}
		// It still works: the client's own data passes, and so does its end.
		if _, err := a.client.Write([]byte("still here")); err != nil {
			t.Error(err)
		}
		a.client.Close()
		if reason := <-a.closed; reason != "closed" {
			t.Errorf("closed for %q", reason)
		}
	})
}

func TestForgeriesBeforeTheHandshakeDoNotSpoilIt(t *testing.T) {
	for name, datagram := range forgeries(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := associate(t, testCertificates()[1].Fingerprint)
				defer a.end()
				a.server.Deliver(datagram)
				synctest.Wait()
				for _, b := range a.sent {
					if b[0] == recordAlert {
						t.Error("the forgery made us send an alert to the genuine peer")
					}
				}
				if client, server := a.connect(); client != nil || server != nil {
					t.Error(client, server)
				}
			})
		})
	}
}

func TestPeersCloseIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := associate(t, testCertificates()[1].Fingerprint)
		defer a.end()
		if client, server := a.connect(); client != nil || server != nil {
			t.Fatal(client, server)
		}
		a.client.Close()
		if reason := <-a.closed; reason != "closed" {
			t.Errorf("closed for %q", reason)
		}
	})
}

func TestCloseTellsThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := associate(t, testCertificates()[1].Fingerprint)
		defer a.end()
		if client, server := a.connect(); client != nil || server != nil {
			t.Fatal(client, server)
		}
		a.server.Stop()
		a.server.Stop()
		if _, err := a.client.Read(make([]byte, 10)); !errors.Is(err, io.EOF) {
			t.Errorf("the client reads %v, want the end", err)
		}
		a.server.Close()
		if reason := <-a.closed; reason != "stopped" {
			t.Errorf("closed for %q", reason)
		}
	})
}

func TestHandshakeEndsWithStopWithItsContextAndInTime(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(d *DTLS, cancel func())
		want error
		took time.Duration
	}{
		{"stop", func(d *DTLS, _ func()) { d.Stop() }, context.Canceled, 0},
		{"context", func(_ *DTLS, cancel func()) { cancel() }, context.Canceled, 0},
		{"time", func(*DTLS, func()) {}, context.DeadlineExceeded, HandshakeTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			d := StartDTLS(ctx, DTLSConfig{
				Certificate: testCertificates()[0], Remote: testCertificates()[1].Fingerprint, Write: func([]byte) error { return nil },
				Done: func(_ Keys, err error) { done <- err }, Closed: func(string) { t.Error("closed without a handshake") },
			})
			begun := time.Now()
			synctest.Wait()
			c.end(d, cancel)
			if err := <-done; !errors.Is(err, c.want) || time.Since(begun) != c.took {
				t.Errorf("%s: %v after %v, want %v after %v", c.name, err, time.Since(begun), c.want, c.took)
			}
			d.Close()
			d.Close()
		})
	}
}

func TestDeliverNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		d := StartDTLS(t.Context(), DTLSConfig{
			Certificate: testCertificates()[0], Remote: testCertificates()[1].Fingerprint, Write: func([]byte) error { <-stuck; return nil },
			Done: func(Keys, error) {}, Closed: func(string) {},
		})
		taken := 0
		for range 10 * deliverQueue {
			if d.Deliver(record(22, 1, 2, 3)) {
				taken++
			}
		}
		if taken < deliverQueue || taken == 10*deliverQueue {
			t.Errorf("%d datagrams taken, want about %d", taken, deliverQueue)
		}
		close(stuck)
		d.Close()
	})
}

func TestRecordsThatMayPass(t *testing.T) {
	hello, change, data, plain := record(22, 1, 2), record(20, 1), record(23, 9), record(21, 2, 40)
	finished := slices.Clone(hello)
	finished[4] = 1
	for _, c := range []struct {
		name     string
		datagram []byte
		keyed    bool
		want     []byte
	}{
		{"a hello", hello, false, hello},
		{"a last flight", slices.Concat(hello, change, finished), false, slices.Concat(hello, change, finished)},
		{"a last flight that is repeated", slices.Concat(hello, change, finished), true, finished},
		{"what is not plain handshake is taken out", slices.Concat(data, hello, plain), false, hello},
		{"a change of cipher that claims to have keys", append(slices.Clone(change[:4]), append([]byte{1}, change[5:]...)...), true, nil},
		{"a cut record", slices.Concat(hello, change[:13]), false, hello},
		{"nothing", nil, false, nil},
		{"only plaintext", slices.Concat(hello, change, data, plain), true, nil},
	} {
		if got := admit(c.datagram, c.keyed); !slices.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}

func FuzzDeliver(f *testing.F) {
	f.Add(record(22, 1, 2, 3), false)
	f.Add(append(record(20, 1), record(22, 1)...), true)
	f.Fuzz(func(t *testing.T, datagram []byte, keyed bool) {
		out := admit(datagram, keyed)
		if len(out) > len(datagram) || out != nil && !IsDTLS(out) {
			t.Fatalf("%x", out)
		}
		if again := admit(out, keyed); !slices.Equal(again, out) {
			t.Fatalf("%x, then %x", out, again)
		}
		if keyed && out != nil && binary.BigEndian.Uint16(out[3:]) == 0 {
			t.Fatalf("plaintext %x passed", out)
		}
	})
}

func BenchmarkHandshake(b *testing.B) {
	certificates := testCertificates()
	b.ReportAllocs()
	for b.Loop() {
		toClient := make(chan []byte, 100)
		done := make(chan error, 1)
		server := StartDTLS(b.Context(), DTLSConfig{
			Certificate: certificates[0], Remote: certificates[1].Fingerprint,
			Write: func(d []byte) error { toClient <- slices.Clone(d); return nil },
			Done:  func(_ Keys, err error) { done <- err }, Closed: func(string) {},
		})
		client, err := dtls.ClientWithOptions(newPipe(toClient, func(d []byte) error { server.Deliver(d); return nil }), pipeAddr{},
			dtls.WithCertificates(certificates[1].tls), dtls.WithInsecureSkipVerify(true), dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM))
		if err != nil {
			b.Fatal(err)
		}
		if err := client.Handshake(); err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		server.Close()
		client.Close()
	}
}
