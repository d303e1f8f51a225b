package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Names of the files in the authority's directory.
const (
	authorityCertificate = "ca.crt"
	authorityKey         = "ca.key"
	serverCertificate    = "server.crt"
	serverKey            = "server.key"
)

// Lives of what is made here. Browsers refuse certificates of a server that last longer
// than 825 days, also those of private authorities.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
	backdated     = time.Hour // for clients whose clock is behind
)

// authority issues the server's certificate. Its key is in a file that only the server's
// user can read.
type authority struct {
	dir         string
	names       []string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// openAuthority reads the authority in dir or makes it, and has a server certificate
// issued if there is none that will do: one that is about to end, or lacks a name.
func openAuthority(dir string, names []string, now func() time.Time) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &authority{dir: dir, names: hostNames(names)}
	if err := a.read(); errors.Is(err, fs.ErrNotExist) {
		if err := a.create(now()); err != nil {
			return nil, fmt.Errorf("make the private authority: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("read the private authority: %w", err)
	}
	if left := a.certificate.NotAfter.Sub(now()); left < renewBefore {
		return nil, fmt.Errorf("the private authority in %s ends on %s: move the directory away to have a new one made, and trust that",
			dir, a.certificate.NotAfter.Format(time.DateOnly))
	}
	if !a.serves(now()) {
		if err := a.issue(now()); err != nil {
			return nil, fmt.Errorf("issue the server's certificate: %w", err)
		}
	}
	return a, nil
}

// hostNames gives what this machine is called and its addresses, and the further names.
func hostNames(further []string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil && hostName(host) {
		names = append(names, strings.ToLower(host))
	}
	if addresses, err := net.InterfaceAddrs(); err == nil {
		for _, address := range addresses {
			if network, ok := address.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
				names = append(names, network.IP.String())
			}
		}
	}
	names = append(names, further...)
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *authority) read() error {
	encoded, err := os.ReadFile(a.path(authorityCertificate))
	if err != nil {
		return err
	}
	if a.certificate, err = parseCertificate(encoded); err != nil {
		return fmt.Errorf("%s: %w", a.path(authorityCertificate), err)
	}
	if encoded, err = os.ReadFile(a.path(authorityKey)); err != nil {
		// A certificate without its key is no authority; making a new one silently would
		// take the trust of every client away.
		return fmt.Errorf("%s is there, but its key is not: %v", authorityCertificate, err)
	}
	block, _ := pem.Decode(encoded)
	if block == nil {
		return fmt.Errorf("%s: no PEM block", a.path(authorityKey))
	}
	if a.key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w", a.path(authorityKey), err)
	}
	if !a.key.PublicKey.Equal(a.certificate.PublicKey) {
		return fmt.Errorf("%s and %s do not belong together", authorityCertificate, authorityKey)
	}
	return nil
}

func parseCertificate(encoded []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(encoded)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}

// create makes the authority.
func (a *authority) create(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{"Tarasul"}, CommonName: "Tarasul private CA " + host},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(authorityLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	// The key first: a certificate without it would be taken for a loss.
	if err := writeKey(a.path(authorityKey), key); err != nil {
		return err
	}
	return writePEM(a.path(authorityCertificate), "CERTIFICATE", der, 0o644)
}

// serves reports whether the server's certificate in the directory is of this authority,
// lasts, and has every name.
func (a *authority) serves(now time.Time) bool {
	encoded, err := os.ReadFile(a.path(serverCertificate))
	if err != nil {
		return false
	}
	if _, err := os.Stat(a.path(serverKey)); err != nil {
		return false
	}
	c, err := parseCertificate(encoded)
	if err != nil || c.CheckSignatureFrom(a.certificate) != nil || c.NotAfter.Sub(now) < renewBefore {
		return false
	}
	for _, name := range a.names {
		if c.VerifyHostname(name) != nil {
			return false
		}
	}
	return true
}

// issue makes a new key and certificate for the server.
func (a *authority) issue(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{Organization: []string{"Tarasul"}, CommonName: "Tarasul"},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range a.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if err := writeKey(a.path(serverKey), key); err != nil {
		return err
	}
	return writePEM(a.path(serverCertificate), "CERTIFICATE", der, 0o644)
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f        // positive, RFC 5280 section 4.1.2.2
	return new(big.Int).SetBytes(b)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der, 0o600)
}

// writePEM replaces a file as a whole.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // only its owner can read it
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	err = errors.Join(f.Chmod(mode), pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
