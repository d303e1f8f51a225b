package signaling

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"tarasul/signaling/certificate"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

func (b *browser) info() protocol.SessionInfo {
	b.site.t.Helper()
	var info protocol.SessionInfo
	if r := b.do("GET", "/api/session", nil, &info); r != nil {
		b.site.t.Fatal(r)
	}
	return info
}

func TestSigningInAndOut(t *testing.T) {
	s := open(t, nil, "amal")
	b := s.browser()
	if you := b.info().You; you != nil {
		t.Fatalf("a visitor is %+v", you)
	}
	for _, wrong := range []protocol.SignIn{{Login: "amal", Password: "no"}, {Login: "nobody", Password: password}} {
		if r := b.do("POST", "/api/session", wrong, nil); r == nil || r.Code != protocol.CodeWrongPassword {
			t.Errorf("%+v: %+v", wrong, r)
		}
	}
	b.signIn("amal")
	if you := b.info().You; you == nil || you.ID != s.id("amal") {
		t.Fatalf("signed in as %+v", you)
	}
	p := b.visit()
	if r := b.do("DELETE", "/api/session", nil, nil); r != nil {
		t.Fatal(r)
	}
	if got := eventOf[protocol.SignedOut](p, "session.signed_out"); got.Reason != "sign_out" {
		t.Errorf("signed out: %+v", got)
	}
	if code := p.closed(); code != protocol.CloseUnauthenticated {
		t.Errorf("closed with %d", code)
	}
	if b.info().You != nil || s.hub.count() != 0 {
		t.Error("still signed in")
	}
	if r := b.do("DELETE", "/api/session", nil, nil); r != nil {
		t.Errorf("signing out twice: %+v", r)
	}
	if st := s.Stats(); st.SignIns["ok"] != 1 || st.SignIns["wrong_password"] != 2 {
		t.Errorf("sign-ins: %v", st.SignIns)
	}
}

func TestTheCookieIsOfNoUseToScriptsAndOtherSites(t *testing.T) {
	s := open(t, nil, "amal")
	body := `{"login":"amal","password":"` + password + `"}`
	for _, secure := range []bool{false, true} {
		r := httptest.NewRequest("POST", "http://tarasul.example/api/session", strings.NewReader(body))
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		cookies := w.Result().Cookies()
		if w.Code != 200 || len(cookies) == 0 {
			t.Fatalf("status %d, %d cookies", w.Code, len(cookies))
		}
		for _, c := range cookies {
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure ||
				c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
				t.Errorf("TLS %v: %v", secure, c)
			}
		}
	}
}

func TestNothingIsChangedForAForeignPage(t *testing.T) {
	s := open(t, nil, "amal")
	b := s.browser().signIn("amal")
	for _, call := range [][2]string{
		{"POST", "/api/session"}, {"DELETE", "/api/session"}, {"DELETE", "/api/sessions"}, {"POST", "/api/password"}, {"POST", "/api/enrol"},
	} {
		for _, origin := range []string{"", "http://evil.example", "null"} {
			r, err := http.NewRequest(call[0], s.http.URL+call[1], strings.NewReader(`{}`))
			check(t, err)
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			answer, err := b.http.Do(r)
			check(t, err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s from %q: %d", call[0], call[1], origin, answer.StatusCode)
			}
		}
	}
	if b.info().You == nil {
		t.Error("signed out by a foreign page")
	}
}

func TestRefusalsHaveTheStatusThatFits(t *testing.T) {
	s := open(t, nil, "amal")
	for _, tc := range []struct {
		method, path, body string
		status             int
		code               protocol.Code
	}{
		{"POST", "/api/session", `{`, 400, protocol.CodeMalformed},
		{"POST", "/api/session", `{"login":7}`, 400, protocol.CodeMalformed},
		{"POST", "/api/session", `{"login":"` + strings.Repeat("x", maxBody) + `"}`, 413, protocol.CodeTooLarge},
		{"POST", "/api/session", `{"login":"amal","password":"x"}`, 401, protocol.CodeWrongPassword},
		{"POST", "/api/password", `{}`, 401, protocol.CodeUnauthenticated},
		{"POST", "/api/enrol", `{"token":"no"}`, 401, protocol.CodeUnauthenticated},
		{"GET", "/api/nothing", ``, 404, protocol.CodeNotFound},
		{"PUT", "/api/session", ``, 404, protocol.CodeNotFound},
		{"GET", "/ca.crt", ``, 404, ""},
	} {
		r, err := http.NewRequest(tc.method, s.http.URL+tc.path, strings.NewReader(tc.body))
		check(t, err)
		r.Header.Set("Origin", s.http.URL)
		answer, err := s.http.Client().Do(r)
		check(t, err)
		var refusal protocol.Refusal
		if tc.code != "" {
			check(t, json.NewDecoder(answer.Body).Decode(&refusal))
		}
		answer.Body.Close()
		if answer.StatusCode != tc.status || refusal.Code != tc.code {
			t.Errorf("%s %s %.30s: %d %+v", tc.method, tc.path, tc.body, answer.StatusCode, refusal)
		}
	}
}

func TestGuessingIsSlowedDownWithATime(t *testing.T) {
	s := open(t, nil, "amal")
	b := s.browser()
	for range 50 {
		r := b.do("POST", "/api/session", protocol.SignIn{Login: "amal", Password: "guess"}, nil)
		if r == nil {
			t.Fatal("guessed")
		}
		if r.Code == protocol.CodeRateLimited {
			if r.RetryAfter <= 0 {
				t.Errorf("no time: %+v", r)
			}
			return
		}
	}
	t.Error("never slowed down")
}

func TestSigningInAgainEndsTheFormerSignIn(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	b := s.browser().signIn("amal")
	p := b.visit()
	b.signIn("badr")
	eventOf[protocol.SignedOut](p, "session.signed_out")
	if you := b.info().You; you == nil || you.ID != s.id("badr") {
		t.Errorf("signed in as %+v", you)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	s := open(t, nil, "amal", "badr")
	one, two, other := s.browser().signIn("amal"), s.browser().signIn("amal"), s.come("badr")
	pages := []*page{one.visit(), two.visit()}
	id := s.meet(pages[1], nil, "badr")
	pages[1].join(id)
	other.join(id)
	if r := one.do("DELETE", "/api/sessions", nil, nil); r != nil {
		t.Fatal(r)
	}
	for _, p := range pages {
		if got := eventOf[protocol.SignedOut](p, "session.signed_out"); got.Reason != "everywhere" {
			t.Errorf("reason %q", got.Reason)
		}
		p.closed()
	}
	if two.info().You != nil {
		t.Error("the other browser is still signed in")
	}
	if got := eventOf[protocol.SeatLeft](other, "meeting.left"); got.Person != s.id("amal") {
		t.Errorf("left: %+v", got)
	}
	// A token from before is of no use.
	q := two.signIn("amal").dial()
	q.mustHello(&protocol.Resume{Token: pages[1].welcome.Token, Seq: pages[1].seq})
	if q.welcome.Resumed || q.welcome.Meeting != nil {
		t.Errorf("welcome: %+v", q.welcome)
	}
}

func TestANewPasswordEndsTheOtherSignIns(t *testing.T) {
	s := open(t, nil, "amal")
	here, there := s.browser().signIn("amal"), s.browser().signIn("amal")
	mine, others := here.visit(), there.visit()
	if r := here.do("POST", "/api/password", protocol.PasswordChange{Old: "no", New: "quite another secret 3"}, nil); r == nil || r.Code != protocol.CodeWrongPassword {
		t.Errorf("wrong old one: %+v", r)
	}
	if r := here.do("POST", "/api/password", protocol.PasswordChange{Old: password, New: "quite another secret 3"}, nil); r != nil {
		t.Fatal(r)
	}
	eventOf[protocol.SignedOut](others, "session.signed_out")
	others.closed()
	mine.settled()
	if here.info().You == nil || there.info().You != nil {
		t.Error("the wrong sign-in has ended")
	}
}

func TestAdministratorsEndSignIns(t *testing.T) {
	s := open(t, nil, "admin", "amal")
	admin := s.come("admin")
	card := protocol.PersonSave{ID: s.id("amal"), Login: "amal", Name: protocol.Multilingual{En: "Amal"}, Unit: s.unit, Role: protocol.RoleLeader}

	b := s.browser().signIn("amal")
	p := b.visit()
	p.wants(protocol.CodeForbidden, "people.save", card)
	p.wants(protocol.CodeForbidden, "people.reset", protocol.PersonReset{ID: s.id("admin")})
	p.wants(protocol.CodeForbidden, "people.sign_out", protocol.PersonSignOut{ID: s.id("admin")})
	p.wants(protocol.CodeForbidden, "units.save", protocol.UnitSave{Kind: protocol.UnitMission, Name: protocol.Multilingual{En: "x"}})

	admin.must("people.save", card, nil)
	changed := eventWhere(p, "people.changed", func(b protocol.PersonChanged) bool {
		return b.Person.ID == s.id("amal") && b.Person.Role == protocol.RoleLeader
	})
	if !changed.Person.Online {
		t.Error("a person with a page is not online")
	}
	var listed protocol.PeopleListed
	admin.must("people.list", protocol.PeopleList{}, &listed)
	if len(listed.People) != 2 || !listed.People[0].Online || !listed.People[1].Online || len(listed.Units) != 1 {
		t.Errorf("listed: %+v", listed)
	}
	admin.must("units.save", protocol.UnitSave{Kind: protocol.UnitMission, Name: protocol.Multilingual{En: "Geneva"}}, nil)
	eventOf[protocol.UnitChanged](p, "units.changed")

	admin.must("people.sign_out", protocol.PersonSignOut{ID: s.id("amal")}, nil)
	eventOf[protocol.SignedOut](p, "session.signed_out")
	p.closed()

	p = b.signIn("amal").visit()
	var saved protocol.PersonSaved
	admin.must("people.reset", protocol.PersonReset{ID: s.id("amal")}, &saved)
	eventOf[protocol.SignedOut](p, "session.signed_out")
	if saved.Password == "" {
		t.Fatal("no new password")
	}
	var info protocol.SessionInfo
	if r := b.do("POST", "/api/session", protocol.SignIn{Login: "amal", Password: saved.Password}, &info); r != nil || !info.ChangePassword {
		t.Fatalf("%+v, %+v", r, info)
	}
	if r := b.dial().hello(nil); r == nil || r.Code != protocol.CodePasswordChange {
		t.Errorf("hello before the change: %+v", r)
	}
	info = protocol.SessionInfo{}
	if r := b.do("POST", "/api/password", protocol.PasswordChange{Old: saved.Password, New: password}, &info); r != nil || info.ChangePassword {
		t.Fatalf("%+v, %+v", r, info)
	}
	p = b.visit()

	card.Disabled = true
	admin.must("people.save", card, nil)
	if got := eventOf[protocol.SignedOut](p, "session.signed_out"); got.Reason != "disabled" {
		t.Errorf("reason %q", got.Reason)
	}
	if r := b.do("POST", "/api/session", protocol.SignIn{Login: "amal", Password: password}, nil); r == nil || r.Code != protocol.CodeWrongPassword {
		t.Errorf("a disabled person signs in: %+v", r)
	}
}

func TestTheFirstAdministratorEnrolsOnce(t *testing.T) {
	s := open(t, nil)
	token, wanted, err := s.parts.Directory.NewEnrolment(t.Context())
	check(t, err)
	if !wanted {
		t.Fatal("no link for an empty ministry")
	}
	enrol := protocol.Enrol{Token: token, Login: "root", Name: protocol.Multilingual{Ar: "المدير"}, Password: password}
	b := s.browser()
	var info protocol.SessionInfo
	if r := b.do("POST", "/api/enrol", enrol, &info); r != nil || info.You == nil || info.You.Role != protocol.RoleAdministrator {
		t.Fatalf("%+v, %+v", r, info)
	}
	b.visit()
	enrol.Login = "second"
	if r := s.browser().do("POST", "/api/enrol", enrol, nil); r == nil || r.Code != protocol.CodeUnauthenticated {
		t.Errorf("twice: %+v", r)
	}
}

// An expired sign-in ends its sessions when it is swept, and one in use does not idle out.
func TestSweeping(t *testing.T) {
	s := open(t, nil, "amal")
	p := s.come("amal")
	p.must("people.list", protocol.PeopleList{}, nil)
	check(t, s.sweepOnce(t.Context()))
	p.settled()
	s.signedOut([]identity.Ended{{Session: s.hub.session(p.welcome.Session).signIn, Person: s.id("amal"), Reason: "expired"}})
	if got := eventOf[protocol.SignedOut](p, "session.signed_out"); got.Reason != "expired" {
		t.Errorf("reason %q", got.Reason)
	}
}

func TestTheDoors(t *testing.T) {
	source, err := certificate.Open(certificate.Config{}, t.TempDir(), time.Now, slog.New(slog.DiscardHandler))
	check(t, err)
	doors, err := Listen(Config{HTTP: "127.0.0.1:0", HTTPS: "0.0.0.0:0"})
	check(t, err)
	if _, err := Listen(Config{HTTP: doors.Addresses()[0].String()}); !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), doors.Addresses()[0].String()) {
		t.Errorf("a taken address: %v", err)
	}
	s := openAt(t, doors, source, nil)
	if !doors.Secure() {
		t.Error("needs no certificate")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(source.Authority())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(url string) (*http.Response, string) {
		t.Helper()
		answer, err := client.Get(url)
		check(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		check(t, err)
		return answer, string(body)
	}
	plain := "http://" + doors.Addresses()[0].String()
	_, port, err := net.SplitHostPort(doors.Addresses()[1].String())
	check(t, err)
	if answer, body := get(plain + "/"); answer.StatusCode != 200 || !strings.Contains(body, "the page") {
		t.Errorf("plain on loopback: %d", answer.StatusCode)
	}
	answer, body := get("https://localhost:" + port + "/home")
	if answer.StatusCode != 200 || !strings.Contains(body, "the page") || answer.Proto != "HTTP/2.0" {
		t.Errorf("TLS: %d %s", answer.StatusCode, answer.Proto)
	}
	answer, _ = get("http://127.0.0.1:" + port + "/meetings/m7?x=1")
	if answer.StatusCode != http.StatusTemporaryRedirect || answer.Header.Get("Location") != "https://127.0.0.1:"+port+"/meetings/m7?x=1" {
		t.Errorf("plain on the port of TLS: %d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	for _, url := range []string{"http://127.0.0.1:" + port, "https://localhost:" + port, plain} {
		if answer, body := get(url + "/ca.crt"); answer.StatusCode != 200 || body != string(source.Authority()) {
			t.Errorf("%s/ca.crt: %d", url, answer.StatusCode)
		}
	}
	// Somebody who has said nothing yet must not keep the server from stopping.
	silent, err := net.Dial("tcp", "127.0.0.1:"+port)
	check(t, err)
	defer silent.Close()
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > drainTimeout {
		t.Errorf("stopping took %v", took)
	}
}

func TestAnAddressThatIsNotLoopbackNeedsTLS(t *testing.T) {
	for _, tc := range []struct {
		cfg    Config
		secure bool
		first  string
	}{
		{Config{HTTP: "localhost:0"}, false, "http://localhost:"},
		{Config{HTTP: "127.0.0.1:0"}, false, "http://localhost:"},
		{Config{HTTP: "0.0.0.0:0"}, true, "https://localhost:"},
		{Config{HTTP: ":0"}, true, "https://localhost:"},
		{Config{HTTP: "localhost:0", HTTPS: "127.0.0.1:0"}, true, "http://localhost:"},
	} {
		doors, err := Listen(tc.cfg)
		check(t, err)
		if doors.Secure() != tc.secure || !strings.HasPrefix(doors.URLs()[0], tc.first) {
			t.Errorf("%+v: secure %v, %v", tc.cfg, doors.Secure(), doors.URLs())
		}
		doors.Close()
	}
}

func TestConfigReportsAllMistakes(t *testing.T) {
	c := Config{HTTP: "nowhere", HTTPS: "also nowhere", Origins: []string{"example.com", "https://a.example/path", "https://b.example"}, Sockets: -1,
		RequestsPerSecond: 100, RequestBurst: 1, AudioSlots: 30}
	joined, ok := c.Validate().(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 7 {
		t.Errorf("want seven mistakes:\n%v", c.Validate())
	}
	c = Config{}
	check(t, c.Validate())
	if c.AudioSlots != 6 || c.HTTP != "localhost:8080" {
		t.Errorf("defaults: %+v", c)
	}
}
