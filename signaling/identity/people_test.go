package identity

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tarasul/signaling/protocol"
)

var attache = protocol.PersonSave{Login: "Attaché.Paris", Name: names(" نور ", "Nour", ""), Title: names("", "Attaché", ""), Unit: "demo-paris", Role: protocol.RoleOfficer}

func TestAdministratorsMakeAndChangePeople(t *testing.T) {
	m := demo(t)
	saved, ended, err := m.SavePerson(t.Context(), m.admin(), attache)
	if err != nil || len(ended) != 0 || saved.Password == "" {
		t.Fatal(saved, ended, err)
	}
	want := protocol.Person{ID: saved.Person.ID, Login: "attaché.paris", Name: names("نور", "Nour", ""), Title: attache.Title, Unit: "demo-paris", Role: protocol.RoleOfficer}
	if saved.Person != want || len(saved.Person.ID) < 16 {
		t.Errorf("made %+v", saved.Person)
	}
	if p, err := m.Person(t.Context(), saved.Person.ID); err != nil || p != want {
		t.Errorf("kept %+v %v", p, err)
	}
	if people, err := m.People(t.Context()); err != nil || len(people) != 11 || people[10] != want {
		t.Errorf("listed %+v %v", people, err)
	}
	// The chosen password must be changed first; then nothing must.
	in := m.signIn("attaché.paris", saved.Password, office)
	if !in.Session.ChangePassword {
		t.Error("the first password need not be changed")
	}
	if s, err := m.Resolve(t.Context(), in.Token); err != nil || !s.ChangePassword {
		t.Errorf("resolved %+v %v", s, err)
	}
	if _, err := m.ChangePassword(t.Context(), in.Session.ID, protocol.PasswordChange{Old: saved.Password, New: "river-mirror-1212"}, office); err != nil {
		t.Fatal(err)
	}
	if s, err := m.Resolve(t.Context(), in.Token); err != nil || s.ChangePassword {
		t.Errorf("resolved %+v %v", s, err)
	}
	m.nowhere(saved.Password, "river-mirror-1212")

	// A change of the card leaves the password and the sign-ins.
	edit := attache
	edit.ID, edit.Unit, edit.Title = saved.Person.ID, "demo-geneva", names("ملحق", "", "")
	changed, ended, err := m.SavePerson(t.Context(), m.admin(), edit)
	if err != nil || len(ended) != 0 || changed.Password != "" || changed.Person.Unit != "demo-geneva" {
		t.Errorf("changed to %+v %v %v", changed, ended, err)
	}
	if s, err := m.Resolve(t.Context(), in.Token); err != nil || s.Person != changed.Person {
		t.Errorf("resolved %+v %v", s, err)
	}
	// A password that the administrator sets ends them.
	edit.Password, edit.KeepPassword = "window-garden-77", true
	if _, ended, err = m.SavePerson(t.Context(), m.admin(), edit); err != nil || len(ended) != 1 || m.holds(in.Token) {
		t.Errorf("ended %v %v", ended, err)
	}
	if in := m.signIn("attaché.paris", "window-garden-77", office); in.Session.ChangePassword {
		t.Error("a password that was to be kept must be changed")
	}
	if got := m.told(); !slices.Equal(got, []string{"person.create", "session.sign_in", "password.change", "person.change", "person.change", "session.sign_in"}) {
		t.Errorf("the journal has %v", got)
	}
}

func TestADisabledPersonLosesEverything(t *testing.T) {
	m := demo(t)
	one, two := m.signIn("paris", "garden-violin-7153", office), m.signIn("paris", "garden-violin-7153", office)
	p := one.Session.Person
	save := protocol.PersonSave{ID: p.ID, Login: p.Login, Name: p.Name, Title: p.Title, Unit: p.Unit, Role: p.Role, Disabled: true}
	_, ended, err := m.SavePerson(t.Context(), m.admin(), save)
	want := []SessionID{one.Session.ID, two.Session.ID}
	slices.Sort(want)
	if err != nil || !slices.Equal(sessions(ended), want) || ended[0].Reason != "disabled" {
		t.Errorf("ended %v %v", ended, err)
	}
	if m.holds(one.Token) || m.holds(two.Token) {
		t.Error("a session of theirs holds")
	}
	if _, err := m.SignIn(t.Context(), protocol.SignIn{Login: "paris", Password: "garden-violin-7153"}, office); refusal(err).Code != protocol.CodeWrongPassword {
		t.Errorf("signed in: %v", err)
	}
	save.Disabled = false
	if _, _, err := m.SavePerson(t.Context(), m.admin(), save); err != nil {
		t.Fatal(err)
	}
	if m.holds(one.Token) {
		t.Error("an old session came back")
	}
	m.signIn("paris", "garden-violin-7153", office)
}

func TestOnlyAdministratorsManage(t *testing.T) {
	m := demo(t)
	forged := Actor{Person: protocol.Person{ID: "demo-paris", Role: protocol.RoleAdministrator}} // what the caller says of itself does not count
	demoted := Actor{Person: protocol.Person{ID: "demo-operator", Role: protocol.RoleAdministrator}}
	actors := map[string]Actor{"forged": forged, "demoted": demoted, "nobody": {}, "unknown": {Person: protocol.Person{ID: "x", Role: protocol.RoleAdministrator}}}
	for _, p := range demoPeople {
		if p.Role != protocol.RoleAdministrator {
			actors[p.Login] = Actor{Person: p.Person}
		}
	}
	before, err := m.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made := m.hasher.made.Load()
	for name, by := range actors {
		for action, f := range map[string]func() error{
			"create": func() error { _, _, err := m.SavePerson(t.Context(), by, attache); return err },
			"change": func() error {
				s := attache
				s.ID = "demo-minister"
				_, _, err := m.SavePerson(t.Context(), by, s)
				return err
			},
			"promote": func() error {
				s := attache
				s.ID, s.Role = by.Person.ID, protocol.RoleAdministrator
				_, _, err := m.SavePerson(t.Context(), by, s)
				return err
			},
			"reset":    func() error { _, _, err := m.ResetPassword(t.Context(), by, "demo-minister"); return err },
			"own":      func() error { _, _, err := m.ResetPassword(t.Context(), by, by.Person.ID); return err },
			"sign out": func() error { _, err := m.SignOutPerson(t.Context(), by, "demo-minister"); return err },
			"unit": func() error {
				_, err := m.SaveUnit(t.Context(), by, protocol.UnitSave{Kind: protocol.UnitMission, Name: names("", "Rome", "")})
				return err
			},
		} {
			if err := f(); refusal(err).Code != protocol.CodeForbidden {
				t.Errorf("%s, %s: %v", name, action, err)
			}
		}
	}
	if after, _ := m.People(t.Context()); !reflect.DeepEqual(after, before) {
		t.Error("something has changed")
	}
	if m.hasher.made.Load() != made {
		t.Error("who may not ask has cost a hash")
	}
	if got := m.told(); len(got) != 0 {
		t.Errorf("the journal has %v", got)
	}
}

func TestADisabledOrDemotedAdministratorIsNone(t *testing.T) {
	m := demo(t)
	second := protocol.PersonSave{Login: "second", Name: names("", "Second", ""), Unit: "demo-systems", Role: protocol.RoleAdministrator}
	saved, _, err := m.SavePerson(t.Context(), Console(), second)
	if err != nil {
		t.Fatal(err)
	}
	by := Actor{Person: saved.Person}
	if _, err := m.SignOutPerson(t.Context(), by, "demo-paris"); err != nil {
		t.Errorf("an administrator may not: %v", err)
	}
	second.ID = saved.Person.ID
	for name, edit := range map[string]func(*protocol.PersonSave){"disabled": func(s *protocol.PersonSave) { s.Disabled = true }, "demoted": func(s *protocol.PersonSave) { s.Role = protocol.RoleAuditor }} {
		s := second
		edit(&s)
		if _, _, err := m.SavePerson(t.Context(), m.admin(), s); err != nil {
			t.Fatal(err)
		}
		if _, err := m.SignOutPerson(t.Context(), by, "demo-paris"); refusal(err).Code != protocol.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	m := demo(t)
	admin, err := m.Person(t.Context(), "demo-admin")
	if err != nil {
		t.Fatal(err)
	}
	save := protocol.PersonSave{ID: admin.ID, Login: admin.Login, Name: admin.Name, Title: admin.Title, Unit: admin.Unit, Role: admin.Role}
	disabled, demoted := save, save
	disabled.Disabled, demoted.Role = true, protocol.RoleLeader
	try := func(s protocol.PersonSave, by Actor) protocol.Code {
		_, _, err := m.SavePerson(t.Context(), by, s)
		return refusal(err).Code
	}
	for name, s := range map[string]protocol.PersonSave{"disabled": disabled, "demoted": demoted} {
		for who, by := range map[string]Actor{"by themselves": m.admin(), "from the console": Console()} {
			if got := try(s, by); got != protocol.CodeLastAdmin {
				t.Errorf("%s %s: %q", name, who, got)
			}
		}
	}
	second := protocol.PersonSave{Login: "second", Name: names("", "Second", ""), Unit: "demo-systems", Role: protocol.RoleAdministrator, Disabled: true}
	saved, _, err := m.SavePerson(t.Context(), Console(), second)
	if err != nil {
		t.Fatal(err)
	}
	if got := try(demoted, Console()); got != protocol.CodeLastAdmin {
		t.Errorf("a disabled administrator was counted: %q", got)
	}
	second.ID, second.Disabled = saved.Person.ID, false
	if got := try(second, Console()); got != "" {
		t.Fatal(got)
	}
	// Two who demote each other at the same moment.
	secondDemoted := second
	secondDemoted.Role = protocol.RoleOfficer
	var wg sync.WaitGroup
	codes := make([]protocol.Code, 2)
	wg.Go(func() { codes[0] = try(secondDemoted, m.admin()) })
	wg.Go(func() { codes[1] = try(demoted, Actor{Person: saved.Person}) })
	wg.Wait()
	slices.Sort(codes)
	if codes[0] != "" || codes[1] == "" {
		t.Errorf("got %v", codes)
	}
	if none, err := unadministered(t.Context(), m.db.Read()); err != nil || none {
		t.Error("nobody is left to administer")
	}
}

func TestWhatCannotBeSavedIsRefusedByField(t *testing.T) {
	m := demo(t)
	for name, test := range map[string]struct {
		edit func(*protocol.PersonSave)
		want protocol.Refusal
	}{
		"no login":                {func(s *protocol.PersonSave) { s.Login = "a b" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "login"}},
		"a login that is taken":   {func(s *protocol.PersonSave) { s.Login = " PARIS" }, protocol.Refusal{Code: protocol.CodeNameTaken, Field: "login"}},
		"no name":                 {func(s *protocol.PersonSave) { s.Name = names(" ", "\u202E", "") }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "name"}},
		"a name without end":      {func(s *protocol.PersonSave) { s.Name.Ar = strings.Repeat("ن", 121) }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "name"}},
		"a title that is no text": {func(s *protocol.PersonSave) { s.Title.Fr = "\xff" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "title"}},
		"no unit":                 {func(s *protocol.PersonSave) { s.Unit = "" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "unit"}},
		"an unknown unit":         {func(s *protocol.PersonSave) { s.Unit = "atlantis" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "unit"}},
		"no role":                 {func(s *protocol.PersonSave) { s.Role = "king" }, protocol.Refusal{Code: protocol.CodeInvalid, Field: "role"}},
		"a weak password":         {func(s *protocol.PersonSave) { s.Password = "attaché.paris1" }, protocol.Refusal{Code: protocol.CodeWeakPassword, Field: "password"}},
		"nobody to change":        {func(s *protocol.PersonSave) { s.ID = "nobody" }, protocol.Refusal{Code: protocol.CodeNotFound}},
	} {
		s := attache
		test.edit(&s)
		if _, _, err := m.SavePerson(t.Context(), m.admin(), s); refusal(err) != test.want {
			t.Errorf("%s: %v %+v", name, err, refusal(err))
		}
	}
	if people, _ := m.People(t.Context()); len(people) != 10 {
		t.Errorf("%d people", len(people))
	}
	for name, f := range map[string]func() error{
		"reset":    func() error { _, _, err := m.ResetPassword(t.Context(), m.admin(), "nobody"); return err },
		"sign out": func() error { _, err := m.SignOutPerson(t.Context(), m.admin(), "nobody"); return err },
		"person":   func() error { _, err := m.Person(t.Context(), "nobody"); return err },
	} {
		if err := f(); refusal(err).Code != protocol.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResettingAPasswordAndSigningSomebodyOut(t *testing.T) {
	m := demo(t)
	in := m.signIn("minister", ministersPassword, office)
	ended, err := m.SignOutPerson(t.Context(), m.admin(), "demo-minister")
	if err != nil || len(ended) != 1 || ended[0] != (Ended{in.Session.ID, "demo-minister", "everywhere"}) || m.holds(in.Token) {
		t.Errorf("ended %v %v", ended, err)
	}
	in = m.signIn("minister", ministersPassword, office)
	saved, ended, err := m.ResetPassword(t.Context(), m.admin(), "demo-minister")
	if err != nil || len(ended) != 1 || saved.Person.ID != "demo-minister" || m.holds(in.Token) {
		t.Errorf("ended %v %v", ended, err)
	}
	if _, err := m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: ministersPassword}, office); refusal(err).Code != protocol.CodeWrongPassword {
		t.Errorf("the old password: %v", err)
	}
	if again := m.signIn("minister", saved.Password, office); !again.Session.ChangePassword {
		t.Error("the new first password need not be changed")
	}
}

func TestUnits(t *testing.T) {
	m := demo(t)
	rome, err := m.SaveUnit(t.Context(), m.admin(), protocol.UnitSave{Kind: protocol.UnitMission, Name: names("روما", " Rome ", ""), Parent: "demo-headquarters"})
	if err != nil || rome.ID == "" || rome.Name.En != "Rome" {
		t.Fatal(rome, err)
	}
	section, err := m.SaveUnit(t.Context(), m.admin(), protocol.UnitSave{Kind: protocol.UnitDepartment, Name: names("", "Press", ""), Parent: rome.ID})
	if err != nil {
		t.Fatal(err)
	}
	units, err := m.Units(t.Context())
	if err != nil || len(units) != len(demoUnits)+2 || units[len(units)-2] != rome || units[len(units)-1] != section {
		t.Errorf("listed %+v %v", units, err)
	}
	moved, err := m.SaveUnit(t.Context(), m.admin(), protocol.UnitSave{ID: section.ID, Kind: protocol.UnitDepartment, Name: section.Name})
	if err != nil || moved.Parent != "" {
		t.Errorf("moved to %+v %v", moved, err)
	}
	for name, test := range map[string]struct {
		save protocol.UnitSave
		want protocol.Refusal
	}{
		"no name":           {protocol.UnitSave{Kind: protocol.UnitMission}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "name"}},
		"no kind":           {protocol.UnitSave{Kind: "kingdom", Name: rome.Name}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "kind"}},
		"an unknown parent": {protocol.UnitSave{Kind: protocol.UnitMission, Name: rome.Name, Parent: "atlantis"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "parent"}},
		"its own parent":    {protocol.UnitSave{ID: rome.ID, Kind: protocol.UnitMission, Name: rome.Name, Parent: rome.ID}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "parent"}},
		"a ring":            {protocol.UnitSave{ID: "demo-headquarters", Kind: protocol.UnitHeadquarters, Name: rome.Name, Parent: rome.ID}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "parent"}},
		"nothing to change": {protocol.UnitSave{ID: "atlantis", Kind: protocol.UnitMission, Name: rome.Name}, protocol.Refusal{Code: protocol.CodeNotFound}},
	} {
		if _, err := m.SaveUnit(t.Context(), m.admin(), test.save); refusal(err) != test.want {
			t.Errorf("%s: %v %+v", name, err, refusal(err))
		}
	}
}

func TestNothingHappensThatTheJournalDoesNotTake(t *testing.T) {
	m := demo(t)
	in := m.signIn("minister", ministersPassword, office)
	full := errors.New("the journal is full")
	m.journal = func(context.Context, *sql.Tx, Act) error { return full }
	for name, f := range map[string]func() error{
		"create":   func() error { _, _, err := m.SavePerson(t.Context(), m.admin(), attache); return err },
		"reset":    func() error { _, _, err := m.ResetPassword(t.Context(), m.admin(), "demo-minister"); return err },
		"sign out": func() error { _, err := m.SignOutPerson(t.Context(), m.admin(), "demo-minister"); return err },
		"sign in": func() error {
			_, err := m.SignIn(t.Context(), protocol.SignIn{Login: "minister", Password: ministersPassword}, office)
			return err
		},
		"unit": func() error {
			_, err := m.SaveUnit(t.Context(), m.admin(), protocol.UnitSave{Kind: protocol.UnitMission, Name: names("", "Rome", "")})
			return err
		},
	} {
		if err := f(); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
	people, _ := m.People(t.Context())
	units, _ := m.Units(t.Context())
	if len(people) != 10 || len(units) != len(demoUnits) || !m.holds(in.Token) {
		t.Error("something has happened all the same")
	}
}

func TestTheConfigIsChecked(t *testing.T) {
	var c Config
	if err := c.Validate(); err != nil || c.SessionIdle != 12*time.Hour || c.SessionAbsolute != 7*24*time.Hour || c.HashesAtOnce < 1 || c.Cost != DefaultCost {
		t.Errorf("defaults are %+v %v", c, err)
	}
	wrong := Config{SessionIdle: time.Hour, SessionAbsolute: time.Minute, Enrolment: -1, HashesAtOnce: -1, Cost: Cost{1, 1}}
	if err := wrong.Validate(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("not all mistakes at once: %v", err)
	}
}
