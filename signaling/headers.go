package signaling

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// permissions is what the page may use of the browser: what a meeting needs, for
// ourselves alone.
const permissions = "accelerometer=(), autoplay=(self), camera=(self), display-capture=(self), " +
	"fullscreen=(self), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(self), midi=(), payment=(), " +
	"picture-in-picture=(self), screen-wake-lock=(self), serial=(), speaker-selection=(self), usb=()"

// secured sets the security headers on every answer.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy(r))
		h.Set("Permissions-Policy", permissions)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.TLS != nil && !isLocal(r.Host) {
			// Not for localhost: it would bar every other plain server on the machine.
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// contentPolicy lets the page load and reach nothing but this server. Older browsers do
// not count a websocket of the same host as 'self', so it is named.
func contentPolicy(r *http.Request) string {
	connect := "'self'"
	if host := r.Host; plainHost(host) {
		scheme := "ws://"
		if r.TLS != nil {
			scheme = "wss://"
		}
		connect += " " + scheme + host
	}
	return "default-src 'self'; base-uri 'none'; connect-src " + connect + "; font-src 'self'; form-action 'self'; " +
		"frame-ancestors 'none'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; object-src 'none'; " +
		"script-src 'self'; style-src 'self'; worker-src 'self' blob:"
}

// plainHost reports whether a Host header consists of what hosts and ports consist of, so
// that it may stand in a header of ours.
func plainHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	for _, c := range host {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("-._:[]", c):
		default:
			return false
		}
	}
	return true
}

// isLocal reports whether a Host header names this machine's loopback.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// sameOrigin reports whether a request was made by a page of this server (or of one that
// the configuration names). A request with neither Origin nor Sec-Fetch-Site comes from
// no browser that we know; it is refused all the same: default is deny.
func (s *Server) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null", of sandboxed pages and files
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if u.Scheme == scheme && sameHost(scheme, u.Host, r.Host) {
		return true
	}
	for _, allowed := range s.origins {
		if u.Scheme == allowed.Scheme && sameHost(u.Scheme, u.Host, allowed.Host) {
			return true
		}
	}
	return false
}

// sameHost compares two hosts with the scheme's own port added where none is given.
func sameHost(scheme, a, b string) bool {
	return strings.EqualFold(withPort(scheme, a), withPort(scheme, b))
}

func withPort(scheme, host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := "80"
	if scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
