package audit

import (
	"context"
	"database/sql"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema { panic("in the making") }

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
	Seq    int64
	At     time.Time
	Who    protocol.PersonID
	From   string
	Action string
	Object string
	Detail string // JSON
	Hash   [32]byte
}

// Log is the record.
type Log struct {
	db  *store.DB
	now func() time.Time
}

// New gives the log in db.
func New(db *store.DB, now func() time.Time) *Log { return &Log{db, now} }

// Append writes an entry in the transaction of the act itself: either both are there or
// neither.
func (l *Log) Append(ctx context.Context, tx *sql.Tx, e Entry) error { panic("in the making") }

// Write is Append in a transaction of its own.
func (l *Log) Write(ctx context.Context, e Entry) error { panic("in the making") }

// Verify reads the whole chain. A *Broken says where it does not hold.
func (l *Log) Verify(ctx context.Context) (records int64, err error) { panic("in the making") }

// Page gives at most limit records before seq (0: the newest), newest first.
func (l *Log) Page(ctx context.Context, before int64, limit int) ([]Record, error) {
	panic("in the making")
}
