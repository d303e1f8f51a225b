package identity

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tarasul/signaling/protocol"
)

// Client says from where a sign-in comes.
type Client struct {
	Address   string
	UserAgent string
	Device    string // value of the device cookie, "" if there is none
}

// SignedIn is a new sign-in. Token goes into the session cookie, Device into a cookie
// of its own that lives for a year and survives signing out; neither is stored in clear.
type SignedIn struct {
	Session Session
	Token   string
	Device  string
	Ended   []Ended // older sign-ins that had to make room
}

const (
	maxPlaces  = 20                   // of one person and kind; the one used longest ago makes room
	placesLast = 180 * 24 * time.Hour // without being used
)

// SignIn checks a password. A wrong password, a login that nobody has and one that is
// disabled are CodeWrongPassword alike, after the same work. CodeRateLimited with
// RetryAfter if there was too much guessing from this place, CodeUnavailable if too many
// wait for a hash.
func (d *Directory) SignIn(ctx context.Context, s protocol.SignIn, from Client) (SignedIn, error) {
	login, ok := normaliseLogin(s.Login)
	if !ok {
		login = "" // nobody has it
	}
	p, stored, err := d.credentials(ctx, login)
	if err != nil {
		return SignedIn{}, err
	}
	a, err := d.attempt(ctx, p.ID, login, from)
	if err != nil {
		return SignedIn{}, err
	}
	fits, stale, err := d.hasher.check(ctx, s.Password, stored)
	if err != nil {
		a.withdrawn()
		return SignedIn{}, err
	}
	var fresh string
	if fits && stale && !p.Disabled {
		if fresh, err = d.hasher.make(ctx, s.Password); err != nil {
			a.withdrawn()
			return SignedIn{}, err
		}
	}
	var signed SignedIn
	refused := false
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		// Between the check and now somebody may have disabled them or changed the password.
		now, still, err := credentialsIn(ctx, tx, login)
		if err != nil {
			return err
		}
		if !fits || now.Disabled || still != stored || now.ID != p.ID {
			refused = true
			return d.note(ctx, tx, Actor{Address: from.Address}, "session.refused", string(p.ID), nil)
		}
		if fresh != "" {
			if _, err := tx.ExecContext(ctx, `UPDATE people SET password = ? WHERE id = ?`, fresh, string(p.ID)); err != nil {
				return fmt.Errorf("identity: renew password hash: %w", err)
			}
		}
		signed, err = d.enter(ctx, tx, now, from)
		return err
	})
	switch {
	case err != nil:
		return SignedIn{}, err
	case refused:
		return SignedIn{}, &protocol.Refusal{Code: protocol.CodeWrongPassword}
	}
	a.succeeded()
	return signed, nil
}

// enter signs a person in and remembers from where.
func (d *Directory) enter(ctx context.Context, tx *sql.Tx, p protocol.Person, from Client) (SignedIn, error) {
	signed, err := d.createSession(ctx, tx, p, from)
	if err != nil {
		return SignedIn{}, err
	}
	// A cookie that nobody has signed in with is not taken over: somebody else may have
	// planted it, and would know it.
	signed.Device = from.Device
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM places WHERE kind = 'device' AND place = ?`, device(from.Device)).Scan(&n); err != nil {
		return SignedIn{}, fmt.Errorf("identity: places: %w", err)
	}
	if n == 0 {
		signed.Device, _ = newToken()
	}
	if err := rememberPlace(ctx, tx, p.ID, "device", device(signed.Device), d.now()); err != nil {
		return SignedIn{}, err
	}
	if err := rememberPlace(ctx, tx, p.ID, "address", network(from.Address), d.now()); err != nil {
		return SignedIn{}, err
	}
	return signed, d.note(ctx, tx, Actor{Person: p, Address: from.Address}, "session.sign_in", string(p.ID),
		map[string]any{"session": signed.Session.ID})
}

// credentials gives who has a login, and their password's hash; nobody is no error.
func (d *Directory) credentials(ctx context.Context, login string) (protocol.Person, string, error) {
	return credentialsIn(ctx, d.db.Read(), login)
}

func credentialsIn(ctx context.Context, q querier, login string) (p protocol.Person, hash string, err error) {
	err = q.QueryRowContext(ctx, `SELECT `+personColumns+`, people.password FROM people WHERE login = ?`, login).
		Scan(append(personFields(&p), &hash)...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return protocol.Person{}, "", fmt.Errorf("identity: credentials: %w", err)
	}
	return p, hash, nil
}

// attempt asks the throttle for leave to check a password.
func (d *Directory) attempt(ctx context.Context, person protocol.PersonID, login string, from Client) (*attempt, error) {
	known, knownDevice, err := knows(ctx, d.db.Read(), person, from)
	if err != nil {
		return nil, err
	}
	cookie := ""
	if knownDevice {
		cookie = device(from.Device)
	}
	a, wait := d.throttle.begin(login, from.Address, cookie, known, d.now())
	if a == nil {
		return nil, &protocol.Refusal{Code: protocol.CodeRateLimited, RetryAfter: int(wait/time.Millisecond) + 1}
	}
	return a, nil
}

// knows says whether a person has signed in from this address, and with this device cookie.
func knows(ctx context.Context, q querier, person protocol.PersonID, from Client) (address, cookie bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT
		EXISTS (SELECT 1 FROM places WHERE person = ?1 AND kind = 'address' AND place = ?2),
		EXISTS (SELECT 1 FROM places WHERE person = ?1 AND kind = 'device' AND place = ?3)`,
		string(person), network(from.Address), device(from.Device)).Scan(&address, &cookie)
	if err != nil {
		return false, false, fmt.Errorf("identity: places: %w", err)
	}
	return address, cookie, nil
}

// device is what is stored of a device cookie.
func device(cookie string) string { return hex.EncodeToString(digest(cookie)) }

func rememberPlace(ctx context.Context, tx *sql.Tx, person protocol.PersonID, kind, place string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO places (person, kind, place, seen) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET seen = excluded.seen`, string(person), kind, place, now.UnixMilli()); err != nil {
		return fmt.Errorf("identity: places: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM places WHERE person = ?1 AND kind = ?2 AND place IN (
		SELECT place FROM places WHERE person = ?1 AND kind = ?2 ORDER BY seen DESC LIMIT -1 OFFSET ?3)`,
		string(person), kind, maxPlaces); err != nil {
		return fmt.Errorf("identity: places: %w", err)
	}
	return nil
}

func forgetPlaces(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM places WHERE seen < ?`, now.Add(-placesLast).UnixMilli()); err != nil {
		return fmt.Errorf("identity: places: %w", err)
	}
	return nil
}

// ChangePassword sets a new password for the person of a session and ends their other
// sign-ins. CodeUnauthenticated, CodeWrongPassword, CodeRateLimited, CodeWeakPassword.
func (d *Directory) ChangePassword(ctx context.Context, id SessionID, c protocol.PasswordChange, from Client) (ended []Ended, err error) {
	s, err := d.session(ctx, `sessions.id = ?`, string(id))
	if err != nil {
		return nil, err
	}
	_, stored, err := d.credentials(ctx, s.Person.Login)
	if err != nil {
		return nil, err
	}
	a, err := d.attempt(ctx, s.Person.ID, s.Person.Login, from) // who finds an open page must not guess faster
	if err != nil {
		return nil, err
	}
	fits, _, err := d.hasher.check(ctx, c.Old, stored)
	if err != nil {
		a.withdrawn()
		return nil, err
	}
	if !fits {
		return nil, &protocol.Refusal{Code: protocol.CodeWrongPassword, Field: "old"}
	}
	a.succeeded()
	if err := checkPassword(c.New, s.Person.Login, "new"); err != nil {
		return nil, err
	}
	if c.New == c.Old {
		return nil, &protocol.Refusal{Code: protocol.CodeWeakPassword, Field: "new"}
	}
	hash, err := d.hasher.make(ctx, c.New)
	if err != nil {
		return nil, err
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := d.sessionIn(ctx, tx, `sessions.id = ?`, string(id)); err != nil {
			return err
		}
		if _, still, err := credentialsIn(ctx, tx, s.Person.Login); err != nil {
			return err
		} else if still != stored {
			return &protocol.Refusal{Code: protocol.CodeConflict} // it was changed meanwhile
		}
		_, known, err := knows(ctx, tx, s.Person.ID, from)
		if err != nil {
			return err
		}
		if err := setPassword(ctx, tx, s.Person.ID, hash, false); err != nil {
			return err
		}
		if known { // else it may have been planted; see enter
			if err := rememberPlace(ctx, tx, s.Person.ID, "device", device(from.Device), d.now()); err != nil {
				return err
			}
		}
		if err := rememberPlace(ctx, tx, s.Person.ID, "address", network(from.Address), d.now()); err != nil {
			return err
		}
		if ended, err = endSessions(ctx, tx, s.Person.ID, id, reasonAll); err != nil {
			return err
		}
		return d.note(ctx, tx, Actor{Person: s.Person, Address: from.Address}, "password.change", string(s.Person.ID),
			map[string]any{"ended": len(ended)})
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}
