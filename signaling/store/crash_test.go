package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"tarasul/signaling/store"
)

// crashDir makes the test binary the process that is killed.
const crashDir = "STORE_TEST_CRASH_DIR"

// writeUntilKilled writes one note after the other, two rows each, and says on standard
// output what has been acknowledged.
func writeUntilKilled(dir string) {
	db, err := store.Open(context.Background(), dir, notes)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i += 2 {
		if err := db.Write(context.Background(), func(tx *sql.Tx) error {
			for n := range 2 {
				if _, err := tx.Exec(`INSERT INTO notes (id, text) VALUES (?, ?)`, i+n+1, strings.Repeat("x", 3000)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i + 2)
	}
}

func TestWhatWasAcknowledgedIsThereAfterAKill(t *testing.T) {
	for _, acknowledged := range []int{2, 50, 700} { // before, during and after the first checkpoint
		dir := t.TempDir()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		last := 0
		read := func() bool {
			if !lines.Scan() {
				return false
			}
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			last = n
			return true
		}
		for last < acknowledged && read() {
		}
		if _, err := store.Open(t.Context(), dir, notes); !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(child.Process.Pid)) {
			t.Errorf("a second process: got %v, want %v and the first one's number", err, store.ErrInUse)
		}
		if err := child.Process.Kill(); err != nil { // SIGKILL
			t.Fatal(err)
		}
		for read() {
		}
		_ = child.Wait()

		db := open(t, dir, notes)
		n := count(t, db)
		if n < last || n > last+2 || n%2 != 0 {
			t.Errorf("%d rows, want the %d that were acknowledged, and at most one whole write more", n, last)
		}
		var verdict string
		if err := db.Read().QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("integrity: %s %v", verdict, err)
		}
	}
}

// BenchmarkDurableWrite is one small commit after the other.
func BenchmarkDurableWrite(b *testing.B) {
	db, err := store.Open(b.Context(), b.TempDir(), notes)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for b.Loop() {
		if err := add(db, "a note of about the length of a chat message"); err != nil {
			b.Fatal(err)
		}
	}
}
