package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tarasul/signaling/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var notes = store.Schema{Name: "notes", Migrations: []string{
	`CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`,
}}

func open(t *testing.T, dir string, schemas ...store.Schema) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dir, schemas...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func add(db *store.DB, text string) error {
	return db.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO notes (text) VALUES (?)`, text)
		return err
	})
}

func count(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRow(`SELECT count(*) FROM notes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEveryConnectionIsSafe(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	check := func(where string, query func(string) *sql.Row, want map[string]string) {
		t.Helper()
		for pragma, value := range want {
			var got string
			if err := query("PRAGMA " + pragma).Scan(&got); err != nil || got != value {
				t.Errorf("%s: %s is %q (%v), want %q", where, pragma, got, err, value)
			}
		}
	}
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		check("writer", func(q string) *sql.Row { return tx.QueryRow(q) }, map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2", "query_only": "0"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	check("reader", func(q string) *sql.Row { return db.Read().QueryRow(q) }, map[string]string{
		"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2", "query_only": "1"})
	if _, err := db.Read().Exec(`INSERT INTO notes (text) VALUES ('x')`); err == nil {
		t.Error("a reader could write")
	}
}

func TestAWriteHappensAsAWholeOrNotAtAll(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	wrong := errors.New("wrong")
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO notes (text) VALUES ('half')`); err != nil {
			return err
		}
		return wrong
	}); err != wrong {
		t.Errorf("Write gave %v, want the error of its function as it is", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.Write(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(`INSERT INTO notes (text) VALUES ('half')`); err != nil {
				return err
			}
			panic("a bug")
		})
	}()
	if n := count(t, db); n != 0 {
		t.Errorf("%d notes of writes that failed", n)
	}
	if err := add(db, "whole"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

func TestACancelledWriteLeavesNothingAndHoldsNobodyUp(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	ctx, cancel := context.WithCancel(t.Context())
	if err := db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO notes (text) VALUES ('late')`); err != nil {
			return err
		}
		cancel()
		return nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("Write gave %v, want %v", err, context.Canceled)
	}
	if err := add(db, "next"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

func TestManyWritersTakeTurns(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if err := add(db, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != 200 {
		t.Errorf("%d notes, want 200", n)
	}
}

func TestTheQueueOfWritersIsBounded(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.Write(context.Background(), func(*sql.Tx) error { close(entered); <-release; return nil })
	})
	<-entered
	results := make(chan error, 600)
	for range 600 {
		wg.Go(func() { results <- add(db, "x") })
	}
	if err := <-results; !errors.Is(err, store.ErrBusy) { // the only ones that can end now
		t.Errorf("got %v, want %v", err, store.ErrBusy)
	}
	close(release)
	wg.Wait()
	close(results)
	busy := 1
	for err := range results {
		if errors.Is(err, store.ErrBusy) {
			busy++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n := count(t, db); n+busy != 600 {
		t.Errorf("%d written and %d refused of 600", n, busy)
	}
}

func TestAReaderWaitsForNoWriterAndSeesOneState(t *testing.T) {
	db := open(t, t.TempDir(), notes)
	if err := add(db, "before"); err != nil {
		t.Fatal(err)
	}
	reader, err := db.Read().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Rollback()
	seen := func() (n int) {
		if err := reader.QueryRow(`SELECT count(*) FROM notes`).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO notes (text) VALUES ('after')`); err != nil {
			return err
		}
		if n := seen(); n != 1 {
			t.Errorf("%d notes in the middle of the write, want 1", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := seen(); n != 1 {
		t.Errorf("%d notes in the same transaction, want 1", n)
	}
}

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir, notes)
	if err != nil {
		t.Fatal(err)
	}
	if err := add(db, "from the first release"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	later := store.Schema{Name: "notes", Migrations: append(notes.Migrations[:1:1],
		`ALTER TABLE notes ADD COLUMN tag TEXT NOT NULL DEFAULT 'none'; CREATE INDEX tags ON notes (tag)`)}
	for range 2 { // the second time there is nothing to do
		db, err = store.Open(t.Context(), dir, later)
		if err != nil {
			t.Fatal(err)
		}
		var text, tag string
		if err := db.Read().QueryRow(`SELECT text, tag FROM notes`).Scan(&text, &tag); err != nil || text != "from the first release" || tag != "none" {
			t.Errorf("got %q %q %v", text, tag, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	edited := store.Schema{Name: "notes", Migrations: []string{notes.Migrations[0] + ` `, later.Migrations[1]}}
	for name, test := range map[string]struct {
		schema store.Schema
		want   error
	}{
		"a release that is older than the database": {notes, store.ErrNewer},
		"a migration that was edited":               {edited, store.ErrChanged},
	} {
		if _, err := store.Open(t.Context(), dir, test.schema); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if _, err := store.Open(t.Context(), dir, later, later); err == nil {
		t.Error("one schema was taken twice")
	}
}

func TestAMigrationThatFailsLeavesTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	broken := store.Schema{Name: "notes", Migrations: append(notes.Migrations[:1:1], `CREATE TABLE half (id INTEGER); nonsense`)}
	if _, err := store.Open(t.Context(), dir, broken); err == nil {
		t.Fatal("nonsense was applied")
	}
	db := open(t, dir, notes) // also: the failed Open has let go of the directory
	if err := add(db, "x"); err != nil {
		t.Error(err)
	}
	var name string
	if err := db.Read().QueryRow(`SELECT name FROM sqlite_schema WHERE name = 'half'`).Scan(&name); err != sql.ErrNoRows {
		t.Errorf("half a migration is there: %q %v", name, err)
	}
}

func TestTheFileIsWholeAfterClose(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir, notes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := add(db, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if err := add(db, "too late"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Write after Close gave %v", err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	backup := t.TempDir()
	if err := os.WriteFile(filepath.Join(backup, store.FileName), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, backup, notes)); n != 10 {
		t.Errorf("the copy has %d notes, want 10", n)
	}
}

func TestCloseWaitsForTheWriteUnderWay(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir, notes)
	if err != nil {
		t.Fatal(err)
	}
	entered, release, wrote := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		wrote <- db.Write(context.Background(), func(tx *sql.Tx) error {
			close(entered)
			<-release
			_, err := tx.Exec(`INSERT INTO notes (text) VALUES ('x')`)
			return err
		})
	}()
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	close(release)
	if err := errors.Join(<-wrote, <-closed); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, dir, notes)); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}

func TestOnlyTheOwnerMayReadTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a directory? with 100% odd #signs", "تراسل")
	db := open(t, dir, notes)
	if err := add(db, "x"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
		found = found || strings.HasPrefix(f.Name(), store.FileName)
	}
	if !found {
		t.Errorf("no database in %v", files)
	}
}
