package store

import (
	"context"
	"database/sql"
)

// Schema is what one feature keeps: its name, and the statements that lead from nothing
// to today's tables, in order. A migration that has been released is never edited; a
// change is a new one at the end.
type Schema struct {
	Name       string
	Migrations []string
}

// DB is the database of one node. All methods may be called from any goroutine.
type DB struct {
	write *sql.DB
	read  *sql.DB
}

// Open opens (or makes) the database in dir and brings every schema up to date.
// ErrInUse if another process has it.
func Open(ctx context.Context, dir string, schemas ...Schema) (*DB, error) { panic("in the making") }

// Write runs f in the one write transaction and returns after it is on the disk. If f
// fails, nothing has happened. f must use only tx, and must not call Write.
func (d *DB) Write(ctx context.Context, f func(tx *sql.Tx) error) error { panic("in the making") }

// Read gives the pool of connections that can only read. Each statement sees the last
// state that was committed.
func (d *DB) Read() *sql.DB { return d.read }

// Close waits for what is under way, moves the log into the file and lets go of it.
func (d *DB) Close() error { panic("in the making") }
