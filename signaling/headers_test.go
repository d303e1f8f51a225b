package signaling

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func answerTo(host string, secure bool) http.Header {
	r := httptest.NewRequest("GET", "http://x/", nil)
	r.Host = host
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	w := httptest.NewRecorder()
	secured(http.NotFoundHandler()).ServeHTTP(w, r)
	return w.Header()
}

func TestEveryAnswerIsSecured(t *testing.T) {
	h := answerTo("tarasul.example:8443", true)
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'self'", "script-src 'self';", "connect-src 'self' wss://tarasul.example:8443;", "img-src 'self' data: blob:",
		"media-src 'self' blob: mediastream:", "worker-src 'self' blob:", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
		"object-src 'none'",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	for _, never := range []string{"unsafe", "*", "http:", "https:"} {
		if strings.Contains(policy, never) {
			t.Errorf("the policy has %s: %s", never, policy)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Strict-Transport-Security": "max-age=31536000",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(h.Get("Permissions-Policy"), "camera=(self)") || !strings.Contains(h.Get("Permissions-Policy"), "geolocation=()") {
		t.Errorf("Permissions-Policy: %s", h.Get("Permissions-Policy"))
	}
}

func TestStrictTransportOnlyWhereItIsMeant(t *testing.T) {
	for _, tc := range []struct {
		host   string
		secure bool
		want   bool
	}{
		{"tarasul.example", true, true}, {"tarasul.example", false, false},
		{"localhost:8443", true, false}, {"127.0.0.1:8443", true, false}, {"[::1]:8443", true, false},
	} {
		if got := answerTo(tc.host, tc.secure).Get("Strict-Transport-Security") != ""; got != tc.want {
			t.Errorf("%s, TLS %v: %v", tc.host, tc.secure, got)
		}
	}
}

func TestAHostHeaderCannotWidenThePolicy(t *testing.T) {
	for _, host := range []string{"evil.example; script-src *", "a b", "a,b", "a\"b", strings.Repeat("a", 300), ""} {
		policy := answerTo(host, false).Get("Content-Security-Policy")
		if !strings.Contains(policy, "connect-src 'self';") {
			t.Errorf("%q: %s", host, policy)
		}
	}
}

func TestOnlyOurOwnPagesMayChangeAnything(t *testing.T) {
	s := &Server{origins: []*url.URL{{Scheme: "https", Host: "proxy.example"}}}
	for _, tc := range []struct {
		host, origin, site string
		secure             bool
		want               bool
	}{
		{"localhost:8080", "http://localhost:8080", "", false, true},
		{"localhost:8080", "http://LOCALHOST:8080", "", false, true},
		{"tarasul.example", "https://tarasul.example", "", true, true},
		{"tarasul.example:443", "https://tarasul.example", "", true, true},
		{"[::1]:8080", "http://[::1]:8080", "", false, true},
		{"localhost:8080", "https://proxy.example", "", false, true},
		{"localhost:8080", "", "same-origin", false, true},

		{"localhost:8080", "", "", false, false},
		{"localhost:8080", "null", "", false, false},
		{"localhost:8080", "null", "same-origin", false, false},
		{"localhost:8080", "http://evil.example", "same-origin", false, false},
		{"localhost:8080", "http://localhost:8081", "", false, false},
		{"localhost:8080", "http://localhost", "", false, false},
		{"localhost:8080", "https://localhost:8080", "", false, false},
		{"tarasul.example", "http://tarasul.example", "", true, false},
		{"localhost:8080", "http://localhost:8080.evil.example", "", false, false},
		{"localhost:8080", "http://evil.example/http://localhost:8080", "", false, false},
		{"localhost:8080", "http://proxy.example", "", false, false},
		{"localhost:8080", "", "same-site", false, false},
		{"localhost:8080", "", "cross-site", false, false},
		{"localhost:8080", "", "none", false, false},
	} {
		r := httptest.NewRequest("POST", "http://x/api/session", nil)
		r.Host = tc.host
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		if tc.site != "" {
			r.Header.Set("Sec-Fetch-Site", tc.site)
		}
		if tc.secure {
			r.TLS = &tls.ConnectionState{}
		}
		if got := s.sameOrigin(r); got != tc.want {
			t.Errorf("host %s, origin %q, site %q, TLS %v: %v", tc.host, tc.origin, tc.site, tc.secure, got)
		}
	}
}
