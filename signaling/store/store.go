// Package store opens the node's database and runs each feature's schema in it.
//
// It is the only package that knows the SQLite driver. It knows nothing of what is
// stored: tables and their rules belong to the features, which hand in a Schema and
// work on the *sql.Tx and *sql.DB given here.
//
// There is one connection that writes and a few that only read. A write that has
// returned is on the disk (WAL with synchronous=FULL); a reader never waits for the
// writer. Caches are small on purpose: the server has 64 MiB for everything.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"modernc.org/sqlite" // also registers the driver "sqlite"
)

// FileName is the database in its directory. After Close it is whole by itself and may be
// copied; while the server runs, the files beside it (-wal, -shm) belong to it.
const FileName = "tarasul.db"

// maxWaiting bounds the writes that wait for the one writer. At a millisecond each the
// last of them waits half a second; more only makes everyone late.
const maxWaiting = 512

var (
	// ErrBusy is returned by Write when too many writes wait already.
	ErrBusy = errors.New("store: too many writes are waiting")
	// ErrClosed is returned by Write after Close.
	ErrClosed = errors.New("store: closed")
)

// DB is the database of one node. All methods may be called from any goroutine.
type DB struct {
	write *sql.DB
	read  *sql.DB
	lock  *lock

	waiting chan struct{} // one token for each write that waits or runs

	mu     sync.Mutex // guards closed, and that no write begins after Close has begun
	closed bool
	writes sync.WaitGroup
}

// Open opens (or makes) the database in dir, which only this process may use until
// Close, and brings every schema up to date in the order in which they are given.
// ErrInUse if another process has it; ErrNewer or ErrChanged if the database does not
// fit the schemas.
func Open(ctx context.Context, dir string, schemas ...Schema) (_ *DB, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.release()
		}
	}()
	path := filepath.Join(dir, FileName)
	// SQLite would make the file readable for everybody; the files beside it take after it.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	// Flushing the file's timestamps too doubles what a commit costs and saves nothing.
	// Where the switch is missing, fsync is used, which is safe as well.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, fmt.Errorf("store: %w", err)
	}

	d := &DB{lock: lock, waiting: make(chan struct{}, maxWaiting)}
	if d.write, err = open(path, 1, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-8192)"); err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.write, schemas); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	if d.read, err = open(path, max(2, runtime.NumCPU()), "deferred", "query_only(1)", "cache_size(-2048)"); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	return d, nil
}

// open makes a pool of at most n connections. Begin says how a transaction begins: that of
// the writer takes the lock at once, that of a reader must never.
func open(path string, n int, begin string, pragmas ...string) (*sql.DB, error) {
	values := url.Values{"_txlock": {begin}}
	for _, p := range append([]string{"busy_timeout(5000)", "foreign_keys(1)", "temp_store(MEMORY)", "trusted_schema(0)"}, pragmas...) {
		values.Add("_pragma", p)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: values.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Write runs f in the one write transaction and returns after it is on the disk. If f
// fails, nothing has happened and Write gives f's error as it is. f must use only tx for
// what it reads and writes, and must not call Write. ErrBusy if too many wait.
func (d *DB) Write(ctx context.Context, f func(tx *sql.Tx) error) error {
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return ErrBusy
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return ErrClosed
	}
	d.writes.Add(1)
	d.mu.Unlock()
	defer d.writes.Done()

	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	defer tx.Rollback() // of no effect after Commit
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // ctx has rolled it back first
			err = ctx.Err()
		}
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

// Read gives the pool of connections that can only read. A statement sees the last state
// that was committed before it began, a transaction one state throughout.
func (d *DB) Read() *sql.DB { return d.read }

// Close waits for the writes under way, moves the write-ahead log into the file, so that
// the file is whole by itself, and lets another process have it. A second Close does nothing.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	d.writes.Wait()

	// Readers first: the log cannot be emptied while one of them stands in it.
	err := d.read.Close()
	var busy, inLog, moved int
	if e := d.write.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved); e != nil {
		err = errors.Join(err, fmt.Errorf("store: checkpoint: %w", e))
	} else if busy != 0 {
		err = errors.Join(err, errors.New("store: checkpoint: a reader is still at work"))
	}
	err = errors.Join(err, d.write.Close())
	d.lock.release()
	return err
}
