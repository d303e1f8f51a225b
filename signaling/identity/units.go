package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tarasul/signaling/protocol"
)

// Units gives every unit in the order in which they were made.
func (d *Directory) Units(ctx context.Context) ([]protocol.Unit, error) {
	rows, err := d.db.Read().QueryContext(ctx, `SELECT id, kind, name, coalesce(parent, '') FROM units ORDER BY rowid`)
	if err != nil {
		return nil, fmt.Errorf("identity: units: %w", err)
	}
	defer rows.Close()
	var out []protocol.Unit
	for rows.Next() {
		var u protocol.Unit
		if err := rows.Scan(&u.ID, &u.Kind, text{&u.Name}, &u.Parent); err != nil {
			return nil, fmt.Errorf("identity: units: %w", err)
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// SaveUnit creates or changes a unit; administrators only. There may be any number of
// units of each kind, and a unit may be moved under any that is not itself or below it.
// CodeForbidden, CodeNotFound, CodeInvalid with Field.
func (d *Directory) SaveUnit(ctx context.Context, by Actor, s protocol.UnitSave) (u protocol.Unit, err error) {
	u = protocol.Unit{ID: s.ID, Kind: s.Kind, Parent: s.Parent}
	var ok bool
	if u.Name, ok = s.Name.Clean(protocol.MaxNameRunes); !ok || u.Name.Empty() {
		return protocol.Unit{}, invalid("name")
	}
	switch u.Kind {
	case protocol.UnitHeadquarters, protocol.UnitDepartment, protocol.UnitMission:
	default:
		return protocol.Unit{}, invalid("kind")
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		if err := d.asAdministrator(ctx, tx, by); err != nil {
			return err
		}
		if err := checkParent(ctx, tx, u.ID, u.Parent); err != nil {
			return err
		}
		action := "unit.change"
		if u.ID == "" {
			action, u.ID = "unit.create", protocol.UnitID(newID())
			if err := insertUnit(ctx, tx, u); err != nil {
				return err
			}
		} else {
			done, err := tx.ExecContext(ctx, `UPDATE units SET kind = ?, name = ?, parent = nullif(?, '') WHERE id = ?`,
				string(u.Kind), encode(u.Name), string(u.Parent), string(u.ID))
			if err != nil {
				return fmt.Errorf("identity: change unit: %w", err)
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				return errors.Join(err, &protocol.Refusal{Code: protocol.CodeNotFound})
			}
		}
		return d.note(ctx, tx, by, action, string(u.ID), map[string]any{"kind": u.Kind, "parent": u.Parent})
	})
	if err != nil {
		return protocol.Unit{}, err
	}
	return u, nil
}

func insertUnit(ctx context.Context, tx *sql.Tx, u protocol.Unit) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO units (id, kind, name, parent) VALUES (?, ?, ?, nullif(?, ''))`,
		string(u.ID), string(u.Kind), encode(u.Name), string(u.Parent)); err != nil {
		return fmt.Errorf("identity: create unit: %w", err)
	}
	return nil
}

// checkParent walks up from a parent: every unit on the way must exist and none may be
// the unit itself, or the tree would have a ring.
func checkParent(ctx context.Context, tx *sql.Tx, unit, parent protocol.UnitID) error {
	for parent != "" {
		if parent == unit {
			return invalid("parent")
		}
		err := tx.QueryRowContext(ctx, `SELECT coalesce(parent, '') FROM units WHERE id = ?`, string(parent)).Scan(&parent)
		if errors.Is(err, sql.ErrNoRows) {
			return invalid("parent")
		}
		if err != nil {
			return fmt.Errorf("identity: %w", err)
		}
	}
	return nil
}
