package identity

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// guess makes attempts that all fail, as fast as the throttle lets, for a time, and says
// how many passwords were tried.
func guess(th *throttle, login, address string, from time.Time, during time.Duration) (tried int) {
	for now := from; now.Before(from.Add(during)); {
		a, wait := th.begin(login, address, "", false, now)
		if a != nil {
			tried++
			now = now.Add(time.Millisecond)
		} else {
			now = now.Add(wait)
		}
	}
	return tried
}

func TestGuessingAtAnAccountIsSlow(t *testing.T) {
	th := newThrottle()
	if n := guess(th, "minister", "10.0.0.66", noon, time.Hour); n > 20 {
		t.Errorf("%d passwords were tried in the first hour", n)
	}
	if n := guess(th, "minister", "10.0.0.66", noon.Add(time.Hour), 24*time.Hour); n > 150 {
		t.Errorf("%d passwords were tried in a day", n)
	}
}

func TestSprayingOnePasswordOverAccountsIsSlow(t *testing.T) {
	th := newThrottle()
	tried := 0
	for now := noon; now.Before(noon.Add(time.Hour)); {
		a, wait := th.begin(fmt.Sprint("login", tried), "10.0.0.66", "", false, now)
		if a != nil {
			tried++
			now = now.Add(time.Millisecond)
		} else {
			now = now.Add(wait)
		}
	}
	if tried < 20 || tried > 160 {
		t.Errorf("%d accounts were tried in an hour", tried)
	}
}

func TestGuessesAtTheSameMomentHaveNoMoreTries(t *testing.T) {
	th := newThrottle()
	var tried int
	for range 1000 {
		if a, _ := th.begin("minister", "10.0.0.66", "", false, noon); a != nil {
			tried++
		}
	}
	if tried != int(unknownPlace.free) {
		t.Errorf("%d passwords were tried at once", tried)
	}
}

func TestALeaderIsNotLockedOutByAFlood(t *testing.T) {
	th := newThrottle()
	now := noon
	for i := range 2000 { // an hour of guessing at the minister from everywhere, the minister's own address included
		now = now.Add(2 * time.Second)
		th.begin("minister", fmt.Sprintf("10.0.%d.%d", i%7, i%250), "", false, now)
		th.begin("minister", "10.1.0.1", "", false, now)
		th.begin(fmt.Sprint("other", i), "10.1.0.1", "", false, now)
	}
	for name, test := range map[string]struct {
		address, device string
		known           bool
	}{
		"a device that is known, at the address that guesses": {"10.1.0.1", "device", false},
		"an address that is known":                            {"10.2.0.1", "", true},
		"a place where the minister never was":                {"10.3.0.1", "", false},
	} {
		if a, wait := th.begin("minister", test.address, test.device, test.known, now); a == nil {
			t.Errorf("%s has to wait %v", name, wait)
		}
	}
	// The minister at the very address that guesses, on a new device: not at once, but soon.
	if _, wait := th.begin("minister", "10.1.0.1", "", false, now); wait > unknownPlace.most {
		t.Errorf("has to wait %v", wait)
	}
}

func TestNobodyWaitsLongerThanTheRuleSays(t *testing.T) {
	for name, test := range map[string]struct {
		device string
		known  bool
		rule   rule
	}{"unknown": {"", false, unknownPlace}, "known device": {"d", false, knownPlace}, "known address": {"", true, knownPlace}} {
		th := newThrottle()
		now, last := noon, time.Duration(0)
		for i := range 200 {
			a, wait := th.begin("minister", "10.0.0.1", test.device, test.known, now)
			if wait > test.rule.most || float64(i) < test.rule.free && a == nil {
				t.Errorf("%s: attempt %d has to wait %v", name, i, wait)
			}
			last = max(last, wait)
			now = now.Add(wait)
			if a == nil {
				if b, again := th.begin("minister", "10.0.0.1", test.device, test.known, now); b == nil {
					t.Fatalf("%s: waited %v and has to wait %v more", name, wait, again)
				}
			}
		}
		if last < test.rule.most/2 {
			t.Errorf("%s: never more than %v", name, last)
		}
	}
}

func TestSuccessClearsThePlaceButNotTheAddress(t *testing.T) {
	th := newThrottle()
	for range 2 {
		th.begin("paris", "10.0.0.1", "", false, noon)
	}
	a, _ := th.begin("paris", "10.0.0.1", "", false, noon)
	a.succeeded()
	for i := range 3 {
		if a, _ := th.begin("paris", "10.0.0.1", "", false, noon); a == nil {
			t.Errorf("attempt %d after a success was delayed", i)
		}
	}
	// Somebody with an account of their own guesses at others in between.
	th = newThrottle()
	tried := 0
	for i := range 100 {
		if a, _ := th.begin(fmt.Sprint("victim", i), "10.0.0.2", "", false, noon); a != nil {
			tried++
		}
		if a, _ := th.begin("own", "10.0.0.2", "", false, noon); a != nil {
			a.succeeded()
		}
	}
	if tried > 20 {
		t.Errorf("%d guesses at once", tried)
	}
}

func TestAnAttemptWithoutACheckDoesNotCount(t *testing.T) {
	th := newThrottle()
	for i := range 50 {
		a, wait := th.begin("paris", "10.0.0.1", "", false, noon)
		if a == nil {
			t.Fatalf("attempt %d has to wait %v", i, wait)
		}
		a.withdrawn()
	}
	if len(th.counts) != 0 {
		t.Errorf("%d counts are left", len(th.counts))
	}
}

func TestTheThrottleIsBounded(t *testing.T) {
	th := newThrottle()
	for i := range maxCounts * 5 / 4 {
		th.begin("minister", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "", false, noon)
		if len(th.counts) > maxCounts+3 {
			t.Fatalf("%d counts", len(th.counts))
		}
	}
}

func TestWhatIsOneAddress(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "10.0.0.1:5000": "10.0.0.1", "::ffff:10.0.0.1": "10.0.0.1", "[::ffff:10.0.0.1]:80": "10.0.0.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "[2001:db8:1:2::1]:443": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "::1": "::1", "pipe": "pipe",
	} {
		if got := network(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
