package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"tarasul/configs"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

var roles = []protocol.Role{
	protocol.RoleLeader, protocol.RoleOfficer, protocol.RoleOperator, protocol.RoleArchivist, protocol.RoleAuditor, protocol.RoleAdministrator,
}

// userWork is one thing to be done with a data directory that no server uses.
type userWork struct {
	console
	house *house
	flags *flags
	ctx   context.Context
}

var userCommands = map[string]struct {
	arguments int
	do        func(userWork, []string) error
}{
	"list":    {0, userWork.list},
	"add":     {1, userWork.add},
	"reset":   {1, userWork.reset},
	"disable": {1, func(u userWork, args []string) error { return u.able(args[0], true) }},
	"enable":  {1, func(u userWork, args []string) error { return u.able(args[0], false) }},
	"role":    {2, userWork.role},
}

// user changes people at the console, where whoever can read the data directory may do all
// that an administrator may.
func (c console) user(ctx context.Context, args []string) error {
	f := c.flags("user", "user list|add|reset|disable|enable|role [flags]", `
list               everyone, with role and unit
add LOGIN          a new person; the first password is printed
reset LOGIN        a new first password, and signed out everywhere
disable LOGIN      may no longer sign in, and is signed out everywhere
enable LOGIN       may sign in again
role LOGIN ROLE    leader, officer, operator, archivist, auditor or administrator

These work on the data directory itself and so only while no server runs on it; while one
does, administrators manage people in the page.`)
	file := f.String("config", "", "configuration `FILE`")
	data := f.String("data", "", "`DIR` of the data (default var)")
	f.String("name", "", "add: `NAME` in Latin letters")
	f.String("name-ar", "", "add: `NAME` in Arabic")
	f.String("title", "", "add: `TITLE` in English")
	f.String("title-ar", "", "add: `TITLE` in Arabic")
	f.String("role", string(protocol.RoleOfficer), "add: `ROLE` (default officer)")
	f.String("unit", "", "add: id or English name of the `UNIT` (default headquarters)")
	rest, err := f.parse(args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usageError("user what? list, add, reset, disable, enable or role")
	}
	cmd, known := userCommands[rest[0]]
	if !known {
		return unknown("user command", rest[0], []string{"list", "add", "reset", "disable", "enable", "role"})
	}
	if len(rest)-1 != cmd.arguments {
		return usageError(fmt.Sprintf("user %s takes %d arguments, not %d; see tarasul user --help", rest[0], cmd.arguments, len(rest)-1))
	}
	cfg, err := configs.Load(*file, c.environment)
	if err != nil {
		return err
	}
	cfg.Data = cmp.Or(*data, cfg.Data)
	if err := cfg.Validate(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, store.FileName)); errors.Is(err, fs.ErrNotExist) && rest[0] != "add" {
		return fmt.Errorf("there is no data in %s; say where it is with --data", cfg.Data)
	}
	h, err := openHouse(ctx, cfg)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("a server runs on this data (%w): let an administrator do it in the page, or stop the server first", err)
	}
	if err != nil {
		return err
	}
	err = cmd.do(userWork{console: c, house: h, flags: f, ctx: ctx}, rest[1:])
	return errors.Join(worded(err), h.db.Close())
}

// worded turns a refusal into words for the console.
func worded(err error) error {
	r, ok := errors.AsType[*protocol.Refusal](err)
	if !ok {
		return err
	}
	switch r.Code {
	case protocol.CodeNameTaken:
		return errors.New("somebody has this login already")
	case protocol.CodeLastAdmin:
		return errors.New("this is the last administrator: make another one first")
	case protocol.CodeInvalid:
		return fmt.Errorf("the %s is not acceptable", r.Field)
	case protocol.CodeWeakPassword:
		return errors.New("the password is too weak")
	}
	return fmt.Errorf("refused: %s", r.Code)
}

func (u userWork) flag(name string) string { return u.flags.Lookup(name).Value.String() }

func (u userWork) list([]string) error {
	people, err := u.house.directory.People(u.ctx)
	if err != nil {
		return err
	}
	units, err := u.units()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(u.out, 2, 0, 3, ' ', 0)
	fmt.Fprintln(table, "LOGIN\tNAME\tTITLE\tUNIT\tROLE\tSTATE")
	for _, p := range people {
		state := ""
		if p.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", printable(p.Login), latin(p.Name), latin(p.Title), latin(units[p.Unit].Name), p.Role, state)
	}
	return table.Flush()
}

func (u userWork) units() (map[protocol.UnitID]protocol.Unit, error) {
	units, err := u.house.directory.Units(u.ctx)
	byID := map[protocol.UnitID]protocol.Unit{}
	for _, unit := range units {
		byID[unit.ID] = unit
	}
	return byID, err
}

func (u userWork) add(args []string) error {
	role, err := roleOf(u.flag("role"))
	if err != nil {
		return err
	}
	unit, err := u.unit(u.flag("unit"))
	if err != nil {
		return err
	}
	s := protocol.PersonSave{
		Login: args[0], Role: role, Unit: unit,
		Name:  protocol.Multilingual{En: u.flag("name"), Ar: u.flag("name-ar")},
		Title: protocol.Multilingual{En: u.flag("title"), Ar: u.flag("title-ar")},
	}
	if s.Name == (protocol.Multilingual{}) {
		s.Name.En = args[0]
	}
	saved, _, err := u.house.directory.SavePerson(u.ctx, identity.Console(), s)
	if err != nil {
		return err
	}
	u.password(saved)
	return nil
}

// headquarters is the unit that is made for the first person of an empty ministry; its
// name can be changed in the page.
var headquarters = protocol.UnitSave{
	Kind: protocol.UnitHeadquarters, Name: protocol.Multilingual{Ar: "ديوان الوزارة", En: "Headquarters", Fr: "Administration centrale"},
}

// unit finds a unit by id or name. Without either it is headquarters, which is made if
// there is no unit at all.
func (u userWork) unit(wanted string) (protocol.UnitID, error) {
	units, err := u.units()
	if err != nil {
		return "", err
	}
	var names []string
	for id, unit := range units {
		if wanted == "" && unit.Kind == protocol.UnitHeadquarters || wanted != "" && (string(id) == wanted || strings.EqualFold(unit.Name.En, wanted)) {
			return id, nil
		}
		names = append(names, cmp.Or(unit.Name.En, string(id)))
	}
	if wanted == "" && len(units) == 0 {
		unit, err := u.house.directory.SaveUnit(u.ctx, identity.Console(), headquarters)
		return unit.ID, err
	}
	if wanted == "" {
		return "", usageError("there is no headquarters: say which --unit, one of: " + strings.Join(names, ", "))
	}
	return "", unknown("unit", wanted, names)
}

func roleOf(text string) (protocol.Role, error) {
	var names []string
	for _, role := range roles {
		if string(role) == text {
			return role, nil
		}
		names = append(names, string(role))
	}
	return "", unknown("role", text, names)
}

func (u userWork) password(saved protocol.PersonSaved) {
	fmt.Fprintf(u.out, "%s may sign in with the password  %s  and must then choose another.\n", printable(saved.Person.Login), saved.Password)
}

// find gives the person of a login.
func (u userWork) find(login string) (protocol.Person, error) {
	people, err := u.house.directory.People(u.ctx)
	if err != nil {
		return protocol.Person{}, err
	}
	var logins []string
	for _, p := range people {
		if strings.EqualFold(p.Login, login) {
			return p, nil
		}
		logins = append(logins, p.Login)
	}
	if best := configs.Nearest(login, logins); best != "" {
		return protocol.Person{}, fmt.Errorf("nobody has the login %q; did you mean %q?", login, best)
	}
	return protocol.Person{}, fmt.Errorf("nobody has the login %q", login)
}

func (u userWork) reset(args []string) error {
	p, err := u.find(args[0])
	if err != nil {
		return err
	}
	saved, _, err := u.house.directory.ResetPassword(u.ctx, identity.Console(), p.ID)
	if err != nil {
		return err
	}
	u.password(saved)
	return nil
}

func (u userWork) able(login string, disabled bool) error {
	p, err := u.find(login)
	if err != nil {
		return err
	}
	p.Disabled = disabled
	if err := u.save(p); err != nil {
		return err
	}
	words := "may sign in again"
	if disabled {
		words = "may no longer sign in"
	}
	fmt.Fprintf(u.out, "%s %s.\n", printable(p.Login), words)
	return nil
}

func (u userWork) role(args []string) error {
	p, err := u.find(args[0])
	if err != nil {
		return err
	}
	if p.Role, err = roleOf(args[1]); err != nil {
		return err
	}
	if err := u.save(p); err != nil {
		return err
	}
	fmt.Fprintf(u.out, "%s is %s now.\n", printable(p.Login), p.Role)
	return nil
}

func (u userWork) save(p protocol.Person) error {
	_, _, err := u.house.directory.SavePerson(u.ctx, identity.Console(), protocol.PersonSave{
		ID: p.ID, Login: p.Login, Name: p.Name, Title: p.Title, Unit: p.Unit, Role: p.Role, Disabled: p.Disabled,
	})
	return err
}
