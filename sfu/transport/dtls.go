package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

const (
	// HandshakeTimeout is how long a handshake may take, from StartDTLS on.
	HandshakeTimeout = 30 * time.Second
	// flightInterval is the first interval at which our side repeats; it doubles from there. RFC
	// 6347 section 4.2.4.1 has 1 s, which a lost datagram would then cost the first picture.
	flightInterval = 50 * time.Millisecond
	// handshakeMTU keeps our certificate's flight below what tunnels between missions leave.
	handshakeMTU = 1200
	// deliverQueue is how many datagrams may wait; a browser's largest flight has 5.
	deliverQueue = 32
	// attempts is how often a handshake that was spoilt may begin anew.
	attempts = 16
)

// DTLSConfig is what a DTLS server needs. The callbacks are called from goroutines of the
// DTLS and must not block.
type DTLSConfig struct {
	Certificate *Certificate
	Remote      Fingerprint                 // the offer's
	Write       func(datagram []byte) error // sends to the peer; the datagram is only valid during the call
	Done        func(Keys, error)           // once: the handshake's outcome
	Closed      func(reason string)         // once, after Done without error: "closed" by the peer, or "stopped" by us
}

// Keys are the SRTP keys of both directions.
type Keys struct {
	Profile srtp.ProtectionProfile
	session srtp.SessionKeys
}

// Contexts makes the SRTP contexts: in opens what the peer sends, with replay protection (RFC
// 3711 section 3.3.2) for SRTP and SRTCP, out seals what we send. Each belongs to one goroutine.
func (k Keys) Contexts() (in, out *srtp.Context, err error) {
	in, err = srtp.CreateContext(k.session.RemoteMasterKey, k.session.RemoteMasterSalt, k.Profile,
		srtp.SRTPReplayProtection(512), srtp.SRTCPReplayProtection(64))
	if err != nil {
		return nil, nil, fmt.Errorf("open SRTP: %w", err)
	}
	if out, err = srtp.CreateContext(k.session.LocalMasterKey, k.session.LocalMasterSalt, k.Profile); err != nil {
		return nil, nil, fmt.Errorf("seal SRTP: %w", err)
	}
	return in, out, nil
}

// GCM returns the master key and salt with which we seal, if the profile is AES-GCM (RFC 7714).
func (k Keys) GCM() (key, salt []byte, ok bool) {
	ok = k.Profile == srtp.ProtectionProfileAeadAes128Gcm || k.Profile == srtp.ProtectionProfileAeadAes256Gcm
	return k.session.LocalMasterKey, k.session.LocalMasterSalt, ok
}

// errFingerprint is why a handshake fails for good: the peer showed another certificate than
// the one that its offer names.
var errFingerprint = errors.New("certificate differs from the offer's fingerprint")

// DTLS is the server's side of one peer's DTLS association: the handshake of DTLS-SRTP (RFC
// 5764), and then nothing but waiting for the peer's close_notify, as there are no data channels.
//
// The loop must deliver only datagrams from paths that the peer's Agent knows. So a ClientHello
// is answered without a HelloVerifyRequest, which saves a round trip: the cookie of RFC 6347
// section 4.2.1 is there against strangers who open many associations or have our certificate
// sent to a victim, and no stranger gets this far. What somebody on the way forges with the
// peer's own address can at worst spoil a handshake that is under way: what it can be made to
// fail by begins it anew for the peer's next ClientHello, and plaintext alerts count neither
// way. After the handshake nothing passes that is not authenticated.
//
// It costs about 40 kB (a third of it stacks, 8 kB a read buffer) and four goroutines while it
// lives, and 0.8 ms of CPU for the handshake.
type DTLS struct {
	cfg   DTLSConfig
	in    chan []byte
	keyed atomic.Bool // the handshake is done
	stop  context.CancelFunc
	ended chan struct{} // closed when our goroutine has ended
}

// StartDTLS starts the server's side of a handshake and returns at once. Cancelling ctx is like Stop.
func StartDTLS(ctx context.Context, cfg DTLSConfig) *DTLS {
	ctx, stop := context.WithCancel(ctx)
	d := &DTLS{cfg: cfg, in: make(chan []byte, deliverQueue), stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		defer stop()
		d.run(ctx)
	}()
	return d
}

// Deliver hands over a datagram from the peer; it copies it and never blocks. False means that
// it is lost, since the queue was full, or that no record in it may pass. DTLS repeats.
func (d *DTLS) Deliver(datagram []byte) bool {
	passed := admit(datagram, d.keyed.Load())
	if passed == nil {
		return false
	}
	select {
	case d.in <- passed:
		return true
	default:
		return false
	}
}

// Stop begins the end: close_notify is sent and the goroutines end. It does not wait, may be
// called from the loop, and more than once.
func (d *DTLS) Stop() { d.stop() }

// Close is Stop, and waits until the goroutine has ended. Callbacks are not called afterwards.
func (d *DTLS) Close() {
	d.stop()
	<-d.ended
}

// run is the life of the association.
func (d *DTLS) run(ctx context.Context) {
	conn, err := d.handshake(ctx)
	if err != nil {
		d.cfg.Done(Keys{}, fmt.Errorf("DTLS handshake: %w", err))
		return
	}
	keys, err := exportKeys(conn)
	if err != nil {
		conn.Close()
		d.cfg.Done(Keys{}, fmt.Errorf("DTLS handshake: %w", err))
		return
	}
	d.keyed.Store(true)
	d.cfg.Done(keys, nil)
	closing := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(closing)
		conn.Close() // sends close_notify, and ends the read below
	})
	drain(conn)
	reason := "closed"
	if unhook() {
		conn.Close()
	} else {
		<-closing
		reason = "stopped"
	}
	d.cfg.Closed(reason)
}

// drain reads until the association ends. Other errors are about single records and end nothing.
func drain(conn *dtls.Conn) {
	b := make([]byte, 2048)
	for {
		if _, err := conn.Read(b); errors.Is(err, io.EOF) {
			return
		}
	}
}

// handshake runs until one attempt succeeds, the peer is the wrong one, or time is up.
func (d *DTLS) handshake(ctx context.Context) (*dtls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	var first error
	for range attempts {
		conn, err := d.attempt(ctx)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || errors.Is(err, errFingerprint) {
			break
		}
	}
	return nil, first
}

func (d *DTLS) attempt(ctx context.Context) (*dtls.Conn, error) {
	var mismatch error
	conn, err := dtls.ServerWithOptions(newPipe(d.in, d.cfg.Write), pipeAddr{},
		dtls.WithCertificates(d.cfg.Certificate.tls),
		dtls.WithClientAuth(dtls.RequireAnyClientCert), // browsers sign for themselves: the fingerprint is the check
		dtls.WithVerifyPeerCertificate(func(chain [][]byte, _ [][]*x509.Certificate) error {
			if len(chain) == 0 || !d.cfg.Remote.Matches(chain[0]) {
				mismatch = errFingerprint
			}
			return mismatch
		}),
		// The server's order counts. AES-CM with HMAC-SHA1 costs five times as much per packet.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), // RFC 7627: the keys are bound to this handshake
		dtls.WithInsecureSkipVerifyHello(true),                          // argued at DTLS
		dtls.WithFlightInterval(flightInterval),
		dtls.WithMTU(handshakeMTU),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
	)
	if err != nil {
		return nil, err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, errors.Join(mismatch, err)
	}
	return conn, nil
}

// exportKeys derives the SRTP keys (RFC 5764 section 4.2).
func exportKeys(conn *dtls.Conn) (Keys, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return Keys{}, errors.New("no SRTP profile in common")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return Keys{}, errors.New("no keys to export")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return Keys{}, fmt.Errorf("export keys: %w", err)
	}
	return Keys{Profile: cfg.Profile, session: cfg.Keys}, nil
}
