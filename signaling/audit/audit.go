// Package audit is the append-only record of who did what, when and from where.
//
// Every record's hash covers the record and the hash before it (SHA-256), so that a
// record that is changed, removed, inserted or moved breaks the chain from there on, and
// the database itself refuses to change or delete one. Who can rewrite the whole file
// could also compute a new chain: against them serves the Head, which operators note
// elsewhere (a log, a sheet of paper) and hand to Verify later.
//
// It knows no feature: what an action means, the feature says. It must never see
// contents, passwords or tokens.
package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run. The trigger on INSERT also stops INSERT OR REPLACE,
// which would replace a row without firing the one on DELETE.
func Schema() store.Schema {
	return store.Schema{Name: "audit", Migrations: []string{`
CREATE TABLE audit (
	seq    INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL, -- milliseconds since 1970, UTC
	who    TEXT    NOT NULL,
	origin TEXT    NOT NULL,
	action TEXT    NOT NULL,
	object TEXT    NOT NULL,
	detail TEXT    NOT NULL,
	hash   BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_insert BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit only grows at its end'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never deleted'); END;
`}}
}

// Entry is one act.
type Entry struct {
	Who    protocol.PersonID // empty: the system itself, or nobody known
	From   string            // address
	Action string            // "person.save", "meeting.cancel"
	Object string            // what it was done to
	Detail any               // encoded as JSON; facts, never contents, passwords or tokens
}

// Record is an entry as it was written.
type Record struct {
	Seq    int64 // 1, 2, 3, ...
	At     time.Time
	Who    protocol.PersonID
	From   string
	Action string
	Object string
	Detail string // JSON
	Hash   [sha256.Size]byte
}

// Head names a state of the record: everything up to Seq, in 32 bytes.
type Head struct {
	Seq  int64
	Hash [sha256.Size]byte
}

// Broken says where the record does not hold.
type Broken struct {
	Seq int64
	Why string
}

func (b *Broken) Error() string { return fmt.Sprintf("audit: record %d %s", b.Seq, b.Why) }

// Log is the record. It may be used from any goroutine.
type Log struct {
	db  *store.DB
	now func() time.Time
}

// New gives the log in db.
func New(db *store.DB, now func() time.Time) *Log { return &Log{db, now} }

// Append writes an entry in the transaction of the act itself: either both are there or
// neither.
func (l *Log) Append(ctx context.Context, tx *sql.Tx, e Entry) error {
	if e.Action == "" {
		return errors.New("audit: an entry without an action")
	}
	detail := []byte("{}")
	if e.Detail != nil {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return fmt.Errorf("audit: %s: %w", e.Action, err)
		}
	}
	var last Head
	var sum []byte
	switch err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&last.Seq, &sum); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("audit: %w", err)
	}
	copy(last.Hash[:], sum)
	r := Record{Seq: last.Seq + 1, At: l.now(), Who: e.Who, From: e.From, Action: e.Action, Object: e.Object, Detail: string(detail)}
	next := r.chain(last.Hash)
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (seq, at, who, origin, action, object, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Seq, r.At.UnixMilli(), string(r.Who), r.From, r.Action, r.Object, r.Detail, next[:]); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Write is Append in a transaction of its own.
func (l *Log) Write(ctx context.Context, e Entry) error {
	return l.db.Write(ctx, func(tx *sql.Tx) error { return l.Append(ctx, tx, e) })
}

// chain is the record's hash: every field with its length before it, so that no text can
// wander from one field into the next, after the hash of the record before.
func (r *Record) chain(before [sha256.Size]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	number(h, uint64(r.Seq))
	number(h, uint64(r.At.UnixMilli()))
	for _, s := range []string{string(r.Who), r.From, r.Action, r.Object, r.Detail} {
		number(h, uint64(len(s)))
		h.Write([]byte(s))
	}
	h.Sum(sum[:0])
	return sum
}

func number(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}

const columns = `seq, at, who, origin, action, object, detail, hash`

func scan(rows *sql.Rows) (r Record, err error) {
	var at int64
	var sum []byte
	if err := rows.Scan(&r.Seq, &at, &r.Who, &r.From, &r.Action, &r.Object, &r.Detail, &sum); err != nil {
		return r, fmt.Errorf("audit: %w", err)
	}
	r.At = time.UnixMilli(at).UTC()
	if len(sum) != len(r.Hash) {
		return r, &Broken{r.Seq, "has no whole hash"}
	}
	copy(r.Hash[:], sum)
	return r, nil
}

// Verify reads the whole chain and gives its head. A *Broken says where it does not hold,
// or that one of the heads that were noted earlier is not in it (then somebody has cut
// the end off, or written everything anew).
func (l *Log) Verify(ctx context.Context, noted ...Head) (Head, error) {
	var head Head
	rows, err := l.db.Read().QueryContext(ctx, `SELECT `+columns+` FROM audit ORDER BY seq`)
	if err != nil {
		return head, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		switch {
		case err != nil:
			return head, err
		case r.Seq != head.Seq+1:
			return head, &Broken{head.Seq + 1, "is missing"}
		case r.chain(head.Hash) != r.Hash:
			return head, &Broken{r.Seq, "is not what was written"}
		}
		head = Head{r.Seq, r.Hash}
		for _, n := range noted {
			if n.Seq == head.Seq && n.Hash != head.Hash {
				return head, &Broken{n.Seq, "is not the one that was noted"}
			}
		}
	}
	if err := rows.Err(); err != nil {
		return head, fmt.Errorf("audit: %w", err)
	}
	for _, n := range noted {
		if n.Seq > head.Seq {
			return head, &Broken{n.Seq, "was noted and is missing"}
		}
	}
	return head, nil
}

// Page gives at most limit records before seq (0: the newest), newest first.
func (l *Log) Page(ctx context.Context, before int64, limit int) ([]Record, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := l.db.Read().QueryContext(ctx, `SELECT `+columns+` FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer rows.Close()
	var out []Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
