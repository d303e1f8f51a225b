package identity

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tarasul/signaling/protocol"
)

// NewEnrolment makes the one-time token that enrols the first administrator; a former
// one is void. ok is false, and there is no token, if there is an administrator already.
func (d *Directory) NewEnrolment(ctx context.Context) (token string, ok bool, err error) {
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if ok, err = unadministered(ctx, tx); err != nil || !ok {
			return err
		}
		var stored []byte
		token, stored = newToken()
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO enrolment (only, token, expires) VALUES (1, ?, ?)`,
			stored, d.now().Add(d.cfg.Enrolment).UnixMilli()); err != nil {
			return fmt.Errorf("identity: enrolment: %w", err)
		}
		return d.note(ctx, tx, Actor{}, "enrolment.open", "", nil)
	})
	if err != nil || !ok {
		return "", false, err
	}
	return token, true, nil
}

func unadministered(ctx context.Context, q querier) (bool, error) {
	var n int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE role = ? AND NOT disabled`,
		string(protocol.RoleAdministrator)).Scan(&n); err != nil {
		return false, fmt.Errorf("identity: enrolment: %w", err)
	}
	return n == 0, nil
}

// Enrol makes the first administrator, in headquarters (which is made if there is no
// unit yet), and signs them in. CodeUnauthenticated if the token is not good (any more),
// CodeInvalid with Field, CodeNameTaken, CodeWeakPassword; the token then stays good.
func (d *Directory) Enrol(ctx context.Context, e protocol.Enrol, from Client) (signed SignedIn, err error) {
	if err := d.checkEnrolment(ctx, d.db.Read(), e.Token); err != nil {
		return SignedIn{}, err // before anything that is slow
	}
	p, err := cleanPerson(protocol.PersonSave{Login: e.Login, Name: e.Name, Role: protocol.RoleAdministrator})
	if err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword(e.Password, p.Login, "password"); err != nil {
		return SignedIn{}, err
	}
	hash, err := d.hasher.make(ctx, e.Password)
	if err != nil {
		return SignedIn{}, err
	}
	p.ID = protocol.PersonID(newID())
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		// Two with the same link come here one after the other, and the second finds none.
		if err := d.checkEnrolment(ctx, tx, e.Token); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM enrolment`); err != nil {
			return fmt.Errorf("identity: enrolment: %w", err)
		}
		if p.Unit, err = firstUnit(ctx, tx); err != nil {
			return err
		}
		if err := d.createPerson(ctx, tx, Actor{Person: p, Address: from.Address}, p, hash, false); err != nil {
			return err
		}
		signed, err = d.enter(ctx, tx, p, from)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signed, nil
}

func (d *Directory) checkEnrolment(ctx context.Context, q querier, token string) error {
	refused := &protocol.Refusal{Code: protocol.CodeUnauthenticated}
	var stored []byte
	var expires int64
	err := q.QueryRowContext(ctx, `SELECT token, expires FROM enrolment`).Scan(&stored, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return refused
	}
	if err != nil {
		return fmt.Errorf("identity: enrolment: %w", err)
	}
	open, err := unadministered(ctx, q)
	if err != nil {
		return err
	}
	if !open || subtle.ConstantTimeCompare(stored, digest(token)) != 1 || !d.now().Before(time.UnixMilli(expires)) {
		return refused
	}
	return nil
}

// firstUnit is headquarters.
func firstUnit(ctx context.Context, tx *sql.Tx) (id protocol.UnitID, err error) {
	err = tx.QueryRowContext(ctx, `SELECT id FROM units ORDER BY kind <> ?, rowid LIMIT 1`, string(protocol.UnitHeadquarters)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id = protocol.UnitID(newID())
		return id, insertUnit(ctx, tx, protocol.Unit{ID: id, Kind: protocol.UnitHeadquarters,
			Name: protocol.Multilingual{Ar: "ديوان الوزارة", En: "Headquarters", Fr: "Administration centrale"}})
	}
	if err != nil {
		return "", fmt.Errorf("identity: units: %w", err)
	}
	return id, nil
}
