package identity

import (
	"context"
	"database/sql"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema { panic("in the making") }

// Config of the package. Validate fills what is zero.
type Config struct {
	SessionIdle     time.Duration // a sign-in that is not used ends after this
	SessionAbsolute time.Duration // and in any case after this
	Enrolment       time.Duration // how long the link for the first administrator lives
	HashesAtOnce    int           // password hashes computed at the same time, 0: as many as cores
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error { panic("in the making") }

// Actor is who asks, and from where. Only the ID of Person is trusted for permissions:
// role and being disabled are read again in the transaction.
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

// Directory is the ministry's people and units, and who is signed in.
type Directory struct{}

// New gives the directory in db.
func New(cfg Config, db *store.DB, journal Journal, now func() time.Time) (*Directory, error) {
	panic("in the making")
}

// Person gives one person. CodeNotFound if there is none. Online is left to the caller.
func (d *Directory) Person(ctx context.Context, id protocol.PersonID) (protocol.Person, error) {
	panic("in the making")
}

// People gives everyone, Units every unit, in a stable order.
func (d *Directory) People(ctx context.Context) ([]protocol.Person, error) { panic("in the making") }

func (d *Directory) Units(ctx context.Context) ([]protocol.Unit, error) { panic("in the making") }

// Ended is a sign-in that has ended by what was done. Reason is that of
// protocol.SignedOut.
type Ended struct {
	Session SessionID
	Person  protocol.PersonID
	Reason  string
}

// SavePerson creates or changes a person; administrators only. CodeForbidden,
// CodeNotFound, CodeInvalid with Field, CodeNameTaken, CodeWeakPassword, CodeLastAdmin.
func (d *Directory) SavePerson(ctx context.Context, by Actor, s protocol.PersonSave) (protocol.PersonSaved, []Ended, error) {
	panic("in the making")
}

// ResetPassword gives a person a new first password; administrators only.
func (d *Directory) ResetPassword(ctx context.Context, by Actor, id protocol.PersonID) (protocol.PersonSaved, []Ended, error) {
	panic("in the making")
}

// SignOutPerson ends all sign-ins of a person; administrators only.
func (d *Directory) SignOutPerson(ctx context.Context, by Actor, id protocol.PersonID) ([]Ended, error) {
	panic("in the making")
}

// SaveUnit creates or changes a unit; administrators only.
func (d *Directory) SaveUnit(ctx context.Context, by Actor, s protocol.UnitSave) (protocol.Unit, error) {
	panic("in the making")
}

// SessionID names a sign-in; it is no secret.
type SessionID string

// Session is a sign-in that holds.
type Session struct {
	ID             SessionID
	Person         protocol.Person
	ChangePassword bool // the first password must be changed before anything else
	Created        time.Time
	Seen           time.Time
	Expires        time.Time // the absolute end
	Address        string
	UserAgent      string
}

// Client says from where a sign-in comes.
type Client struct {
	Address   string
	UserAgent string
	Device    string // value of the device cookie, "" if there is none
}

// SignedIn is a new sign-in. Token goes into the session cookie, Device into a cookie
// of its own that lives for a year and survives signing out; neither is stored in clear.
type SignedIn struct {
	Session Session
	Token   string
	Device  string
}

// SignIn checks a password. CodeWrongPassword for a wrong, unknown or disabled login
// alike; CodeRateLimited with RetryAfter; CodeUnavailable if too many wait for a hash.
func (d *Directory) SignIn(ctx context.Context, s protocol.SignIn, from Client) (SignedIn, error) {
	panic("in the making")
}

// Resolve gives the sign-in of a token and notes that it was used.
// CodeUnauthenticated if it does not hold (any more).
func (d *Directory) Resolve(ctx context.Context, token string) (Session, error) {
	panic("in the making")
}

// Touch notes that sign-ins are in use (an open websocket on which requests come), so
// that they do not idle out.
func (d *Directory) Touch(ctx context.Context, ids ...SessionID) error { panic("in the making") }

// Sweep forgets the sign-ins that have expired; call it every minute or so.
func (d *Directory) Sweep(ctx context.Context) ([]Ended, error) { panic("in the making") }

// SignOut ends one sign-in of the actor, SignOutEverywhere all of them.
func (d *Directory) SignOut(ctx context.Context, by Actor, id SessionID) ([]Ended, error) {
	panic("in the making")
}

func (d *Directory) SignOutEverywhere(ctx context.Context, by Actor) ([]Ended, error) {
	panic("in the making")
}

// ChangePassword sets a new password for the person of session and ends their other
// sign-ins. CodeWrongPassword, CodeRateLimited, CodeWeakPassword.
func (d *Directory) ChangePassword(ctx context.Context, id SessionID, c protocol.PasswordChange, from Client) ([]Ended, error) {
	panic("in the making")
}

// NewEnrolment makes the one-time token that enrols the first administrator; a former
// one is void. ok is false if there is an administrator already.
func (d *Directory) NewEnrolment(ctx context.Context) (token string, ok bool, err error) {
	panic("in the making")
}

// Enrol makes the first administrator and signs them in. CodeUnauthenticated if the
// token is not good, CodeInvalid with Field, CodeWeakPassword.
func (d *Directory) Enrol(ctx context.Context, e protocol.Enrol, from Client) (SignedIn, error) {
	panic("in the making")
}

// SeedDemo makes the ministry of the demonstration where it is not there yet, and gives
// its accounts. Only ever call it on a demonstration server: the passwords are printed.
func (d *Directory) SeedDemo(ctx context.Context) ([]protocol.DemoAccount, error) {
	panic("in the making")
}
