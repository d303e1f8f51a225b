package identity

import (
	"net/netip"
	"sync"
	"time"
)

// throttle slows down guessing. It counts failures for a login from an address (or from a
// device that the person has signed in with before), and for an address whatever the
// login. A count delays the next attempt exponentially and leaks away with time.
//
// Nobody is ever locked out by others: where a person has signed in before, only the
// failures from there count for them; and a place that has not failed yet always has its
// first attempts, however much an account is guessed at from elsewhere. There is no count
// for an account as a whole, because that is what a guesser would lock a leader out with;
// an account that is under attack instead leaves fewer free attempts to unknown places.
//
// Counts are kept in memory only: whoever can restart the server need not guess.
type throttle struct {
	mu     sync.Mutex // guards counts; nothing is called while it is held
	counts map[throttleKey]count
}

// throttleKey is one thing that is counted: kind says which fields are set.
type throttleKey struct {
	kind  byte // 'p' login from address, 'd' login from known device, 'a' address, 'l' login
	login string
	place string
}

type count struct {
	failures float64
	at       time.Time // of the last attempt
}

// rule says how failures of one kind delay.
type rule struct {
	free  float64       // failures without a delay
	most  time.Duration // the longest delay
	leaks time.Duration // one failure is forgotten after this
}

var (
	unknownPlace = rule{free: 3, most: 10 * time.Minute, leaks: 10 * time.Minute}
	knownPlace   = rule{free: 5, most: 30 * time.Second, leaks: time.Minute}
	wholeAddress = rule{free: 20, most: 30 * time.Second, leaks: time.Minute} // a mission may be behind one address
	wholeLogin   = rule{free: 20, leaks: 10 * time.Minute}                    // never delays; see attempt
)

// maxFailures is where a count ends, so that it leaks away in hours when an attack is over.
const maxFailures = 40

// maxCounts bounds the memory to some 10 MiB. An address has 20 free failures and then two a
// minute, so only thousands of addresses could fill it.
const maxCounts = 50_000

func newThrottle() *throttle { return &throttle{counts: map[throttleKey]count{}} }

// attempt is one attempt to sign in, which counts as failed until it has succeeded: so
// a hundred attempts at once have no more free tries than one after the other.
type attempt struct {
	throttle *throttle
	keys     []throttleKey
}

// begin says whether an attempt may be made now; if not, wait says when the next one may.
// Device is the hash of the device cookie if it is known for the login, else empty;
// known says that the login has been signed in to from address before.
func (t *throttle) begin(login, address, device string, known bool, now time.Time) (_ *attempt, wait time.Duration) {
	address = network(address)
	type limit struct {
		key  throttleKey
		rule rule
	}
	var limits []limit
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case device != "":
		limits = []limit{{throttleKey{'d', login, device}, knownPlace}}
	case known:
		limits = []limit{{throttleKey{'p', login, address}, knownPlace}}
	default:
		r := unknownPlace
		if all := (throttleKey{'l', login, ""}); t.now(all, wholeLogin, now).failures >= wholeLogin.free {
			r.free = 1
		}
		limits = []limit{{throttleKey{'p', login, address}, r}, {throttleKey{'a', "", address}, wholeAddress}}
	}
	for _, l := range limits {
		c := t.now(l.key, l.rule, now)
		wait = max(wait, c.at.Add(l.rule.delay(c.failures)).Sub(now))
	}
	if wait > 0 {
		return nil, wait
	}
	if len(t.counts) > maxCounts {
		t.shrink(now)
	}
	a := &attempt{throttle: t}
	for _, l := range limits {
		c := t.now(l.key, l.rule, now)
		t.counts[l.key] = count{min(c.failures+1, maxFailures), now}
		a.keys = append(a.keys, l.key)
	}
	if device == "" && !known {
		all := throttleKey{'l', login, ""}
		t.counts[all] = count{min(t.now(all, wholeLogin, now).failures+1, maxFailures), now}
		a.keys = append(a.keys, all)
	}
	return a, 0
}

// succeeded clears the count of the place; that of the address and the login only lose
// this attempt, or else a guesser would clear them by signing in as themselves.
func (a *attempt) succeeded() { a.undo(true) }

// withdrawn says that no password was checked.
func (a *attempt) withdrawn() { a.undo(false) }

func (a *attempt) undo(clear bool) {
	t := a.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range a.keys {
		c := t.counts[k]
		if c.failures--; c.failures <= 0 || clear && (k.kind == 'p' || k.kind == 'd') {
			delete(t.counts, k)
		} else {
			t.counts[k] = c
		}
	}
}

// now is a count after what has leaked away.
func (t *throttle) now(k throttleKey, r rule, now time.Time) count {
	c := t.counts[k]
	if leaked := float64(now.Sub(c.at)) / float64(r.leaks); leaked > 0 {
		c.failures = max(0, c.failures-leaked)
	}
	return c
}

// delay after so many failures: nothing, then 1 s, 2 s, 4 s, and at most r.most.
func (r rule) delay(failures float64) time.Duration {
	n := int(failures - r.free)
	if failures < r.free {
		return 0
	}
	if n > 20 {
		return r.most
	}
	return min(r.most, time.Second<<n)
}

// shrink forgets what has leaked away, and if that is too little, whatever comes first.
func (t *throttle) shrink(now time.Time) {
	for k, c := range t.counts {
		if now.Sub(c.at) > time.Duration(c.failures*float64(unknownPlace.leaks)) {
			delete(t.counts, k)
		}
	}
	for k := range t.counts {
		if len(t.counts) <= maxCounts*3/4 {
			break
		}
		delete(t.counts, k)
	}
}

// network is what counts as one address: an IPv4 address, or the 64 bits of an IPv6
// network, of which one host has as many addresses as it likes. Ports and zones do not count.
func network(address string) string {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		address = ap.Addr().String()
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is6() && !a.IsLoopback() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
