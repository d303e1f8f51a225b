package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ministry is a directory in a test, with what its journal was told.
type ministry struct {
	*testing.T
	*Directory
	db *store.DB

	mu   sync.Mutex // guards all below
	at   time.Time
	acts []Act
}

func (m *ministry) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *ministry) later(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = m.at.Add(d)
}

// told gives the actions that the journal was told since the last call.
func (m *ministry) told() (out []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.acts {
		out = append(out, a.Action)
	}
	m.acts = nil
	return out
}

func empty(t *testing.T) *ministry {
	t.Helper()
	db, err := store.Open(t.Context(), t.TempDir(), Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &ministry{T: t, db: db, at: noon}
	journal := func(_ context.Context, tx *sql.Tx, a Act) error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.acts = append(m.acts, a)
		return nil
	}
	if m.Directory, err = New(Config{Cost: cheap}, db, journal, m.clock); err != nil {
		t.Fatal(err)
	}
	return m
}

// demo is a ministry of the demonstration.
func demo(t *testing.T) *ministry {
	t.Helper()
	m := empty(t)
	if _, err := m.SeedDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.told()
	return m
}

const (
	ministersPassword = "palm-lantern-2604"
	adminsPassword    = "granite-orchid-2597"
)

var office = Client{Address: "10.0.0.5", UserAgent: "Firefox"}

func (m *ministry) signIn(login, password string, from Client) SignedIn {
	m.Helper()
	in, err := m.SignIn(m.Context(), protocol.SignIn{Login: login, Password: password}, from)
	if err != nil {
		m.Fatalf("%s could not sign in: %v", login, err)
	}
	return in
}

func (m *ministry) admin() Actor {
	return Actor{Person: protocol.Person{ID: "demo-admin"}, Address: "10.0.0.9"}
}

func (m *ministry) holds(token string) bool {
	m.Helper()
	_, err := m.Resolve(m.Context(), token)
	if err != nil && refusal(err).Code != protocol.CodeUnauthenticated {
		m.Fatal(err)
	}
	return err == nil
}

func refusal(err error) protocol.Refusal {
	var r *protocol.Refusal
	if errors.As(err, &r) {
		return *r
	}
	if err != nil {
		return protocol.Refusal{Code: protocol.Code(err.Error())}
	}
	return protocol.Refusal{}
}

func sessions(ended []Ended) (out []SessionID) {
	for _, e := range ended {
		out = append(out, e.Session)
	}
	slices.Sort(out)
	return out
}

// nowhere fails if a secret is in the database's file in clear, or in what was journaled.
func (m *ministry) nowhere(secrets ...string) {
	m.Helper()
	m.mu.Lock()
	acts := fmt.Sprintf("%+v", m.acts)
	m.mu.Unlock()
	var dump strings.Builder
	for _, table := range []string{"people", "sessions", "places", "enrolment"} {
		rows, err := m.db.Read().Query("SELECT * FROM " + table)
		if err != nil {
			m.Fatal(err)
		}
		columns, _ := rows.Columns()
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				m.Fatal(err)
			}
			for _, v := range values {
				fmt.Fprintf(&dump, "%s ", *v.(*any))
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			m.Fatal(err)
		}
	}
	if dump.Len() == 0 {
		m.Fatal("nothing was looked through")
	}
	for _, s := range secrets {
		if strings.Contains(dump.String(), s) || strings.Contains(acts, s) {
			m.Errorf("%.6s... is stored in clear", s)
		}
	}
}
