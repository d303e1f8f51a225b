// Package certificate gives the server its TLS certificate: the one that the ministry's
// own authority has issued, read again when its files change, or one that a private
// authority of this server issues, made on first use and renewed in time.
//
// It knows nothing of HTTP and contacts nobody.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Config says which certificate is served. Without files one is generated.
type Config struct {
	// File and Key are PEM files of a certificate (with its chain) and its private key.
	// They are read again when they change.
	File string
	Key  string
	// Names are further host names and IP addresses that a generated certificate is for,
	// beside those of this machine.
	Names []string
}

// Validate reports all mistakes at once.
func (c *Config) Validate() error {
	var faults []error
	if (c.File == "") != (c.Key == "") {
		faults = append(faults, errors.New("file and key: give both or neither"))
	}
	for _, name := range c.Names {
		if net.ParseIP(name) == nil && !hostName(name) {
			faults = append(faults, fmt.Errorf("names: %q is neither a host name nor an IP address", name))
		}
	}
	if c.File != "" && len(c.Names) > 0 {
		faults = append(faults, errors.New("names: only for a generated certificate, but file is given"))
	}
	return errors.Join(faults...)
}

func hostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, func(c rune) bool {
			return c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) {
			return false
		}
	}
	return true
}

// checkEvery is how often a handshake looks whether there is a newer certificate.
const checkEvery = 10 * time.Second

// Source is where handshakes get the certificate from.
type Source struct {
	log       *slog.Logger
	now       func() time.Time
	files     Config
	authority *authority // nil if files are configured

	mu      sync.Mutex // guards what follows; held while files are read
	current *tls.Certificate
	seen    [2]stamp // of the files that current was read from
	checked time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// Open reads the configured certificate, or makes what is missing in dir: the
// authority's certificate ca.crt and key ca.key, and the server's.
func Open(cfg Config, dir string, now func() time.Time, log *slog.Logger) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	s := &Source{log: log, now: now, files: cfg}
	if cfg.File == "" {
		a, err := openAuthority(dir, cfg.Names, now)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		s.authority = a
		s.files.File, s.files.Key = a.path(serverCertificate), a.path(serverKey)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return s, nil
}

// Certificate is for tls.Config.GetCertificate. A newer certificate that cannot be read
// is reported in the log, and the former one is served.
func (s *Source) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.checked) >= checkEvery {
		s.checked = now
		if err := s.refresh(now); err != nil {
			s.log.Error("certificate not renewed", "error", err)
		}
	}
	return s.current, nil
}

// Expires says when the certificate ends that is served now.
func (s *Source) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.Leaf.NotAfter
}

// Authority gives the certificate of the private authority in PEM, nil if the
// certificate is configured. Whoever trusts it, trusts this server.
func (s *Source) Authority() []byte {
	if s.authority == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.authority.certificate.Raw})
}

// Fingerprint gives the SHA-256 of the authority's certificate, as browsers show it.
func (s *Source) Fingerprint() string {
	if s.authority == nil {
		return ""
	}
	return Fingerprint(s.authority.certificate)
}

// Fingerprint is the SHA-256 of a certificate, as browsers show it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// refresh issues a new certificate when ours is about to end, and reads the files if they
// have changed.
func (s *Source) refresh(now time.Time) error {
	if s.authority != nil && s.current.Leaf.NotAfter.Sub(now) < renewBefore {
		if err := s.authority.issue(now); err != nil {
			return err
		}
	}
	seen, err := s.stamps()
	if err != nil {
		return err
	}
	if seen == s.seen {
		return nil
	}
	if err := s.load(); err != nil {
		return err
	}
	s.log.Info("certificate read", "expires", s.current.Leaf.NotAfter)
	return nil
}

func (s *Source) load() error {
	seen, err := s.stamps()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(s.files.File, s.files.Key)
	if err != nil {
		return fmt.Errorf("read %s and %s: %w", s.files.File, s.files.Key, err)
	}
	s.current, s.seen = &pair, seen
	return nil
}

func (s *Source) stamps() (out [2]stamp, err error) {
	for i, file := range []string{s.files.File, s.files.Key} {
		info, err := os.Stat(file)
		if err != nil {
			return out, err
		}
		out[i] = stamp{info.ModTime(), info.Size()}
	}
	return out, nil
}
