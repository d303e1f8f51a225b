package bot

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"tarasul/loadtest/sock"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/deadline"
)

// identity is the certificate of a process's bots. Browsers make one per connection; bots share one, whose making is not what
// is measured.
type identity struct {
	certificate tls.Certificate
	fingerprint string
}

func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, fingerprint(der)}, nil
}

// fingerprint of a certificate (RFC 8122 section 5).
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// keys are the two directions of a peer's SRTP.
type keys struct {
	in, out *srtp.Context
}

// handshake makes the DTLS connection as its client, checks that the server is the one of the answer, and derives the keys
// (RFC 5764 section 4.2). The server chooses among the profiles that Chromium offers.
func handshake(ctx context.Context, id *identity, pipe *pipe, expected string) (*dtls.Conn, keys, error) {
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	conn, err := dtls.ClientWithOptions(pipe, pipe.LocalAddr(),
		dtls.WithCertificates(id.certificate),
		dtls.WithInsecureSkipVerify(true), // no chain: the fingerprint, which came through signaling, is the check
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 || fingerprint(raw[0]) != expected {
				return errors.New("the server's certificate is not the one of its answer")
			}
			return nil
		}),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithFlightInterval(50*time.Millisecond),
		dtls.WithLoggerFactory(logs),
	)
	if err != nil {
		return nil, keys{}, fmt.Errorf("DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, keys{}, fmt.Errorf("DTLS: %w", err)
	}
	k, err := deriveKeys(conn)
	if err != nil {
		conn.Close()
		return nil, keys{}, fmt.Errorf("SRTP keys: %w", err)
	}
	return conn, k, nil
}

func deriveKeys(conn *dtls.Conn) (keys, error) {
	selected, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return keys{}, errors.New("no profile was agreed on")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return keys{}, errors.New("no connection state")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfile(selected)}
	if err := config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return keys{}, err
	}
	out, err := srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return keys{}, err
	}
	in, err := srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile)
	return keys{in, out}, err
}

// pipe is the net.PacketConn over which DTLS speaks: the engine puts in what the socket received, and what DTLS sends goes
// straight to the socket.
type pipe struct {
	socket   *sock.UDP
	tap      func([]byte) // nil, or sees what is sent
	in       chan []byte
	deadline *deadline.Deadline
	done     chan struct{}

	mu     sync.Mutex // guards closed: once Close has returned, nothing more is written to the socket
	closed bool
}

func newPipe(socket *sock.UDP, tap func([]byte)) *pipe {
	return &pipe{socket: socket, tap: tap, in: make(chan []byte, 32), deadline: deadline.New(), done: make(chan struct{})}
}

// put hands in a datagram; where DTLS does not keep up, it is lost as it would be on the way.
func (p *pipe) put(datagram []byte) {
	select {
	case p.in <- append([]byte(nil), datagram...):
	default:
	}
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case datagram := <-p.in:
		return copy(b, datagram), p.LocalAddr(), nil
	case <-p.deadline.Done():
		return 0, nil, p.deadline.Err()
	case <-p.done:
		return 0, nil, net.ErrClosed
	}
}

func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	if p.tap != nil {
		p.tap(b)
	}
	return len(b), p.socket.Send(b)
}

func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.done)
	}
	return nil
}

func (p *pipe) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.socket.LocalAddr()) }

func (p *pipe) SetDeadline(t time.Time) error     { return p.SetReadDeadline(t) }
func (p *pipe) SetWriteDeadline(time.Time) error  { return nil }
func (p *pipe) SetReadDeadline(t time.Time) error { p.deadline.Set(t); return nil }
