package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
)

// Schema is what one feature keeps: its name, and the statements that lead from nothing
// to today's tables, in order. A migration that has been released is never edited; a
// change is a new one at the end.
type Schema struct {
	Name       string
	Migrations []string
}

var (
	// ErrNewer is returned by Open for a database that a later release has used.
	ErrNewer = errors.New("the database was used by a newer release")
	// ErrChanged is returned by Open when a migration is no longer what was applied.
	ErrChanged = errors.New("a migration that was applied has been changed")
)

const ledger = `CREATE TABLE IF NOT EXISTS migrations (
	schema  TEXT    NOT NULL,
	number  INTEGER NOT NULL,
	digest  TEXT    NOT NULL,
	PRIMARY KEY (schema, number)
) STRICT, WITHOUT ROWID`

// migrate applies what is missing, each migration in a transaction of its own together
// with its line in the ledger, so that a crash leaves a whole number of them.
func migrate(ctx context.Context, db *sql.DB, schemas []Schema) error {
	if _, err := db.ExecContext(ctx, ledger); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	seen := map[string]bool{}
	for _, s := range schemas {
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("store: schema %q is given twice or has no name", s.Name)
		}
		seen[s.Name] = true
		applied, err := digests(ctx, db, s.Name)
		if err != nil {
			return fmt.Errorf("store: schema %s: %w", s.Name, err)
		}
		if len(applied) > len(s.Migrations) {
			return fmt.Errorf("store: schema %s has %d migrations, %d are known here: %w", s.Name, len(applied), len(s.Migrations), ErrNewer)
		}
		for i, statements := range s.Migrations {
			sum := sha256.Sum256([]byte(statements))
			digest := hex.EncodeToString(sum[:])
			if i < len(applied) {
				if applied[i] != digest {
					return fmt.Errorf("store: schema %s, migration %d: %w", s.Name, i+1, ErrChanged)
				}
				continue
			}
			if err := apply(ctx, db, s.Name, i+1, digest, statements); err != nil {
				return fmt.Errorf("store: schema %s, migration %d: %w", s.Name, i+1, err)
			}
		}
	}
	return nil
}

func digests(ctx context.Context, db *sql.DB, schema string) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT digest FROM migrations WHERE schema = ? ORDER BY number`, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func apply(ctx context.Context, db *sql.DB, schema string, number int, digest, statements string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO migrations (schema, number, digest) VALUES (?, ?, ?)`, schema, number, digest); err != nil {
		return err
	}
	return tx.Commit()
}
