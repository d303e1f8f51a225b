package transport

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"tarasul/sfu/udp"
)

var (
	ours   = Credentials{"ourufrag", "ourpasswordourpassword12"}
	theirs = Credentials{"peer", "theirpasswordtheirpasswd"}
	epoch  = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
)

func at(addr string) Path { return Path{Addr: udp.AddrOf(netip.MustParseAddrPort(addr))} }

// attr is any attribute.
type attr struct {
	kind  stun.AttrType
	value []byte
}

func (a attr) AddTo(m *stun.Message) error {
	m.Add(a.kind, a.value)
	return nil
}

// noUser, noSign and noCRC leave parts of a check away; badSign and badCRC spoil them.
type flaw int

const (
	noUser flaw = 1 << iota
	noSign
	noCRC
	badSign
	badCRC
)

// check builds a connectivity check as pion/stun writes it.
func check(t testing.TB, flaws flaw, extra ...stun.Setter) []byte {
	t.Helper()
	set := []stun.Setter{stun.BindingRequest, stun.NewTransactionIDSetter([12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})}
	if flaws&noUser == 0 {
		set = append(set, stun.NewUsername(ours.Ufrag+":"+theirs.Ufrag))
	}
	set = append(set, attr{stun.AttrPriority, []byte{0x7e, 0xff, 0xff, 0xff}}, attr{stun.AttrICEControlling, make([]byte, 8)})
	set = append(set, extra...)
	switch {
	case flaws&badSign != 0:
		set = append(set, stun.NewShortTermIntegrity("another password"))
	case flaws&noSign == 0:
		set = append(set, stun.NewShortTermIntegrity(ours.Pwd))
	}
	if flaws&noCRC == 0 {
		set = append(set, stun.Fingerprint)
	}
	m, err := stun.Build(set...)
	if err != nil {
		t.Fatal(err)
	}
	if flaws&badCRC != 0 {
		m.Raw[len(m.Raw)-1] ^= 1
	}
	return m.Raw
}

var nominate = attr{stun.AttrUseCandidate, nil}

// decode reads a reply as pion/stun does, and checks its signature and fingerprint.
func decode(t testing.TB, raw []byte) *stun.Message {
	t.Helper()
	m := &stun.Message{Raw: bytes.Clone(raw)}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	if err := stun.NewShortTermIntegrity(ours.Pwd).Check(m); err != nil {
		t.Error(err)
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		t.Error(err)
	}
	if want := [12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; m.TransactionID != want {
		t.Errorf("transaction %x, want %x", m.TransactionID, want)
	}
	return m
}

func TestCheckIsAnsweredWithTheMappedAddress(t *testing.T) {
	for _, addr := range []string{"192.0.2.7:50000", "[2001:db8::7]:50001"} {
		a := NewAgent(ours, theirs)
		r := a.Handle(check(t, 0), at(addr), epoch, nil)
		if r.Verdict != Checked || !r.Learn || r.Nominated || r.Forgot {
			t.Fatalf("%+v", r)
		}
		m := decode(t, r.Reply)
		if m.Type != stun.BindingSuccess {
			t.Errorf("type %v", m.Type)
		}
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(m); err != nil {
			t.Fatal(err)
		}
		if want := netip.MustParseAddrPort(addr); mapped.IP.String() != want.Addr().String() || mapped.Port != int(want.Port()) {
			t.Errorf("mapped address %v, want %v", mapped, want)
		}
		if len(r.Reply) > 128 {
			t.Errorf("%d bytes, want at most 128", len(r.Reply))
		}
	}
}

func TestOnlyAuthenticatedChecksAreAnsweredOrLearned(t *testing.T) {
	stranger := NewAgent(Credentials{ours.Ufrag, "yetanotherpassword123456"}, theirs)
	restarted := NewAgent(ours, Credentials{"later", theirs.Pwd})
	ok := NewAgent(ours, theirs)
	truncated := check(t, 0)
	behind := check(t, noCRC)
	behind = append(behind, 0, byte(stun.AttrPriority), 0, 4, 1, 2, 3, 4) // behind the signature, the length not counting it
	lying := check(t, 0)
	binary.BigEndian.PutUint16(lying[2:], 8)
	response := check(t, 0)
	response[0] = 1
	indication := check(t, 0)
	indication[1] = 0x11
	for _, c := range []struct {
		name  string
		agent *Agent
		msg   []byte
		want  Verdict
	}{
		{"another password of ours", stranger, check(t, 0), Unauthorized},
		{"another ufrag of the peer", restarted, check(t, 0), Unauthorized},
		{"a wrong signature", ok, check(t, badSign), Unauthorized},
		{"no signature", ok, check(t, noSign), Malformed},
		{"no user name", ok, check(t, noUser), Malformed},
		{"a wrong fingerprint", ok, check(t, badCRC), Malformed},
		{"cut short", ok, truncated[:len(truncated)-4], Malformed},
		{"longer than it says", ok, behind, Malformed},
		{"shorter than it says", ok, lying, Malformed},
		{"empty", ok, nil, Malformed},
		{"a response", ok, response, Ignored},
		{"an indication", ok, indication, Ignored},
	} {
		r := c.agent.Handle(c.msg, at("192.0.2.7:5000"), epoch, nil)
		if r.Verdict != c.want || r.Reply != nil || r.Learn || r.Nominated {
			t.Errorf("%s: %+v, want %v and silence", c.name, r, c.want)
		}
		if _, any := c.agent.Selected(); any || c.agent.Alive(epoch) {
			t.Errorf("%s: a path was learned", c.name)
		}
	}
}

func TestFingerprintMayBeMissing(t *testing.T) {
	if r := NewAgent(ours, theirs).Handle(check(t, noCRC), at("192.0.2.7:5000"), epoch, nil); r.Verdict != Checked {
		t.Errorf("%+v", r)
	}
}

func TestWhatStandsBehindTheSignatureIsNotRead(t *testing.T) {
	m := &stun.Message{Raw: check(t, noCRC)}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	m.Add(stun.AttrUseCandidate, nil)
	m.Add(0x7777, []byte{1, 2, 3, 4})
	if err := stun.Fingerprint.AddTo(m); err != nil {
		t.Fatal(err)
	}
	if r := NewAgent(ours, theirs).Handle(m.Raw, at("192.0.2.7:5000"), epoch, nil); r.Verdict != Checked || r.Nominated {
		t.Errorf("%+v, want a check that nominates nothing", r)
	}
}

func TestRoleConflictIsAnsweredWith487(t *testing.T) {
	a := NewAgent(ours, theirs)
	r := a.Handle(check(t, 0, attr{stun.AttrICEControlled, make([]byte, 8)}, nominate), at("192.0.2.7:5000"), epoch, nil)
	m := decode(t, r.Reply)
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil || code.Code != stun.CodeRoleConflict || m.Type != stun.BindingError {
		t.Errorf("reply %v, %v", m, err)
	}
	if _, any := a.Selected(); r.Verdict != RoleConflict || r.Learn || r.Nominated || any {
		t.Errorf("%+v, want nothing learned", r)
	}
}

func TestUnknownAttributesAreNamedIn420(t *testing.T) {
	a := NewAgent(ours, theirs)
	r := a.Handle(check(t, 0, attr{0x7777, []byte{1}}, attr{0x8888, []byte{1, 2}}, attr{0x0031, nil}, attr{0x0032, nil}), at("192.0.2.7:5000"), epoch, nil)
	m := decode(t, r.Reply)
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil || code.Code != stun.CodeUnknownAttribute {
		t.Errorf("reply %v, %v", m, err)
	}
	var unknown stun.UnknownAttributes
	if err := unknown.GetFrom(m); err != nil || len(unknown) != 3 || unknown[0] != 0x7777 || unknown[2] != 0x0032 {
		t.Errorf("unknown %v, %v", unknown, err)
	}
	if r.Verdict != UnknownAttribute || r.Learn || len(r.Reply) > 128 {
		t.Errorf("%+v, %d bytes", r, len(r.Reply))
	}
}

func TestRepeatedRequestIsAnsweredIdentically(t *testing.T) {
	a := NewAgent(ours, theirs)
	msg := check(t, 0, nominate)
	before := bytes.Clone(msg)
	first := a.Handle(msg, at("192.0.2.7:5000"), epoch, nil)
	second := a.Handle(msg, at("192.0.2.7:5000"), epoch.Add(time.Second), make([]byte, 7, 128))
	if !bytes.Equal(first.Reply, second.Reply) || !second.Learn || !second.Nominated {
		t.Errorf("%+v, then %+v", first, second)
	}
	if !bytes.Equal(msg, before) {
		t.Error("the request was written to")
	}
}

func TestMediaTakesTheNominatedPath(t *testing.T) {
	a := NewAgent(ours, theirs)
	wifi, cable, cellular := at("192.0.2.7:5000"), at("192.0.2.8:5000"), at("192.0.2.9:5000")
	now := epoch
	step := func(from Path, want Path, extra ...stun.Setter) {
		t.Helper()
		now = now.Add(time.Second)
		a.Handle(check(t, 0, extra...), from, now, nil)
		if got, ok := a.Selected(); !ok || got != want {
			t.Errorf("media goes to %v, want %v", got.Addr, want.Addr)
		}
	}
	step(wifi, wifi) // before a nomination any path that was checked will do
	step(cable, wifi)
	step(cable, cable, nominate)
	step(wifi, cable)
	step(wifi, wifi, nominate)
	// Authenticated media from elsewhere moves it, but only to a path that was checked.
	if a.Select(cellular) {
		t.Error("a path was selected that nobody checked")
	}
	for range 2 {
		if !a.Select(cable) {
			t.Error("a checked path was refused")
		}
	}
	step(wifi, cable)
}

func TestSilentPathYieldsToOneThatIsChecked(t *testing.T) {
	a := NewAgent(ours, theirs)
	before, after := at("192.0.2.7:5000"), at("192.0.2.7:6000")
	a.Handle(check(t, 0, nominate), before, epoch, nil)
	a.Handle(check(t, 0), after, epoch.Add(staleAfter), nil)
	if got, _ := a.Selected(); got != before {
		t.Errorf("media left %v too early", before.Addr)
	}
	// Firefox does not nominate again after its address moved.
	a.Handle(check(t, 0), after, epoch.Add(staleAfter+time.Second), nil)
	if got, _ := a.Selected(); got != after {
		t.Errorf("media goes to %v, which is silent", got.Addr)
	}
}

func TestConsentExpires(t *testing.T) {
	a := NewAgent(ours, theirs)
	if a.Alive(epoch) {
		t.Error("alive before the first check")
	}
	a.Handle(check(t, 0), at("192.0.2.7:5000"), epoch, nil)
	a.Handle(check(t, 0), at("192.0.2.8:5000"), epoch.Add(time.Second), nil)
	if last := a.LastCheck(); !last.Equal(epoch.Add(time.Second)) {
		t.Errorf("last check %v", last)
	}
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {ConsentTimeout + time.Second, true}, {ConsentTimeout + time.Second + 1, false}} {
		if got := a.Alive(epoch.Add(c.after)); got != c.want {
			t.Errorf("after %v alive is %v", c.after, got)
		}
	}
	a.Handle(check(t, badSign), at("192.0.2.7:5000"), epoch.Add(time.Hour), nil)
	if a.Alive(epoch.Add(time.Hour)) {
		t.Error("a forged check keeps the peer alive")
	}
}

func TestPathsAreBoundedAndTheSelectedOneStays(t *testing.T) {
	a := NewAgent(ours, theirs)
	port := func(i int) Path {
		return Path{Addr: udp.AddrOf(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), uint16(5000+i)))}
	}
	a.Handle(check(t, 0, nominate), port(0), epoch, nil)
	for i := 1; i < 3*maxPaths; i++ {
		now := epoch.Add(time.Duration(i) * time.Millisecond)
		a.Handle(check(t, 0), port(0), epoch, nil)
		r := a.Handle(check(t, 0), port(i), now, nil)
		if forgot := i >= maxPaths; r.Forgot != forgot || forgot && r.Forget != port(i-maxPaths+1) || !r.Learn {
			t.Fatalf("path %d: %+v", i, r)
		}
	}
	if got, _ := a.Selected(); got != port(0) {
		t.Errorf("media goes to %v", got.Addr)
	}
	if got := a.Paths(nil); len(got) != maxPaths {
		t.Errorf("%d paths, want %d", len(got), maxPaths)
	}
}

func TestForgottenPathIsReplacedByTheFreshest(t *testing.T) {
	a := NewAgent(ours, theirs)
	tcp := Path{Addr: at("192.0.2.7:5000").Addr, Stream: &Stream{}}
	a.Handle(check(t, 0), at("192.0.2.7:1"), epoch, nil)
	a.Handle(check(t, 0), at("192.0.2.7:2"), epoch.Add(2*time.Second), nil)
	a.Handle(check(t, 0), at("192.0.2.7:3"), epoch.Add(time.Second), nil)
	a.Handle(check(t, 0, nominate), tcp, epoch.Add(time.Second), nil)
	a.Forget(tcp)
	a.Forget(tcp)
	if got, ok := a.Selected(); !ok || got != at("192.0.2.7:2") {
		t.Errorf("media goes to %v, %v", got.Addr, ok)
	}
	for _, p := range a.Paths(nil) {
		a.Forget(p)
	}
	if _, ok := a.Selected(); ok || a.Select(at("192.0.2.7:2")) {
		t.Error("a path is left")
	}
	if a.Handle(check(t, 0), at("192.0.2.7:9"), epoch, nil); a.selected != at("192.0.2.7:9") {
		t.Error("the agent does not come back")
	}
}

func TestUsernameRoutesByOurUfrag(t *testing.T) {
	if got, ok := Username(check(t, 0)); !ok || string(got) != ours.Ufrag {
		t.Errorf("%q, %v", got, ok)
	}
	m := stun.MustBuild(stun.BindingRequest, stun.NewUsername("nocolon"))
	response := check(t, 0)
	response[0] = 1
	for name, msg := range map[string][]byte{
		"none": check(t, noUser), "no colon": m.Raw, "a response": response, "empty": nil, "RTP": append([]byte{0x80}, check(t, 0)[1:]...),
		"cut short": check(t, 0)[:30],
	} {
		if got, ok := Username(msg); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCredentialsAreLongAndDiffer(t *testing.T) {
	a, b := NewCredentials(), NewCredentials()
	if !iceToken(a.Ufrag, 16) || !iceToken(a.Pwd, 32) || strings.ContainsAny(a.Ufrag+a.Pwd, "-_=:") {
		t.Errorf("%v", a)
	}
	if a.Ufrag == b.Ufrag || a.Pwd == b.Pwd {
		t.Error("the same twice")
	}
}

func TestVerdictsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for v := Verdict(0); v <= Verdicts; v++ {
		if v.String() == "" || seen[v.String()] {
			t.Errorf("verdict %d is called %q", v, v)
		}
		seen[v.String()] = true
	}
}

func TestNoAllocationPerCheck(t *testing.T) {
	a := NewAgent(ours, theirs)
	msg, from, reply := check(t, 0, nominate), at("192.0.2.7:5000"), make([]byte, 0, 128)
	if n := testing.AllocsPerRun(1000, func() {
		if _, ok := Username(msg); !ok {
			t.Fatal("no user name")
		}
		a.Handle(msg, from, epoch, reply)
	}); n != 0 {
		t.Errorf("%v allocations a check, want 0", n)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(check(f, 0))
	f.Add(check(f, noCRC, nominate))
	f.Add(check(f, 0, attr{0x7777, []byte{1}}))
	f.Add(check(f, noSign))
	f.Fuzz(func(t *testing.T, msg []byte) {
		a := NewAgent(ours, theirs)
		before := bytes.Clone(msg)
		r := a.Handle(msg, at("192.0.2.7:5000"), epoch, nil)
		if !bytes.Equal(msg, before) {
			t.Fatal("the message was written to")
		}
		if user, ok := Username(msg); r.Verdict > Unauthorized && (!ok || string(user) != ours.Ufrag) {
			t.Fatalf("verdict %v without the loop finding the agent", r.Verdict)
		}
		if (r.Reply != nil) != (r.Verdict > Unauthorized) || r.Learn != (r.Verdict == Checked) {
			t.Fatalf("%+v", r)
		}
		if r.Reply == nil {
			return
		}
		// What we answered is what pion/stun too finds authentic.
		m := &stun.Message{Raw: bytes.Clone(msg)}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		if err := stun.NewShortTermIntegrity(ours.Pwd).Check(m); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	a := NewAgent(ours, theirs)
	msg, from, reply := check(b, 0, nominate), at("192.0.2.7:5000"), make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Username(msg); !ok {
			b.Fatal("no user name")
		}
		if a.Handle(msg, from, epoch, reply).Verdict != Checked {
			b.Fatal("not checked")
		}
	}
}

func BenchmarkForgedCheck(b *testing.B) {
	a := NewAgent(ours, theirs)
	msg, from := check(b, badSign), at("192.0.2.7:5000")
	b.ReportAllocs()
	for b.Loop() {
		a.Handle(msg, from, epoch, nil)
	}
}
