package transport

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

func TestCertificateMatchesItsFingerprintOnly(t *testing.T) {
	c, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	der := c.tls.Certificate[0]
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); now.Before(parsed.NotBefore) || now.AddDate(0, 11, 0).After(parsed.NotAfter) {
		t.Errorf("valid from %v to %v", parsed.NotBefore, parsed.NotAfter)
	}
	f := c.Fingerprint
	if f.Algorithm != "sha-256" || len(f.Value) != 32*3-1 || f.Value != strings.ToUpper(f.Value) {
		t.Errorf("fingerprint %v", f)
	}
	for _, x := range []struct {
		name string
		f    Fingerprint
		want bool
	}{
		{"its own", f, true},
		{"in lower case", Fingerprint{"SHA-256", strings.ToLower(f.Value)}, true},
		{"of SHA-384", Fingerprint{"sha-384", digest("sha-384", der)}, true},
		{"of SHA-512", Fingerprint{"sha-512", digest("sha-512", der)}, true},
		{"of another hash", Fingerprint{"sha-512", f.Value}, false},
		{"of a weak hash", Fingerprint{"sha-1", f.Value}, false},
		{"another", testCertificates()[0].Fingerprint, false},
		{"a part", Fingerprint{"sha-256", f.Value[:len(f.Value)-3]}, false},
		{"empty", Fingerprint{"sha-256", ""}, false},
		{"none", Fingerprint{}, false},
	} {
		if got := x.f.Matches(der); got != x.want {
			t.Errorf("%s: matches is %v", x.name, got)
		}
	}
}
