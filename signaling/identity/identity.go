// Package identity is the ministry's people and units, their passwords, and who is
// signed in from where.
//
// It decides who is an administrator, on the server and anew in each transaction; what is
// not allowed is refused. Passwords are stored as argon2id hashes, tokens as SHA-256; no
// error, log or journal entry ever holds a password, a token, or what somebody unknown
// typed as a login. It knows nothing of meetings, messages or HTTP.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema {
	return store.Schema{Name: "identity", Migrations: []string{`
CREATE TABLE units (
	id     TEXT PRIMARY KEY,
	kind   TEXT NOT NULL,
	name   TEXT NOT NULL, -- JSON, as are all names and titles
	parent TEXT REFERENCES units (id)
) STRICT;
CREATE TABLE people (
	id       TEXT PRIMARY KEY,
	login    TEXT    NOT NULL UNIQUE, -- normalised
	name     TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	unit     TEXT    NOT NULL REFERENCES units (id),
	role     TEXT    NOT NULL,
	disabled INTEGER NOT NULL,
	password TEXT    NOT NULL, -- PHC string
	first    INTEGER NOT NULL  -- the password must be changed first
) STRICT;
CREATE TABLE sessions (
	id      TEXT PRIMARY KEY,
	token   BLOB    NOT NULL UNIQUE, -- SHA-256
	person  TEXT    NOT NULL REFERENCES people (id),
	created INTEGER NOT NULL,
	seen    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	address TEXT    NOT NULL,
	agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_person ON sessions (person, seen);
CREATE TABLE places ( -- where a person has signed in before
	person TEXT    NOT NULL REFERENCES people (id),
	kind   TEXT    NOT NULL, -- 'address', or 'device': SHA-256 of its cookie
	place  TEXT    NOT NULL,
	seen   INTEGER NOT NULL,
	PRIMARY KEY (person, kind, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE enrolment (
	only    INTEGER PRIMARY KEY CHECK (only = 1),
	token   BLOB    NOT NULL, -- SHA-256
	expires INTEGER NOT NULL
) STRICT;
`}}
}

// Config of the package. Validate fills what is zero.
type Config struct {
	SessionIdle     time.Duration // a sign-in that is not used ends after this; 12 h
	SessionAbsolute time.Duration // and in any case after this; 7 days
	Enrolment       time.Duration // how long the link for the first administrator lives; 24 h
	HashesAtOnce    int           // password hashes computed at the same time; as many as cores
	Cost            Cost          // of one password hash; DefaultCost
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	fill := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	fill(&c.SessionIdle, 12*time.Hour)
	fill(&c.SessionAbsolute, 7*24*time.Hour)
	fill(&c.Enrolment, 24*time.Hour)
	if c.HashesAtOnce == 0 {
		c.HashesAtOnce = runtime.NumCPU()
	}
	if c.Cost == (Cost{}) {
		c.Cost = DefaultCost
	}
	var errs []error
	if c.SessionIdle < time.Minute || c.SessionAbsolute < c.SessionIdle {
		errs = append(errs, errors.New("a session must last a minute idle, and not less in all"))
	}
	if c.Enrolment < time.Minute {
		errs = append(errs, errors.New("the enrolment link must live for a minute"))
	}
	if c.HashesAtOnce < 1 {
		errs = append(errs, errors.New("at least one password must be hashed at once"))
	}
	errs = append(errs, c.Cost.check())
	return errors.Join(errs...)
}

// Actor is who asks, and from where. Of Person only ID and Unit are used, and only ID is
// trusted for what administrators may: role and being disabled are read again in the
// transaction.
type Actor struct {
	Person  protocol.Person
	Address string
	console bool
}

// Console is the operator at the server's own command line, who may all that an
// administrator may. It cannot come from the network.
func Console() Actor { return Actor{Address: "console", console: true} }

// Act is what the journal is told; it converts to an audit.Entry.
type Act struct {
	Who    protocol.PersonID
	From   string
	Action string
	Object string
	Detail any
}

// Journal takes down an act in the transaction of the act itself.
type Journal func(ctx context.Context, tx *sql.Tx, a Act) error

// Directory is the ministry's people and units, and who is signed in. It may be used from
// any goroutine. Errors that a person can do something about are *protocol.Refusal.
type Directory struct {
	cfg      Config
	db       *store.DB
	journal  Journal
	now      func() time.Time
	hasher   *hasher
	throttle *throttle
}

// New gives the directory in db.
func New(cfg Config, db *store.DB, journal Journal, now func() time.Time) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return &Directory{cfg: cfg, db: db, journal: journal, now: now,
		hasher: newHasher(cfg.Cost, cfg.HashesAtOnce), throttle: newThrottle()}, nil
}

// note journals an act of an actor.
func (d *Directory) note(ctx context.Context, tx *sql.Tx, by Actor, action, object string, detail any) error {
	if err := d.journal(ctx, tx, Act{Who: by.Person.ID, From: by.Address, Action: action, Object: object, Detail: detail}); err != nil {
		return fmt.Errorf("identity: journal: %w", err)
	}
	return nil
}

// asAdministrator refuses everyone who is not one as of now.
func (d *Directory) asAdministrator(ctx context.Context, q querier, by Actor) error {
	if by.console {
		return nil
	}
	p, err := personIn(ctx, q, by.Person.ID)
	if err != nil || p.Disabled || p.Role != protocol.RoleAdministrator {
		var r *protocol.Refusal
		if err != nil && !errors.As(err, &r) {
			return err
		}
		return &protocol.Refusal{Code: protocol.CodeForbidden}
	}
	return nil
}

func invalid(field string) error {
	return &protocol.Refusal{Code: protocol.CodeInvalid, Field: field}
}

// querier is a transaction or the pool of readers.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// newID makes an identifier that nobody can guess or confuse: 16 letters and digits, 80 bits.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// newToken makes a secret of 256 bits, and what is stored of it.
func newToken() (token string, stored []byte) {
	var b [32]byte
	rand.Read(b[:])
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, digest(token)
}

// digest is what is stored of a token. A token has 256 bits of its own, so it needs
// neither salt nor slowness, and looking it up by its digest gives nothing away in time.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// text is a name or title in a column.
type text struct{ *protocol.Multilingual }

func (t text) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("identity: a name is stored as %T", v)
	}
	return json.Unmarshal([]byte(s), t.Multilingual)
}

func encode(m protocol.Multilingual) string {
	b, _ := json.Marshal(m) // three strings cannot fail
	return string(b)
}
