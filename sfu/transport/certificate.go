package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

// Certificate is the DTLS certificate of a node. It vouches for nothing by itself: the answer,
// which travels over the authenticated signaling, names its fingerprint.
type Certificate struct {
	Fingerprint Fingerprint
	tls         tls.Certificate
}

// NewCertificate makes a self-signed ECDSA P-256 certificate, which RFC 8827 section 6.5 has
// every peer support. It is valid for a year, from a day ago for the sake of clocks that are
// behind; peers check the fingerprint and not the dates.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make DTLS key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: serial, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	return &Certificate{
		Fingerprint: Fingerprint{Algorithm: "sha-256", Value: digest("sha-256", der)},
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}, nil
}

// Fingerprint is the hash of a certificate as SDP writes it (RFC 8122 section 5).
type Fingerprint struct {
	Algorithm string // "sha-256", "sha-384" or "sha-512"
	Value     string // "AA:BB:..."
}

// Equal reports whether two fingerprints are the same, whichever case they are written in.
func (f Fingerprint) Equal(other Fingerprint) bool {
	return strings.EqualFold(f.Algorithm, other.Algorithm) && strings.EqualFold(f.Value, other.Value)
}

// Matches reports whether f is the fingerprint of a DER certificate. It is no secret, so the
// comparison need not take constant time. An empty or unknown fingerprint matches nothing.
func (f Fingerprint) Matches(der []byte) bool {
	want := digest(f.Algorithm, der)
	return want != "" && strings.EqualFold(f.Value, want)
}

// digest is empty for an algorithm that we do not know, or that is too weak (RFC 8122 section 5.1).
func digest(algorithm string, der []byte) string {
	var sum []byte
	switch strings.ToLower(algorithm) {
	case "sha-256":
		s := sha256.Sum256(der)
		sum = s[:]
	case "sha-384":
		s := sha512.Sum384(der)
		sum = s[:]
	case "sha-512":
		s := sha512.Sum512(der)
		sum = s[:]
	}
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// fingerprintOf returns the first fingerprint of a hash that we know: the m-line's if it has
// any, else the session's.
func fingerprintOf(media, session []sdp.Attribute) (Fingerprint, bool) {
	for _, attributes := range [][]sdp.Attribute{media, session} {
		for _, a := range attributes {
			algorithm, value, _ := strings.Cut(a.Value, " ")
			f := Fingerprint{Algorithm: strings.ToLower(algorithm), Value: strings.ToUpper(value)}
			if a.Key == "fingerprint" && len(value) == len(digest(f.Algorithm, nil)) && len(value) > 0 {
				return Fingerprint{Algorithm: strings.Clone(f.Algorithm), Value: strings.Clone(f.Value)}, true
			}
		}
	}
	return Fingerprint{}, false
}
