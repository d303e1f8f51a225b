package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T, cfg Config, dir string, now *time.Time) *Source {
	t.Helper()
	s, err := Open(cfg, dir, func() time.Time { return *now }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func leaf(t *testing.T, s *Source) *x509.Certificate {
	t.Helper()
	c, err := s.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func TestWhoTrustsTheAuthorityTrustsTheServer(t *testing.T) {
	now := time.Now()
	s := open(t, Config{Names: []string{"tarasul.mofa.example", "10.20.30.40"}}, t.TempDir(), &now)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.Authority()) {
		t.Fatal("the authority's certificate is not PEM")
	}
	for _, name := range []string{"localhost", "127.0.0.1", "tarasul.mofa.example", "10.20.30.40"} {
		if _, err := leaf(t, s).Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.Fingerprint()) != 32*3-1 {
		t.Errorf("fingerprint %q is not a SHA-256", s.Fingerprint())
	}
}

func TestAHandshakeSucceeds(t *testing.T) {
	now := time.Now()
	s := open(t, Config{}, t.TempDir(), &now)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.Authority())
	here, there := net.Pipe()
	defer here.Close()
	done := make(chan error, 1)
	go func() {
		server := tls.Server(there, &tls.Config{GetCertificate: s.Certificate})
		defer server.Close()
		done <- server.Handshake()
	}()
	client := tls.Client(here, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err := client.Handshake(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheKeysAreTheOwnersAlone(t *testing.T) {
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "tls")
	open(t, Config{}, dir, &now)
	for name, want := range map[string]os.FileMode{authorityKey: 0o600, serverKey: 0o600, ".": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestTheAuthorityOutlivesARestartAndTheCertificateIsRenewed(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	first := open(t, Config{}, dir, &now)
	again := open(t, Config{}, dir, &now)
	if first.Fingerprint() != again.Fingerprint() {
		t.Error("a restart has made another authority")
	}
	if leaf(t, first).SerialNumber.Cmp(leaf(t, again).SerialNumber) != 0 {
		t.Error("a restart has issued another certificate")
	}
	if life := leaf(t, first).NotAfter.Sub(leaf(t, first).NotBefore); life > 825*24*time.Hour {
		t.Errorf("the certificate lasts %v", life)
	}
	before := leaf(t, again)
	now = before.NotAfter.Add(-renewBefore + time.Hour)
	after := leaf(t, again)
	if !after.NotAfter.After(before.NotAfter) {
		t.Error("the certificate was not renewed a month before its end")
	}
}

func TestAFurtherNameGivesANewCertificateOfTheSameAuthority(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	first := open(t, Config{}, dir, &now)
	second := open(t, Config{Names: []string{"tarasul.local"}}, dir, &now)
	if first.Fingerprint() != second.Fingerprint() {
		t.Error("another authority")
	}
	if leaf(t, second).VerifyHostname("tarasul.local") != nil {
		t.Error("the new name is missing")
	}
}

func TestAnAuthorityWithoutItsKeyIsNotReplacedInSilence(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	open(t, Config{}, dir, &now)
	if err := os.Remove(filepath.Join(dir, authorityKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{}, dir, time.Now, quiet); err == nil {
		t.Error("no error")
	}
}

func TestConfiguredFilesAreReadAgainWhenTheyChange(t *testing.T) {
	now := time.Now()
	made, files := t.TempDir(), t.TempDir()
	install := func(from string) {
		for _, name := range []string{serverKey, serverCertificate} {
			content, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(files, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, now, now); err != nil { // no two within the file system's resolution
				t.Fatal(err)
			}
		}
	}
	open(t, Config{}, made, &now)
	install(made)
	s := open(t, Config{File: filepath.Join(files, serverCertificate), Key: filepath.Join(files, serverKey)}, "", &now)
	first := leaf(t, s)
	if s.Authority() != nil || s.Fingerprint() != "" {
		t.Error("a configured certificate has no authority of ours")
	}

	now = now.Add(checkEvery)
	if err := os.WriteFile(filepath.Join(files, serverCertificate), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if leaf(t, s) != first {
		t.Error("a broken file has replaced a certificate that works")
	}

	other := t.TempDir()
	open(t, Config{}, other, &now)
	install(other)
	now = now.Add(checkEvery)
	if leaf(t, s).SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Error("the new files were not read")
	}
}

func TestMistakesAreReportedTogether(t *testing.T) {
	cfg := Config{File: "a.crt", Names: []string{"not a name", "ok.example"}}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("want three mistakes, got: %v", err)
	}
}
