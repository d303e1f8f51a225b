package transport

import "crypto/tls"

// Certificate is the DTLS certificate of a node.
type Certificate struct {
	Fingerprint Fingerprint
	tls         tls.Certificate
}

// Fingerprint is the hash of a certificate as SDP writes it (RFC 8122 section 5).
type Fingerprint struct {
	Algorithm string // "sha-256", "sha-384" or "sha-512"
	Value     string // "AA:BB:..."
}

// NewCertificate makes a self-signed ECDSA P-256 certificate.
func NewCertificate() (*Certificate, error) { panic("soon") }
