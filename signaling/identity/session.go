package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tarasul/signaling/protocol"
)

// SessionID names a sign-in; it is no secret.
type SessionID string

// Session is a sign-in that holds.
type Session struct {
	ID             SessionID
	Person         protocol.Person
	ChangePassword bool // the first password must be changed before anything else
	Created        time.Time
	Seen           time.Time
	Expires        time.Time // the absolute end
	Address        string
	UserAgent      string
}

const (
	maxSessions   = 20           // of one person; the one used longest ago makes room
	maxAgentRunes = 200          // of a user agent are kept
	seenEvery     = time.Minute  // so exactly is noted when a sign-in was used
	reasonExpired = "expired"    // of protocol.SignedOut, as the next two
	reasonHere    = "sign_out"   //
	reasonAll     = "everywhere" //
	sessionFields = `sessions.id, people.first, sessions.created, sessions.seen, sessions.expires, sessions.address, sessions.agent`
	ofPeople      = ` FROM sessions JOIN people ON people.id = sessions.person `
)

// createSession signs a person in.
func (d *Directory) createSession(ctx context.Context, tx *sql.Tx, p protocol.Person, from Client) (s SignedIn, err error) {
	now := d.now()
	if s.Ended, err = trimSessions(ctx, tx, p.ID); err != nil {
		return SignedIn{}, err
	}
	agent, _ := protocol.CleanLine(from.UserAgent, maxAgentRunes) // too long or no text: empty
	s.Session = Session{ID: SessionID(newID()), Person: p, Created: now, Seen: now, Expires: now.Add(d.cfg.SessionAbsolute),
		Address: from.Address, UserAgent: agent}
	var stored []byte
	s.Token, stored = newToken()
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO sessions (id, token, person, created, seen, expires, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.Session.ID), stored, string(p.ID), now.UnixMilli(), now.UnixMilli(), s.Session.Expires.UnixMilli(), from.Address, agent); err != nil {
		return SignedIn{}, fmt.Errorf("identity: create session: %w", err)
	}
	if err := tx.QueryRowContext(ctx, `SELECT first FROM people WHERE id = ?`, string(p.ID)).Scan(&s.Session.ChangePassword); err != nil {
		return SignedIn{}, fmt.Errorf("identity: create session: %w", err)
	}
	return s, nil
}

// trimSessions makes room for one more.
func trimSessions(ctx context.Context, tx *sql.Tx, person protocol.PersonID) ([]Ended, error) {
	return end(ctx, tx, reasonExpired, `DELETE FROM sessions WHERE id IN (
		SELECT id FROM sessions WHERE person = ? ORDER BY seen DESC LIMIT -1 OFFSET ?) RETURNING id, person`, string(person), maxSessions-1)
}

// Resolve gives the sign-in of a token and notes that it was used.
// CodeUnauthenticated if it does not hold (any more).
func (d *Directory) Resolve(ctx context.Context, token string) (Session, error) {
	return d.session(ctx, `sessions.token = ?`, digest(token))
}

func (d *Directory) session(ctx context.Context, where string, arg any) (s Session, err error) {
	s, err = d.sessionIn(ctx, d.db.Read(), where, arg)
	if err != nil {
		return Session{}, err
	}
	if d.now().Sub(s.Seen) >= seenEvery {
		if err := d.Touch(ctx, s.ID); err != nil {
			return Session{}, err
		}
	}
	return s, nil
}

func (d *Directory) sessionIn(ctx context.Context, q querier, where string, arg any) (s Session, err error) {
	var created, seen, expires int64
	fields := append(personFields(&s.Person), &s.ID, &s.ChangePassword, &created, &seen, &expires, &s.Address, &s.UserAgent)
	err = q.QueryRowContext(ctx, `SELECT `+personColumns+`, `+sessionFields+ofPeople+`WHERE `+where, arg).Scan(fields...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Session{}, fmt.Errorf("identity: session: %w", err)
	}
	s.Created, s.Seen, s.Expires = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC(), time.UnixMilli(expires).UTC()
	now := d.now()
	if err != nil || s.Person.Disabled || !now.Before(s.Expires) || now.Sub(s.Seen) >= d.cfg.SessionIdle {
		return Session{}, &protocol.Refusal{Code: protocol.CodeUnauthenticated}
	}
	return s, nil
}

// Touch notes that sign-ins are in use (an open websocket on which requests come), so
// that they do not idle out. Those that have ended stay ended.
func (d *Directory) Touch(ctx context.Context, ids ...SessionID) error {
	now := d.now()
	return d.db.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `UPDATE sessions SET seen = ? WHERE id = ? AND seen > ? AND seen < ?`,
				now.UnixMilli(), string(id), now.Add(-d.cfg.SessionIdle).UnixMilli(), now.UnixMilli()); err != nil {
				return fmt.Errorf("identity: touch: %w", err)
			}
		}
		return nil
	})
}

// Sweep forgets the sign-ins that have expired, and where people signed in half a year
// ago. Call it every minute or so; Resolve refuses what has expired in any case.
func (d *Directory) Sweep(ctx context.Context) (ended []Ended, err error) {
	now := d.now()
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if ended, err = end(ctx, tx, reasonExpired, `DELETE FROM sessions WHERE expires <= ? OR seen <= ? RETURNING id, person`,
			now.UnixMilli(), now.Add(-d.cfg.SessionIdle).UnixMilli()); err != nil {
			return err
		}
		return forgetPlaces(ctx, tx, now)
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// SignOut ends one sign-in of the actor. It is no error if it has ended already.
func (d *Directory) SignOut(ctx context.Context, by Actor, id SessionID) (ended []Ended, err error) {
	return d.signOut(ctx, by, "session.sign_out", reasonHere, `DELETE FROM sessions WHERE person = ? AND id = ? RETURNING id, person`,
		string(by.Person.ID), string(id))
}

// SignOutEverywhere ends all sign-ins of the actor, the present one included.
func (d *Directory) SignOutEverywhere(ctx context.Context, by Actor) ([]Ended, error) {
	return d.signOut(ctx, by, "session.sign_out_everywhere", reasonAll, `DELETE FROM sessions WHERE person = ? RETURNING id, person`,
		string(by.Person.ID))
}

func (d *Directory) signOut(ctx context.Context, by Actor, action, reason, statement string, args ...any) (ended []Ended, err error) {
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if ended, err = end(ctx, tx, reason, statement, args...); err != nil || len(ended) == 0 {
			return err
		}
		return d.note(ctx, tx, by, action, string(by.Person.ID), map[string]any{"sessions": len(ended)})
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// endSessions ends the sign-ins of a person except one.
func endSessions(ctx context.Context, tx *sql.Tx, person protocol.PersonID, except SessionID, reason string) ([]Ended, error) {
	return end(ctx, tx, reason, `DELETE FROM sessions WHERE person = ? AND id <> ? RETURNING id, person`, string(person), string(except))
}

// end runs a DELETE that returns id and person of what it deletes.
func end(ctx context.Context, tx *sql.Tx, reason, statement string, args ...any) ([]Ended, error) {
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("identity: end sessions: %w", err)
	}
	defer rows.Close()
	var out []Ended
	for rows.Next() {
		e := Ended{Reason: reason}
		if err := rows.Scan(&e.Session, &e.Person); err != nil {
			return nil, fmt.Errorf("identity: end sessions: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
