package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tarasul/signaling/audit"
	"tarasul/signaling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func start(t *testing.T, entries int) (*store.DB, *audit.Log) {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), audit.Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	now := noon
	log := audit.New(db, func() time.Time { now = now.Add(time.Second); return now })
	for i := range entries {
		e := audit.Entry{Who: "p1", From: "10.0.0.7", Action: "person.save", Object: fmt.Sprint("p", i), Detail: map[string]any{"disabled": i%2 == 0}}
		if err := log.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return db, log
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	_, log := start(t, 5)
	if err := log.Write(t.Context(), audit.Entry{Action: "server.start"}); err != nil {
		t.Fatal(err)
	}
	head, err := log.Verify(t.Context())
	if err != nil || head.Seq != 6 {
		t.Fatalf("got %d %v", head.Seq, err)
	}
	page, err := log.Page(t.Context(), 0, 2)
	if err != nil || len(page) != 2 || page[0].Seq != 6 || page[1].Seq != 5 {
		t.Fatalf("the newest: %+v %v", page, err)
	}
	if r := page[0]; r.Action != "server.start" || r.Detail != "{}" || r.Who != "" || r.Hash != head.Hash {
		t.Errorf("got %+v", r)
	}
	if r := page[1]; r.Who != "p1" || r.From != "10.0.0.7" || r.Object != "p4" || r.Detail != `{"disabled":true}` || !r.At.Equal(noon.Add(5*time.Second)) {
		t.Errorf("got %+v", r)
	}
	page, err = log.Page(t.Context(), 5, 100)
	if err != nil || len(page) != 4 || page[0].Seq != 4 {
		t.Errorf("older ones: %+v %v", page, err)
	}
}

func TestAnEntryIsThereExactlyIfItsActIs(t *testing.T) {
	db, log := start(t, 1)
	wrong := errors.New("the act failed after it was written down")
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if err := log.Append(t.Context(), tx, audit.Entry{Action: "person.save"}); err != nil {
			return err
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Fatal(err)
	}
	if head, err := log.Verify(t.Context()); err != nil || head.Seq != 1 {
		t.Errorf("got %d %v, want 1 record", head.Seq, err)
	}
	// Two acts in one transaction are two records.
	if err := db.Write(t.Context(), func(tx *sql.Tx) error {
		return errors.Join(log.Append(t.Context(), tx, audit.Entry{Action: "a"}), log.Append(t.Context(), tx, audit.Entry{Action: "b"}))
	}); err != nil {
		t.Fatal(err)
	}
	if head, err := log.Verify(t.Context()); err != nil || head.Seq != 3 {
		t.Errorf("got %d %v, want 3 records", head.Seq, err)
	}
}

func TestAnEntryThatSaysNothingIsRefused(t *testing.T) {
	_, log := start(t, 0)
	for name, e := range map[string]audit.Entry{"no action": {Who: "p1"}, "no JSON": {Action: "x", Detail: func() {}}} {
		if err := log.Write(t.Context(), e); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestTheDatabaseRefusesToChangeARecord(t *testing.T) {
	db, log := start(t, 3)
	for _, statement := range []string{
		`UPDATE audit SET who = 'p2' WHERE seq = 2`,
		`DELETE FROM audit WHERE seq = 3`,
		`DELETE FROM audit`,
		`INSERT OR REPLACE INTO audit (seq, at, who, origin, action, object, detail, hash) VALUES (2, 0, '', '', 'x', '', '{}', x'00')`,
		`INSERT INTO audit (seq, at, who, origin, action, object, detail, hash) VALUES (9, 0, '', '', 'x', '', '{}', x'00')`,
		`INSERT INTO audit (seq, at, who, origin, action, object, detail, hash) VALUES (0, 0, '', '', 'x', '', '{}', x'00')`,
	} {
		if err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(statement); return err }); err == nil {
			t.Errorf("the database took %s", statement)
		}
	}
	if head, err := log.Verify(t.Context()); err != nil || head.Seq != 3 {
		t.Errorf("got %d %v", head.Seq, err)
	}
}

// Somebody with the file and a database tool can take the triggers away.
func TestTamperingIsFound(t *testing.T) {
	const disarm = `DROP TRIGGER audit_insert; DROP TRIGGER audit_update; DROP TRIGGER audit_delete;`
	for name, test := range map[string]struct {
		statements string
		seq        int64
	}{
		"another person":                {`UPDATE audit SET who = 'p2' WHERE seq = 4`, 4},
		"another time":                  {`UPDATE audit SET at = at + 1 WHERE seq = 4`, 4},
		"another address":               {`UPDATE audit SET origin = '10.0.0.8' WHERE seq = 4`, 4},
		"another action":                {`UPDATE audit SET action = 'person.look' WHERE seq = 4`, 4},
		"another detail":                {`UPDATE audit SET detail = '{}' WHERE seq = 4`, 4},
		"text moved to the next":        {`UPDATE audit SET who = 'p', origin = '110.0.0.7' WHERE seq = 4`, 4},
		"another hash":                  {`UPDATE audit SET hash = zeroblob(32) WHERE seq = 4`, 4},
		"half a hash":                   {`UPDATE audit SET hash = x'00' WHERE seq = 4`, 4},
		"one removed":                   {`DELETE FROM audit WHERE seq = 4`, 4},
		"one removed, gap closed":       {`DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4`, 4},
		"the first removed":             {`DELETE FROM audit WHERE seq = 1`, 1},
		"two exchanged":                 {`UPDATE audit SET seq = -4 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = -4`, 4},
		"one put before the first":      {`INSERT INTO audit SELECT 0, at, who, origin, action, object, detail, hash FROM audit WHERE seq = 1`, 1},
		"the end cut off":               {`DELETE FROM audit WHERE seq > 5`, 7},
		"everything thrown away":        {`DELETE FROM audit`, 7},
		"one written twice":             {`INSERT INTO audit SELECT 8, at, who, origin, action, object, detail, hash FROM audit WHERE seq = 7`, 8},
		"nothing (the other way round)": {`SELECT 1`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			db, log := start(t, 7)
			noted, err := log.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(disarm + test.statements); return err }); err != nil {
				t.Fatal(err)
			}
			_, err = log.Verify(context.Background(), noted)
			var broken *audit.Broken
			if test.seq == 0 {
				if err != nil {
					t.Errorf("nothing was done, and got %v", err)
				}
			} else if !errors.As(err, &broken) || broken.Seq != test.seq {
				t.Errorf("got %v, want a break at record %d", err, test.seq)
			}
		})
	}
}

func TestAChainThatIsWrittenAnewIsFoundByTheNotedHead(t *testing.T) {
	_, log := start(t, 4)
	noted, err := log.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, forged := start(t, 3)
	if err := forged.Write(t.Context(), audit.Entry{Action: "nothing.happened"}); err != nil {
		t.Fatal(err)
	}
	var broken *audit.Broken
	if _, err := forged.Verify(t.Context(), noted); !errors.As(err, &broken) || broken.Seq != 4 {
		t.Errorf("got %v", err)
	}
}
