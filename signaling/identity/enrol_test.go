package identity

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

var first = protocol.Enrol{Login: "root.admin", Name: names("أول", "First", ""), Password: "river-mirror-1212"}

func (m *ministry) enrolment() string {
	m.Helper()
	token, ok, err := m.NewEnrolment(m.Context())
	if err != nil || !ok || len(token) < 43 {
		m.Fatalf("token of %d, %v %v", len(token), ok, err)
	}
	return token
}

func (m *ministry) enrol(token string, edit ...func(*protocol.Enrol)) (SignedIn, protocol.Refusal) {
	e := first
	e.Token = token
	for _, f := range edit {
		f(&e)
	}
	in, err := m.Enrol(context.Background(), e, office)
	return in, refusal(err)
}

func TestTheFirstAdministratorEnrols(t *testing.T) {
	m := empty(t)
	token := m.enrolment()
	m.nowhere(token)
	// What can be mended does not use the token up.
	for name, test := range map[string]struct {
		edit func(*protocol.Enrol)
		want protocol.Refusal
	}{
		"login":    {func(e *protocol.Enrol) { e.Login = "" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "login"}},
		"name":     {func(e *protocol.Enrol) { e.Name = protocol.Multilingual{} }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "name"}},
		"password": {func(e *protocol.Enrol) { e.Password = "root.admin123" }, protocol.Refusal{Code: protocol.CodeWeakPassword, Field: "password"}},
	} {
		if _, got := m.enrol(token, test.edit); got != test.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	in, refused := m.enrol(token)
	if refused.Code != "" || in.Session.Person.Role != protocol.RoleAdministrator || in.Session.ChangePassword || !m.holds(in.Token) {
		t.Fatalf("got %+v %+v", in, refused)
	}
	units, err := m.Units(t.Context())
	if err != nil || len(units) != 1 || units[0].Kind != protocol.UnitHeadquarters || in.Session.Person.Unit != units[0].ID {
		t.Errorf("units %+v %v", units, err)
	}
	m.nowhere(in.Token, token, first.Password)
	if _, err := m.SaveUnit(t.Context(), Actor{Person: in.Session.Person}, protocol.UnitSave{Kind: protocol.UnitMission, Name: names("", "Rome", "")}); err != nil {
		t.Errorf("is no administrator: %v", err)
	}
	// Once.
	if _, refused := m.enrol(token, func(e *protocol.Enrol) { e.Login = "second" }); refused.Code != protocol.CodeUnauthenticated {
		t.Errorf("twice: %+v", refused)
	}
	if token, ok, err := m.NewEnrolment(t.Context()); ok || token != "" || err != nil {
		t.Errorf("another link: %v %v", ok, err)
	}
}

func TestALinkThatIsNotGood(t *testing.T) {
	m := empty(t)
	if _, refused := m.enrol(""); refused.Code != protocol.CodeUnauthenticated {
		t.Errorf("before there is a link: %+v", refused)
	}
	old := m.enrolment()
	token := m.enrolment()
	before := m.hasher.made.Load()
	for name, bad := range map[string]string{"none": "", "guessed": "x", "of the start before": old, "one letter more": token + "A"} {
		if _, refused := m.enrol(bad); refused.Code != protocol.CodeUnauthenticated {
			t.Errorf("%s: %+v", name, refused)
		}
	}
	if m.hasher.made.Load() != before {
		t.Error("a bad link costs a hash")
	}
	m.later(24 * time.Hour)
	if _, refused := m.enrol(token); refused.Code != protocol.CodeUnauthenticated {
		t.Errorf("expired: %+v", refused)
	}

	// A link that was printed before somebody else made an administrator is of no use.
	token = m.enrolment()
	if _, err := m.SaveUnit(t.Context(), Console(), protocol.UnitSave{Kind: protocol.UnitMission, Name: names("", "Rome", "")}); err != nil {
		t.Fatal(err)
	}
	units, _ := m.Units(t.Context())
	if _, _, err := m.SavePerson(t.Context(), Console(), protocol.PersonSave{Login: "by.console", Name: names("", "C", ""), Unit: units[0].ID, Role: protocol.RoleAdministrator}); err != nil {
		t.Fatal(err)
	}
	if _, refused := m.enrol(token); refused.Code != protocol.CodeUnauthenticated {
		t.Errorf("a second first administrator: %+v", refused)
	}
}

func TestTwoWithTheSameLinkAreOneAdministrator(t *testing.T) {
	m := empty(t)
	token := m.enrolment()
	var wg sync.WaitGroup
	results := make(chan protocol.Refusal, 10)
	for i := range 10 {
		wg.Go(func() {
			_, refused := m.enrol(token, func(e *protocol.Enrol) { e.Login += string(rune('a' + i)) })
			results <- refused
		})
	}
	wg.Wait()
	close(results)
	good := 0
	for r := range results {
		switch r.Code {
		case "":
			good++
		case protocol.CodeUnauthenticated:
		default:
			t.Errorf("got %+v", r)
		}
	}
	if people, err := m.People(t.Context()); err != nil || good != 1 || len(people) != 1 {
		t.Errorf("%d enrolled, %d people %v", good, len(people), err)
	}
}

func TestTheDemonstrationIsSeededOnce(t *testing.T) {
	m := empty(t)
	if holds, err := m.HoldsDemo(t.Context()); err != nil || holds {
		t.Errorf("holds it before: %v", err)
	}
	accounts, err := m.SeedDemo(t.Context())
	if err != nil || len(accounts) != 10 {
		t.Fatal(accounts, err)
	}
	kinds, roles := map[protocol.UnitKind]int{}, map[protocol.Role]int{}
	units, _ := m.Units(t.Context())
	for _, u := range units {
		kinds[u.Kind]++
	}
	if kinds[protocol.UnitHeadquarters] != 1 || kinds[protocol.UnitDepartment] != 3 || kinds[protocol.UnitMission] != 4 {
		t.Errorf("units %v", kinds)
	}
	for i, a := range accounts {
		if a.Name.Ar == "" || a.Name.En == "" || a.Name.Fr == "" || a.Title.Ar == "" || a.Unit.Ar == "" || a.Unit.En == "" {
			t.Errorf("%s has no name, title or unit in a language", a.Login)
		}
		if err := checkPassword(a.Password, a.Login, ""); err != nil {
			t.Errorf("%s: %v", a.Login, err)
		}
		if login, ok := normaliseLogin(a.Login); !ok || login != a.Login {
			t.Errorf("%s is stored as %s", a.Login, login)
		}
		roles[a.Role]++
		if in := m.signIn(a.Login, a.Password, Client{Address: "10.0.0.1"}); in.Session.ChangePassword || in.Session.Person != demoPeople[i].Person {
			t.Errorf("%s signs in as %+v", a.Login, in.Session.Person)
		}
	}
	if roles[protocol.RoleAdministrator] != 1 || roles[protocol.RoleOperator] != 1 || roles[protocol.RoleLeader] < 3 {
		t.Errorf("roles %v", roles)
	}
	if holds, err := m.HoldsDemo(t.Context()); err != nil || !holds {
		t.Errorf("does not hold it: %v", err)
	}

	// What was changed since stays, and it costs no hashes.
	minister := demoPeople[0].Person
	if _, _, err := m.SavePerson(t.Context(), m.admin(), protocol.PersonSave{ID: minister.ID, Login: minister.Login, Name: names("", "Another", ""),
		Unit: minister.Unit, Role: minister.Role}); err != nil {
		t.Fatal(err)
	}
	made := m.hasher.made.Load()
	if again, err := m.SeedDemo(t.Context()); err != nil || len(again) != 10 || m.hasher.made.Load() != made {
		t.Errorf("the second time: %v", err)
	}
	if p, _ := m.Person(t.Context(), minister.ID); p.Name.En != "Another" {
		t.Errorf("the minister is %+v again", p)
	}
	if people, _ := m.People(t.Context()); len(people) != 10 {
		t.Errorf("%d people", len(people))
	}
}

func TestPrintedPasswordsNeverComeAmongRealPeople(t *testing.T) {
	m := empty(t)
	if _, refused := m.enrol(m.enrolment()); refused.Code != "" {
		t.Fatal(refused)
	}
	if _, err := m.SeedDemo(t.Context()); !errors.Is(err, ErrNotDemo) {
		t.Errorf("got %v", err)
	}
	if people, _ := m.People(t.Context()); len(people) != 1 {
		t.Errorf("%d people", len(people))
	}
}
