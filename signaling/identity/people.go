package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tarasul/signaling/protocol"
)

const personColumns = `people.id, people.login, people.name, people.title, people.unit, people.role, people.disabled`

// personFields are where the columns of a person are scanned to.
func personFields(p *protocol.Person) []any {
	return []any{&p.ID, &p.Login, text{&p.Name}, text{&p.Title}, &p.Unit, &p.Role, &p.Disabled}
}

// Person gives one person. CodeNotFound if there is none. Online is left to the caller.
func (d *Directory) Person(ctx context.Context, id protocol.PersonID) (protocol.Person, error) {
	return personIn(ctx, d.db.Read(), id)
}

func personIn(ctx context.Context, q querier, id protocol.PersonID) (p protocol.Person, err error) {
	err = q.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = ?`, string(id)).Scan(personFields(&p)...)
	if errors.Is(err, sql.ErrNoRows) {
		return p, &protocol.Refusal{Code: protocol.CodeNotFound}
	}
	if err != nil {
		return p, fmt.Errorf("identity: person: %w", err)
	}
	return p, nil
}

// People gives everyone, the disabled included, in the order in which they were made.
func (d *Directory) People(ctx context.Context) ([]protocol.Person, error) {
	rows, err := d.db.Read().QueryContext(ctx, `SELECT `+personColumns+` FROM people ORDER BY rowid`)
	if err != nil {
		return nil, fmt.Errorf("identity: people: %w", err)
	}
	defer rows.Close()
	var out []protocol.Person
	for rows.Next() {
		var p protocol.Person
		if err := rows.Scan(personFields(&p)...); err != nil {
			return nil, fmt.Errorf("identity: people: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Ended is a sign-in that has ended by what was done. Reason is that of
// protocol.SignedOut.
type Ended struct {
	Session SessionID
	Person  protocol.PersonID
	Reason  string
}

// SavePerson creates or changes a person; administrators only. A password that is given
// replaces the one there is. Being disabled and a new password end their sign-ins.
// CodeForbidden, CodeNotFound, CodeInvalid with Field, CodeNameTaken, CodeWeakPassword,
// CodeLastAdmin.
func (d *Directory) SavePerson(ctx context.Context, by Actor, s protocol.PersonSave) (protocol.PersonSaved, []Ended, error) {
	fail := func(err error) (protocol.PersonSaved, []Ended, error) { return protocol.PersonSaved{}, nil, err }
	p, err := cleanPerson(s)
	if err != nil {
		return fail(err)
	}
	saved := protocol.PersonSaved{}
	password := s.Password
	if password != "" {
		if err := checkPassword(password, p.Login, "password"); err != nil {
			return fail(err)
		}
	} else if s.ID == "" {
		password = choosePassword()
		saved.Password = password
	}
	// A hash is slow, so it is not made in the transaction; nor for somebody who may not
	// ask for one: the transaction decides again.
	hash := ""
	if password != "" {
		if err := d.asAdministrator(ctx, d.db.Read(), by); err != nil {
			return fail(err)
		}
		if hash, err = d.hasher.make(ctx, password); err != nil {
			return fail(err)
		}
	}

	var ended []Ended
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if err := d.asAdministrator(ctx, tx, by); err != nil {
			return err
		}
		if s.ID == "" {
			p.ID = protocol.PersonID(newID())
			return d.createPerson(ctx, tx, by, p, hash, !s.KeepPassword)
		}
		ended, err = d.changePerson(ctx, tx, by, p, hash, !s.KeepPassword)
		return err
	})
	if err != nil {
		return fail(err)
	}
	saved.Person = p
	return saved, ended, nil
}

func cleanPerson(s protocol.PersonSave) (p protocol.Person, err error) {
	p = protocol.Person{ID: s.ID, Unit: s.Unit, Role: s.Role, Disabled: s.Disabled}
	var ok bool
	if p.Login, ok = normaliseLogin(s.Login); !ok {
		return p, invalid("login")
	}
	if p.Name, ok = s.Name.Clean(protocol.MaxNameRunes); !ok || p.Name.Empty() {
		return p, invalid("name")
	}
	if p.Title, ok = s.Title.Clean(protocol.MaxTitleRunes); !ok {
		return p, invalid("title")
	}
	roles := []protocol.Role{protocol.RoleLeader, protocol.RoleOfficer, protocol.RoleOperator, protocol.RoleArchivist,
		protocol.RoleAuditor, protocol.RoleAdministrator}
	if !slices.Contains(roles, p.Role) {
		return p, invalid("role")
	}
	return p, nil
}

// checkPlace refuses a login that another has, and a unit that does not exist.
func checkPlace(ctx context.Context, tx *sql.Tx, p protocol.Person) error {
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE login = ? AND id <> ?`, p.Login, string(p.ID)).Scan(&n); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if n > 0 {
		return &protocol.Refusal{Code: protocol.CodeNameTaken, Field: "login"}
	}
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM units WHERE id = ?`, string(p.Unit)).Scan(&n); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if n == 0 {
		return invalid("unit")
	}
	return nil
}

func (d *Directory) createPerson(ctx context.Context, tx *sql.Tx, by Actor, p protocol.Person, hash string, first bool) error {
	if err := checkPlace(ctx, tx, p); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO people (id, login, name, title, unit, role, disabled, password, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(p.ID), p.Login, encode(p.Name), encode(p.Title), string(p.Unit), string(p.Role), p.Disabled, hash, first); err != nil {
		return fmt.Errorf("identity: create person: %w", err)
	}
	return d.note(ctx, tx, by, "person.create", string(p.ID), map[string]any{
		"login": p.Login, "role": p.Role, "unit": p.Unit, "disabled": p.Disabled})
}

func (d *Directory) changePerson(ctx context.Context, tx *sql.Tx, by Actor, p protocol.Person, hash string, first bool) (
	ended []Ended, err error,
) {
	old, err := personIn(ctx, tx, p.ID)
	if err != nil {
		return nil, err
	}
	if err := checkPlace(ctx, tx, p); err != nil {
		return nil, err
	}
	if old.Role == protocol.RoleAdministrator && !old.Disabled && (p.Disabled || p.Role != protocol.RoleAdministrator) {
		var others int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE role = ? AND NOT disabled AND id <> ?`,
			string(protocol.RoleAdministrator), string(p.ID)).Scan(&others); err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		if others == 0 {
			return nil, &protocol.Refusal{Code: protocol.CodeLastAdmin}
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE people SET login = ?, name = ?, title = ?, unit = ?, role = ?, disabled = ? WHERE id = ?`,
		p.Login, encode(p.Name), encode(p.Title), string(p.Unit), string(p.Role), p.Disabled, string(p.ID)); err != nil {
		return nil, fmt.Errorf("identity: change person: %w", err)
	}
	if hash != "" {
		if err := setPassword(ctx, tx, p.ID, hash, first); err != nil {
			return nil, err
		}
	}
	switch {
	case p.Disabled:
		ended, err = endSessions(ctx, tx, p.ID, "", "disabled")
	case hash != "":
		ended, err = endSessions(ctx, tx, p.ID, "", "everywhere")
	}
	if err != nil {
		return nil, err
	}
	return ended, d.note(ctx, tx, by, "person.change", string(p.ID), map[string]any{
		"login": p.Login, "role": p.Role, "role_before": old.Role, "unit": p.Unit, "disabled": p.Disabled, "disabled_before": old.Disabled,
		"password_set": hash != ""})
}

func setPassword(ctx context.Context, tx *sql.Tx, id protocol.PersonID, hash string, first bool) error {
	if _, err := tx.ExecContext(ctx, `UPDATE people SET password = ?, first = ? WHERE id = ?`, hash, first, string(id)); err != nil {
		return fmt.Errorf("identity: set password: %w", err)
	}
	// Whoever knew the former password may have signed in with it from anywhere.
	if _, err := tx.ExecContext(ctx, `DELETE FROM places WHERE person = ?`, string(id)); err != nil {
		return fmt.Errorf("identity: set password: %w", err)
	}
	return nil
}

// ResetPassword gives a person a new first password, which is in the answer, and signs
// them out everywhere; administrators only. CodeForbidden, CodeNotFound.
func (d *Directory) ResetPassword(ctx context.Context, by Actor, id protocol.PersonID) (protocol.PersonSaved, []Ended, error) {
	fail := func(err error) (protocol.PersonSaved, []Ended, error) { return protocol.PersonSaved{}, nil, err }
	if err := d.asAdministrator(ctx, d.db.Read(), by); err != nil {
		return fail(err)
	}
	saved := protocol.PersonSaved{Password: choosePassword()}
	hash, err := d.hasher.make(ctx, saved.Password)
	if err != nil {
		return fail(err)
	}
	var ended []Ended
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if err := d.asAdministrator(ctx, tx, by); err != nil {
			return err
		}
		if saved.Person, err = personIn(ctx, tx, id); err != nil {
			return err
		}
		if err := setPassword(ctx, tx, id, hash, true); err != nil {
			return err
		}
		if ended, err = endSessions(ctx, tx, id, "", "everywhere"); err != nil {
			return err
		}
		return d.note(ctx, tx, by, "person.reset", string(id), nil)
	})
	if err != nil {
		return fail(err)
	}
	return saved, ended, nil
}

// SignOutPerson ends all sign-ins of a person; administrators only. CodeForbidden,
// CodeNotFound.
func (d *Directory) SignOutPerson(ctx context.Context, by Actor, id protocol.PersonID) (ended []Ended, err error) {
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if err := d.asAdministrator(ctx, tx, by); err != nil {
			return err
		}
		if _, err := personIn(ctx, tx, id); err != nil {
			return err
		}
		if ended, err = endSessions(ctx, tx, id, "", "everywhere"); err != nil {
			return err
		}
		return d.note(ctx, tx, by, "person.sign_out", string(id), map[string]any{"sessions": len(ended)})
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}
