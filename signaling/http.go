package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// Names of the cookies. On TLS they carry the prefix that makes browsers refuse them from
// anywhere else (RFC 6265bis section 4.1.3.2).
const (
	sessionCookie = "tarasul"
	deviceCookie  = "tarasul-device"
	hostPrefix    = "__Host-"
	deviceLife    = 365 * 24 * time.Hour
)

// maxBody bounds the bodies of HTTP requests.
const maxBody = 16 << 10

// routes is everything that is served to browsers.
func (s *Server) routes(files http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/session", s.api(s.getSession))
	mux.HandleFunc("POST /api/session", s.api(s.postSession))
	mux.HandleFunc("DELETE /api/session", s.api(s.deleteSession))
	mux.HandleFunc("DELETE /api/sessions", s.api(s.deleteSessions))
	mux.HandleFunc("POST /api/password", s.api(s.postPassword))
	mux.HandleFunc("POST /api/enrol", s.api(s.postEnrol))
	mux.HandleFunc("GET /api/signaling", s.serveSocket)
	mux.HandleFunc("GET /ca.crt", s.getAuthority)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { writeRefusal(w, refuse(protocol.CodeNotFound)) })
	mux.Handle("/", files)
	return secured(mux)
}

// api makes an HTTP handler of one that returns what is to be the body, nil for none.
// Whatever may change something must come from a page of ours.
func (s *Server) api(f func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !s.sameOrigin(r) {
			s.log.Warn("request refused: foreign origin", "path", r.URL.Path, "address", addressOf(r))
			writeRefusal(w, refuse(protocol.CodeForbidden))
			return
		}
		if s.draining.Load() {
			writeRefusal(w, unavailable())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		var body any
		err := guarded(func() (err error) { body, err = f(w, r); return err })
		switch {
		case err != nil:
			writeRefusal(w, refusalOf(s.log, r.Method+" "+r.URL.Path, err))
		case body == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			writeJSON(w, http.StatusOK, body)
		}
	}
}

// getAuthority gives the certificate of the private authority to whoever will trust it.
func (s *Server) getAuthority(w http.ResponseWriter, r *http.Request) {
	if s.parts.Secure == nil || s.parts.Secure.Authority() == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="tarasul-ca.crt"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(s.parts.Secure.Authority())
}

func (s *Server) getSession(_ http.ResponseWriter, r *http.Request) (any, error) {
	signIn, err := s.parts.Directory.Resolve(r.Context(), s.cookieOf(r))
	if refusal := refusalIn(err); refusal != nil && refusal.Code == protocol.CodeUnauthenticated {
		return s.info(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return s.info(&signIn), nil
}

func (s *Server) postSession(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := decode[protocol.SignIn](r)
	if err != nil {
		return nil, err
	}
	signedIn, err := s.parts.Directory.SignIn(r.Context(), body, s.clientOf(r))
	if err != nil {
		refusal := refusalIn(err)
		switch {
		case refusal != nil && refusal.Code == protocol.CodeWrongPassword:
			s.count.wrong.Add(1)
		case refusal != nil && refusal.Code == protocol.CodeRateLimited:
			s.count.slowed.Add(1)
		default:
			s.count.signInLost.Add(1)
		}
		return nil, err
	}
	s.count.signedIn.Add(1)
	// The browser keeps one cookie: the sign-in that it held before would live on unseen.
	if former, err := s.parts.Directory.Resolve(r.Context(), s.cookieOf(r)); err == nil {
		ended, err := s.parts.Directory.SignOut(r.Context(), s.actorOf(r, former), former.ID)
		if err != nil {
			return nil, err
		}
		s.signedOut(ended)
	}
	s.setCookies(w, r, signedIn)
	return s.info(&signedIn.Session), nil
}

func (s *Server) postEnrol(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := decode[protocol.Enrol](r)
	if err != nil {
		return nil, err
	}
	signedIn, err := s.parts.Directory.Enrol(r.Context(), body, s.clientOf(r))
	if err != nil {
		return nil, err
	}
	s.count.signedIn.Add(1)
	s.setCookies(w, r, signedIn)
	s.announce(signedIn.Session.Person, s.hub.online(signedIn.Session.Person.ID))
	return s.info(&signedIn.Session), nil
}

func (s *Server) deleteSession(w http.ResponseWriter, r *http.Request) (any, error) {
	signIn, err := s.parts.Directory.Resolve(r.Context(), s.cookieOf(r))
	if err == nil {
		var ended []identity.Ended
		ended, err = s.parts.Directory.SignOut(r.Context(), s.actorOf(r, signIn), signIn.ID)
		s.signedOut(ended)
	}
	return s.signedOutHere(w, r, err)
}

func (s *Server) deleteSessions(w http.ResponseWriter, r *http.Request) (any, error) {
	signIn, err := s.parts.Directory.Resolve(r.Context(), s.cookieOf(r))
	if err == nil {
		var ended []identity.Ended
		ended, err = s.parts.Directory.SignOutEverywhere(r.Context(), s.actorOf(r, signIn))
		s.signedOut(ended)
	}
	return s.signedOutHere(w, r, err)
}

// signedOutHere takes the cookie away; who was not signed in is so afterwards too.
func (s *Server) signedOutHere(w http.ResponseWriter, r *http.Request, err error) (any, error) {
	if refusal := refusalIn(err); refusal != nil && refusal.Code == protocol.CodeUnauthenticated {
		err = nil
	}
	if err == nil {
		s.setCookie(w, r, sessionCookie, "", -time.Second)
	}
	return nil, err
}

func (s *Server) postPassword(_ http.ResponseWriter, r *http.Request) (any, error) {
	body, err := decode[protocol.PasswordChange](r)
	if err != nil {
		return nil, err
	}
	signIn, err := s.parts.Directory.Resolve(r.Context(), s.cookieOf(r))
	if err != nil {
		return nil, err
	}
	ended, err := s.parts.Directory.ChangePassword(r.Context(), signIn.ID, body, s.clientOf(r))
	s.signedOut(ended)
	if err != nil {
		return nil, err
	}
	if signIn, err = s.parts.Directory.Resolve(r.Context(), s.cookieOf(r)); err != nil {
		return nil, err
	}
	return s.info(&signIn), nil
}

// info is what the page is told about itself; signIn is nil for a visitor.
func (s *Server) info(signIn *identity.Session) protocol.SessionInfo {
	out := protocol.SessionInfo{Demo: len(s.parts.Demo) > 0, Accounts: s.parts.Demo}
	if signIn != nil {
		you := signIn.Person
		you.Online = s.hub.online(you.ID)
		out.You, out.ChangePassword = &you, signIn.ChangePassword
	}
	return out
}

func (s *Server) actorOf(r *http.Request, signIn identity.Session) identity.Actor {
	return identity.Actor{Person: signIn.Person, Address: addressOf(r)}
}

func (s *Server) clientOf(r *http.Request) identity.Client {
	c := identity.Client{Address: addressOf(r), UserAgent: r.UserAgent()}
	if device, err := r.Cookie(cookieName(r, deviceCookie)); err == nil {
		c.Device = device.Value
	}
	return c
}

// cookieOf gives the sign-in's token, empty if the request has none.
func (s *Server) cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookieName(r, sessionCookie))
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *Server) setCookies(w http.ResponseWriter, r *http.Request, in identity.SignedIn) {
	s.setCookie(w, r, sessionCookie, in.Token, in.Session.Expires.Sub(s.parts.Now()))
	if in.Device != "" {
		s.setCookie(w, r, deviceCookie, in.Device, deviceLife)
	}
}

// setCookie sets a cookie that no script can read and no other site can send. A negative
// life deletes it.
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

func cookieName(r *http.Request, name string) string {
	if r.TLS != nil {
		return hostPrefix + name
	}
	return name
}

// addressOf gives the IP address from which a request came.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// decode reads a request's body.
func decode[B any](r *http.Request) (B, error) {
	var body B
	err := json.NewDecoder(r.Body).Decode(&body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return body, refuse(protocol.CodeTooLarge)
	}
	if err != nil {
		return body, malformed("body has the wrong shape")
	}
	return body, nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own structs
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

func writeRefusal(w http.ResponseWriter, r *protocol.Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(r)))
	}
	writeJSON(w, statusOf(r.Code), r)
}
