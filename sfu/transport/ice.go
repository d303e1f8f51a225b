package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"slices"
	"time"
)

// Limits of an agent.
const (
	// ConsentTimeout is how long an agent lives without a check from its peer. A lite agent
	// sends no checks of its own, so the peer's are the consent that RFC 7675 section 5.1 asks for.
	ConsentTimeout = 30 * time.Second
	// staleAfter is the silence after which a selected path yields to another that is checked.
	// Chromium checks every 2.5 s and Firefox every 5 s, but Firefox never nominates again.
	staleAfter = 8 * time.Second
	// maxPaths is how many paths an agent remembers: those of all interfaces of a client, and
	// those that it moved away from.
	maxPaths = 16
)

// Credentials are one side's ICE user name fragment and password (RFC 8445 section 5.3).
type Credentials struct {
	Ufrag string
	Pwd   string
}

// NewCredentials makes random credentials: 96 bits in the ufrag, by which the loop tells peers
// apart, and 192 in the password (RFC 8445 section 5.3 asks for 24 and 128).
func NewCredentials() Credentials {
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" // ice-char, RFC 8839 section 5.4
	b := make([]byte, 16+32)
	rand.Read(b)
	for i, x := range b {
		b[i] = chars[x%64]
	}
	return Credentials{Ufrag: string(b[:16]), Pwd: string(b[16:])}
}

// Verdict says what became of a STUN message.
type Verdict uint8

const (
	Ignored          Verdict = iota // not a binding request: an indication, a response, another method
	Malformed                       // not STUN, cut short, a wrong FINGERPRINT, no USERNAME or no MESSAGE-INTEGRITY
	Unauthorized                    // another user name, or a wrong MESSAGE-INTEGRITY
	RoleConflict                    // the peer says that it is controlled as well; answered with 487
	UnknownAttribute                // an attribute that must be understood and is not; answered with 420
	Checked                         // a connectivity check that succeeded
	Verdicts                        // how many there are
)

// String is the verdict's name for a metric's label.
func (v Verdict) String() string {
	return [...]string{"ignored", "malformed", "unauthorized", "role_conflict", "unknown_attribute", "checked", "invalid"}[min(v, Verdicts)]
}

// Result is what the loop has to do after a STUN message.
type Result struct {
	Verdict   Verdict
	Reply     []byte // to be sent to where the message came from; nil = nothing
	Learn     bool   // the check was authenticated: its path belongs to this peer, whoever had it before
	Nominated bool   // the peer nominated the path (USE-CANDIDATE)
	Forgot    bool   // Forget is a path that the agent dropped to make room
	Forget    Path
}

// Agent is one peer's ICE-lite agent for one generation of credentials (RFC 8445 sections 2.5
// and 7.3). It is always controlled and only answers: the browser checks, nominates and keeps
// alive. One goroutine owns it, the shard's loop.
//
// It is our own because a full agent is made for the other side of the game. pion/ice 4.4.8,
// lite and on a UDPMux over a socket in memory, against this one; 500 peers, connected; Go
// 1.26 on two cores:
//
//	                                pion/ice   Agent
//	memory per peer, bytes             47000     730   (heap and stacks)
//	goroutines per peer                    5       0
//	allocations to make one              497       8
//	CPU to make one, us              270-340     0.8
//	CPU per check, ns            10000-15000     630
//	allocations per check                 30       0
//
// And the loop, which alone may send, need not hand a datagram to another goroutine and wait
// for the answer.
//
// The loop finds the agent by Username, hands it the message with where it came from, sends
// the reply, enters a path that is to be learned into its map from paths to peers, and sends
// media to Selected. Nothing but a check with the right MESSAGE-INTEGRITY makes a path known,
// so neither spoofed media nor a stranger's STUN moves anything.
//
// What is not authenticated is not answered either, though RFC 8489 section 9.1.3 has 400 and
// 401 for it: a genuine browser never gets there, and a server that keeps silent reflects
// nothing towards a spoofed address and tells a prober nothing.
//
// A request that is repeated is answered with the same bytes.
type Agent struct {
	username string // "local:remote"
	sign     signature
	paths    []path
	selected Path
}

// path is where the peer can be reached, and when it last proved that.
type path struct {
	Path
	checked time.Time
}

// NewAgent makes an agent of our credentials and the offer's.
func NewAgent(local, remote Credentials) *Agent {
	return &Agent{
		username: local.Ufrag + ":" + remote.Ufrag,
		sign:     signature{mac: hmac.New(sha1.New, []byte(local.Pwd))},
	}
}

// Handle takes in a STUN message that came from a path at now. The reply is written to
// reply[:0] and grows it if need be; 128 bytes hold every reply.
func (a *Agent) Handle(msg []byte, from Path, now time.Time, reply []byte) Result {
	if !IsSTUN(msg) {
		return Result{Verdict: Malformed}
	}
	if uint16(msg[0])<<8|uint16(msg[1]) != bindingRequest {
		return Result{Verdict: Ignored}
	}
	var r request
	if !r.parse(msg) || r.username == nil || r.integrity == nil {
		return Result{Verdict: Malformed}
	}
	if string(r.username) != a.username || !a.sign.verify(msg, &r) {
		return Result{Verdict: Unauthorized}
	}
	reply = reply[:0]
	if r.unknowns > 0 {
		reply = appendError(begin(reply, msg, bindingError), unknownAttribute, "Unknown Attribute")
		reply = appendUnknown(reply, r.unknown[:r.unknowns])
		return Result{Verdict: UnknownAttribute, Reply: a.sign.finish(reply)}
	}
	if r.controlled { // a lite agent cannot be the controlling one (RFC 8445 section 6.1.1)
		reply = appendError(begin(reply, msg, bindingError), roleConflict, "Role Conflict")
		return Result{Verdict: RoleConflict, Reply: a.sign.finish(reply)}
	}
	reply = appendXORMapped(begin(reply, msg, bindingSuccess), msg, from.Addr)
	result := Result{Verdict: Checked, Reply: a.sign.finish(reply), Learn: true, Nominated: r.useCandidate}
	a.learn(from, now, &result)
	if r.useCandidate || len(a.paths) == 1 || now.Sub(a.lastCheck(a.selected)) > staleAfter {
		a.selected = from
	}
	return result
}

// learn notes that a path was checked. A new path takes the place of the one that has been
// silent longest, but never of the selected one.
func (a *Agent) learn(p Path, now time.Time, r *Result) {
	if i := a.index(p); i >= 0 {
		a.paths[i].checked = now
		return
	}
	if len(a.paths) < maxPaths {
		a.paths = append(a.paths, path{p, now})
		return
	}
	oldest := -1
	for i := range a.paths {
		if a.paths[i].Path != a.selected && (oldest < 0 || a.paths[i].checked.Before(a.paths[oldest].checked)) {
			oldest = i
		}
	}
	r.Forgot, r.Forget = true, a.paths[oldest].Path
	a.paths[oldest] = path{p, now}
}

func (a *Agent) index(p Path) int {
	return slices.IndexFunc(a.paths, func(x path) bool { return x.Path == p })
}

// lastCheck is the zero time for a path that is not known.
func (a *Agent) lastCheck(p Path) time.Time {
	if i := a.index(p); i >= 0 {
		return a.paths[i].checked
	}
	return time.Time{}
}

// Selected returns the path that media takes: the one that was nominated last, before that
// the first that was checked (RFC 8445 section 12.1 lets data flow on any valid pair).
func (a *Agent) Selected() (Path, bool) { return a.selected, len(a.paths) > 0 }

// Select makes media take a path, as when authenticated SRTP came from it: the browser sends
// where it has moved to, and Firefox does not nominate again. It reports whether the path is
// one that was checked; if not, nothing changes.
func (a *Agent) Select(p Path) bool {
	if a.selected == p {
		return len(a.paths) > 0
	}
	if a.index(p) < 0 {
		return false
	}
	a.selected = p
	return true
}

// Alive reports whether a check was authenticated within ConsentTimeout before now. It is
// false before the first one.
func (a *Agent) Alive(now time.Time) bool {
	last := a.LastCheck()
	return !last.IsZero() && now.Sub(last) <= ConsentTimeout
}

// LastCheck is when the last check was authenticated, on any path; zero if there was none.
func (a *Agent) LastCheck() time.Time {
	var last time.Time
	for i := range a.paths {
		if a.paths[i].checked.After(last) {
			last = a.paths[i].checked
		}
	}
	return last
}

// Paths appends the paths that are known, for the loop to clear its map from when the peer
// goes. A path may belong to another peer by then: it must only be deleted if it still points here.
func (a *Agent) Paths(to []Path) []Path {
	for i := range a.paths {
		to = append(to, a.paths[i].Path)
	}
	return to
}

// Forget drops a path, as when its TCP connection closed. If media took it, it takes the path
// that was checked last among those that are left.
func (a *Agent) Forget(p Path) {
	i := a.index(p)
	if i < 0 {
		return
	}
	a.paths = slices.Delete(a.paths, i, i+1)
	if a.selected != p || len(a.paths) == 0 {
		return
	}
	a.selected = slices.MaxFunc(a.paths, func(x, y path) int { return x.checked.Compare(y.checked) }).Path
}
