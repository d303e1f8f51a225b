package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

func TestSigningIn(t *testing.T) {
	m := demo(t)
	in := m.signIn(" MINISTER ", ministersPassword, office)
	s, err := m.Resolve(t.Context(), in.Token)
	if err != nil || s.ID != in.Session.ID || s.Person.ID != "demo-minister" || s.Person.Role != protocol.RoleLeader || s.ChangePassword ||
		s.Address != "10.0.0.5" || s.UserAgent != "Firefox" || !s.Created.Equal(noon) || !s.Expires.Equal(noon.Add(7*24*time.Hour)) {
		t.Errorf("got %+v %v", s, err)
	}
	if len(in.Token) < 43 || len(in.Device) < 43 || in.Token == in.Device {
		t.Errorf("tokens of %d and %d characters", len(in.Token), len(in.Device))
	}
	m.nowhere(in.Token, in.Device, ministersPassword)
	if got := m.told(); !slices.Equal(got, []string{"session.sign_in"}) {
		t.Errorf("the journal has %v", got)
	}
	for _, token := range []string{"", "x", string(in.Session.ID), in.Token + "x", in.Token[1:], strings.ToUpper(in.Token), in.Device} {
		if m.holds(token) {
			t.Errorf("%.5s... holds", token)
		}
	}
}

func TestWrongAbsentAndDisabledLookAlike(t *testing.T) {
	m := demo(t)
	if _, _, err := m.SavePerson(t.Context(), m.admin(), protocol.PersonSave{ID: "demo-paris", Login: "paris", Name: names("س", "S", ""), Unit: "demo-paris",
		Role: protocol.RoleLeader, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	m.told()
	var first string
	for i, s := range []protocol.SignIn{
		{Login: "minister", Password: "wrong-lantern-2604"},
		{Login: "minister", Password: ""},
		{Login: "minister", Password: ministersPassword + " "},
		{Login: "nobody", Password: ministersPassword},
		{Login: "", Password: ministersPassword},
		{Login: "' OR 1=1 --", Password: ministersPassword},
		{Login: strings.Repeat("x", 100000), Password: ministersPassword},
		{Login: "\xff", Password: "\xff"},
		{Login: "paris", Password: "garden-violin-7153"}, // right, and disabled
		{Login: "minister", Password: strings.Repeat("x", 100000)},
	} {
		before := m.hasher.made.Load()
		_, err := m.SignIn(t.Context(), s, Client{Address: fmt.Sprint("10.0.1.", i)})
		if err == nil || refusal(err).Code != protocol.CodeWrongPassword {
			t.Errorf("%.20q: %v", s.Login, err)
		}
		if seen := fmt.Sprintf("%+v", refusal(err)); first == "" {
			first = seen
		} else if seen != first {
			t.Errorf("%.20q: %s, and others get %s", s.Login, seen, first)
		}
		// The same work: one hash and one line of the journal each.
		if made := m.hasher.made.Load() - before; made != 1 {
			t.Errorf("%.20q cost %d hashes", s.Login, made)
		}
		if got := m.told(); !slices.Equal(got, []string{"session.refused"}) {
			t.Errorf("%.20q: the journal has %v", s.Login, got)
		}
	}
}

func TestWhatSomebodyUnknownTypedIsKeptNowhere(t *testing.T) {
	m := demo(t)
	if _, err := m.SignIn(t.Context(), protocol.SignIn{Login: "mysecretword", Password: "another-secret-9"}, office); strings.Contains(err.Error(), "secret") {
		t.Errorf("the refusal says %v", err)
	}
	m.nowhere("mysecretword", "another-secret-9")
}

func TestGuessingIsSlowedAndNobodyIsLockedOut(t *testing.T) {
	m := demo(t)
	known := m.signIn("minister", ministersPassword, office) // where the minister works

	// A guesser at one address, as fast as the server lets, for an hour.
	attacker := Client{Address: "10.9.9.9"}
	tried, made := 0, m.hasher.made.Load()
	for end := m.clock().Add(time.Hour); ; {
		_, err := m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: "wrong-lantern-2604"}, attacker)
		r := refusal(err)
		if r.Code == protocol.CodeWrongPassword {
			tried++
			continue
		}
		if r.Code != protocol.CodeRateLimited || r.RetryAfter <= 0 {
			t.Fatalf("got %v %+v", err, r)
		}
		if !m.clock().Before(end) {
			break
		}
		m.later(time.Duration(r.RetryAfter) * time.Millisecond)
	}
	if tried < 3 || tried > 20 {
		t.Errorf("%d passwords were tried in an hour", tried)
	}
	// Even the right password has to wait its turn there.
	_, err := m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: ministersPassword}, attacker)
	if code := refusal(err).Code; code != protocol.CodeRateLimited {
		t.Errorf("the guesser's address: %v", err)
	}
	if n := m.hasher.made.Load() - made; n != int64(tried) {
		t.Errorf("%d hashes for %d passwords: a limited attempt is not free", n, tried)
	}

	// From everywhere at once, the minister's own office among it.
	for i := range 300 {
		_, _ = m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: "wrong-lantern-2604"}, Client{Address: fmt.Sprintf("10.8.%d.1", i%40)})
		_, _ = m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: "wrong-lantern-2604"}, office)
	}
	m.signIn("minister", ministersPassword, Client{Address: office.Address, Device: known.Device}) // the minister's browser
	m.signIn("minister", ministersPassword, Client{Address: "10.7.7.7", Device: known.Device})     // on the way
	m.signIn("minister", ministersPassword, Client{Address: "10.6.6.6"})                           // a new machine in a new place
	m.signIn("deputy", "cedar-harbour-3718", office)                                               // the colleague next door
	// A new browser at the office: soon.
	_, err = m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: ministersPassword}, office)
	if r := refusal(err); r.Code != protocol.CodeRateLimited || r.RetryAfter > 31_000 {
		t.Errorf("a new browser at the office: %v %+v", err, r)
	}
	m.later(31 * time.Second)
	m.signIn("minister", ministersPassword, office)
}

func TestADeviceCookieOfSomebodyElseIsNotTakenOver(t *testing.T) {
	m := demo(t)
	planted := "planted-by-a-guesser"
	in := m.signIn("minister", ministersPassword, Client{Address: "10.0.0.5", Device: planted})
	if in.Device == planted {
		t.Error("the planted cookie is the minister's now")
	}
	if _, err := m.ChangePassword(t.Context(), in.Session.ID, protocol.PasswordChange{Old: ministersPassword, New: "river-mirror-1212"},
		Client{Address: "10.0.0.5", Device: planted}); err != nil {
		t.Fatal(err)
	}
	if _, known, err := knows(t.Context(), m.db.Read(), "demo-minister", Client{Device: planted}); err != nil || known {
		t.Errorf("changing the password took the planted cookie over: %v", err)
	}
	in = m.signIn("minister", "river-mirror-1212", office)
	// A browser that two people share keeps its cookie.
	if again := m.signIn("deputy", "cedar-harbour-3718", Client{Address: "10.0.0.5", Device: in.Device}); again.Device != in.Device {
		t.Error("the browser has another cookie for each person")
	}
}

func TestAFloodOfGuessesAtOnceHasNoMoreTries(t *testing.T) {
	m := demo(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[protocol.Code]int{}
	for range 60 {
		wg.Go(func() {
			_, err := m.SignIn(context.Background(), protocol.SignIn{Login: "minister", Password: "wrong-lantern-2604"}, office)
			mu.Lock()
			defer mu.Unlock()
			codes[refusal(err).Code]++
		})
	}
	wg.Wait()
	if codes[protocol.CodeWrongPassword] != 3 || codes[protocol.CodeRateLimited] != 57 {
		t.Errorf("got %v", codes)
	}
}

func TestSessionsExpire(t *testing.T) {
	m := demo(t)
	idle, used := m.signIn("minister", ministersPassword, office), m.signIn("minister", ministersPassword, office)
	for range 13 {
		m.later(12*time.Hour - time.Second)
		if !m.holds(used.Token) { // which notes the use
			t.Fatal("a session in use has ended")
		}
	}
	if m.holds(idle.Token) {
		t.Error("a session that nobody used holds")
	}
	if err := m.Touch(t.Context(), idle.Session.ID); err != nil {
		t.Fatal(err)
	}
	if m.holds(idle.Token) {
		t.Error("touching brought a session back")
	}
	ended, err := m.Sweep(t.Context())
	if err != nil || len(ended) != 1 || ended[0] != (Ended{idle.Session.ID, "demo-minister", "expired"}) {
		t.Errorf("swept %+v %v", ended, err)
	}
	m.later(7*24*time.Hour - m.clock().Sub(noon)) // used or not
	if m.holds(used.Token) {
		t.Error("a session holds for ever")
	}
	if ended, err := m.Sweep(t.Context()); err != nil || len(ended) != 1 || ended[0].Session != used.Session.ID {
		t.Errorf("swept %+v %v", ended, err)
	}
}

func TestATouchedSessionDoesNotIdleOut(t *testing.T) {
	m := demo(t)
	in := m.signIn("minister", ministersPassword, office)
	for range 3 {
		m.later(11 * time.Hour)
		if err := m.Touch(t.Context(), in.Session.ID, "nothing"); err != nil {
			t.Fatal(err)
		}
	}
	if !m.holds(in.Token) {
		t.Error("ended while a meeting ran on it")
	}
}

func TestSigningOut(t *testing.T) {
	m := demo(t)
	one, two, other := m.signIn("minister", ministersPassword, office), m.signIn("minister", ministersPassword, office), m.signIn("deputy", "cedar-harbour-3718", office)
	by := Actor{Person: one.Session.Person}
	// Somebody else's session is not theirs to end.
	if ended, err := m.SignOut(t.Context(), by, other.Session.ID); err != nil || len(ended) != 0 || !m.holds(other.Token) {
		t.Errorf("ended %v %v", ended, err)
	}
	if ended, err := m.SignOut(t.Context(), by, one.Session.ID); err != nil || !slices.Equal(ended, []Ended{{one.Session.ID, "demo-minister", "sign_out"}}) {
		t.Errorf("ended %v %v", ended, err)
	}
	if m.holds(one.Token) || !m.holds(two.Token) {
		t.Error("the wrong one has ended")
	}
	third := m.signIn("minister", ministersPassword, office)
	ended, err := m.SignOutEverywhere(t.Context(), by)
	if want := []SessionID{two.Session.ID, third.Session.ID}; err != nil || len(ended) != 2 || !slices.Contains(want, ended[0].Session) || ended[0].Reason != "everywhere" {
		t.Errorf("ended %v %v", ended, err)
	}
	if m.holds(two.Token) || m.holds(third.Token) || !m.holds(other.Token) {
		t.Error("everywhere is not everywhere")
	}
}

func TestTheNumberOfSessionsIsBounded(t *testing.T) {
	m := demo(t)
	first := m.signIn("minister", ministersPassword, office)
	for i := range maxSessions {
		m.later(time.Second)
		in := m.signIn("minister", ministersPassword, office)
		if (len(in.Ended) == 1) != (i == maxSessions-1) {
			t.Errorf("the sign-in number %d ended %v", i+2, in.Ended)
		}
	}
	if m.holds(first.Token) {
		t.Error("the oldest holds")
	}
}

func TestChangingThePassword(t *testing.T) {
	m := demo(t)
	here, there := m.signIn("minister", ministersPassword, office), m.signIn("minister", ministersPassword, office)
	m.told()
	change := func(old, new string) ([]Ended, error) {
		return m.ChangePassword(t.Context(), here.Session.ID, protocol.PasswordChange{Old: old, New: new}, Client{Address: office.Address, Device: here.Device})
	}
	for name, test := range map[string]struct {
		old, new string
		want     protocol.Refusal
	}{
		"the old one is wrong": {"wrong-lantern-2604", "river-mirror-1212", protocol.Refusal{Code: protocol.CodeWrongPassword, Field: "old"}},
		"the new one is weak":  {ministersPassword, "password2026", protocol.Refusal{Code: protocol.CodeWeakPassword, Field: "new"}},
		"it is the same":       {ministersPassword, ministersPassword, protocol.Refusal{Code: protocol.CodeWeakPassword, Field: "new"}},
	} {
		if _, err := change(test.old, test.new); refusal(err) != test.want {
			t.Errorf("%s: %v %+v", name, err, refusal(err))
		}
	}
	ended, err := change(ministersPassword, "river-mirror-1212")
	if _, known, err := knows(t.Context(), m.db.Read(), "demo-minister", Client{Device: here.Device}); err != nil || !known {
		t.Errorf("the browser is a stranger since: %v", err)
	}
	if err != nil || !slices.Equal(ended, []Ended{{there.Session.ID, "demo-minister", "everywhere"}}) {
		t.Errorf("ended %v %v", ended, err)
	}
	if !m.holds(here.Token) || m.holds(there.Token) {
		t.Error("the wrong sign-ins have ended")
	}
	if _, err := m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: ministersPassword}, office); refusal(err).Code != protocol.CodeWrongPassword {
		t.Errorf("the old password: %v", err)
	}
	m.signIn("minister", "river-mirror-1212", office)
	m.nowhere("river-mirror-1212")
	if got := m.told(); !slices.Contains(got, "password.change") {
		t.Errorf("the journal has %v", got)
	}
	if _, err := m.ChangePassword(t.Context(), "nothing", protocol.PasswordChange{}, office); refusal(err).Code != protocol.CodeUnauthenticated {
		t.Errorf("without a session: %v", err)
	}
}

func TestWhoFindsAnOpenPageCannotGuessFaster(t *testing.T) {
	m := demo(t)
	in := m.signIn("minister", ministersPassword, office)
	codes := map[protocol.Code]int{}
	for range 50 {
		_, err := m.ChangePassword(t.Context(), in.Session.ID, protocol.PasswordChange{Old: "wrong-lantern-2604", New: "river-mirror-1212"}, office)
		codes[refusal(err).Code]++
	}
	if codes[protocol.CodeWrongPassword] > int(knownPlace.free) || codes[protocol.CodeRateLimited] < 40 {
		t.Errorf("got %v", codes)
	}
}

func TestAHashOfAnotherCostIsRenewedAtSignIn(t *testing.T) {
	m := demo(t)
	m.hasher.cost = Cost{MemoryKiB: 9 << 10, Passes: 1}
	m.signIn("minister", ministersPassword, office)
	_, stored, err := m.credentials(t.Context(), "minister")
	if err != nil || !strings.Contains(stored, "m=9216,") {
		t.Errorf("stored %.30s %v", stored, err)
	}
	m.signIn("minister", ministersPassword, office)
}

func TestACancelledSignInLeavesNoSession(t *testing.T) {
	m := demo(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.SignIn(ctx, protocol.SignIn{Login: "minister", Password: ministersPassword}, office); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	var n int
	if err := m.db.Read().QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d sessions %v", n, err)
	}
}
