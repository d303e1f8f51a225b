// Package meeting is the ministry's meetings: the cards that are stored (Cards), and the
// rules of one that runs (Room).
//
// Who may come in, who is chair and what each may do is decided here and nowhere else;
// what is not allowed is refused. Somebody who was removed or refused is barred from that
// meeting, in the store: an older link, an older socket, arriving early, a restart of the
// server or being invited through their unit does not help. They come in again only if a
// chair lets them (Room.Admit), or who manages the meeting, not they themselves, puts
// them on the list of invited people anew.
//
// The package knows nothing of sockets, media or the clock: Room is driven with values,
// Cards writes down what Room says.
package meeting

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tarasul/signaling/audit"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema {
	return store.Schema{Name: "meeting", Migrations: []string{`
CREATE TABLE meetings (
	id         TEXT PRIMARY KEY,
	title      TEXT    NOT NULL, -- JSON
	starts     INTEGER NOT NULL,
	minutes    INTEGER NOT NULL,
	status     TEXT    NOT NULL,
	chair      TEXT    NOT NULL,
	created_by TEXT    NOT NULL,
	lobby      INTEGER NOT NULL,
	locked     INTEGER NOT NULL,
	share      TEXT    NOT NULL,
	begun      INTEGER NOT NULL  -- when a chair first sat in it; 0: never
) STRICT;
CREATE INDEX meetings_starts ON meetings (starts);
CREATE INDEX meetings_open ON meetings (status) WHERE status = 'open';
CREATE TABLE meeting_people (
	meeting TEXT NOT NULL REFERENCES meetings (id),
	person  TEXT NOT NULL,
	PRIMARY KEY (meeting, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE meeting_units (
	meeting TEXT NOT NULL REFERENCES meetings (id),
	unit    TEXT NOT NULL,
	PRIMARY KEY (meeting, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE meeting_bars (
	meeting TEXT NOT NULL REFERENCES meetings (id),
	person  TEXT NOT NULL,
	bar     TEXT NOT NULL,
	PRIMARY KEY (meeting, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE meeting_sittings (
	id      INTEGER PRIMARY KEY,
	meeting TEXT    NOT NULL REFERENCES meetings (id),
	person  TEXT    NOT NULL,
	joined  INTEGER NOT NULL,
	until   INTEGER NOT NULL, -- 0: still there
	reason  TEXT    NOT NULL
) STRICT;
CREATE INDEX meeting_sittings_of ON meeting_sittings (meeting, person);
CREATE UNIQUE INDEX meeting_sittings_now ON meeting_sittings (meeting, person) WHERE until = 0;
`}}
}

// Limits of a card.
const (
	maxPeople  = 500
	maxUnits   = 200
	maxMinutes = 24 * 60
	maxListed  = 500
	farthest   = 2 * 366 * 24 * time.Hour // ahead
	longAgo    = 24 * time.Hour           // a start that was this long ago is a mistake
)

// Cards are the stored meetings. They may be used from any goroutine. Errors that a
// person can do something about are *protocol.Refusal.
type Cards struct {
	cfg    Config
	db     *store.DB
	people *identity.Directory
	log    *audit.Log
	now    func() time.Time
}

// NewCards gives the meetings in db.
func NewCards(cfg Config, db *store.DB, people *identity.Directory, log *audit.Log, now func() time.Time) (*Cards, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("meeting: %w", err)
	}
	return &Cards{cfg, db, people, log, now}, nil
}

// querier is a transaction or the pool of readers.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// load gives the cards that a condition selects, in order of their start.
func (c *Cards) load(ctx context.Context, q querier, condition string, args ...any) ([]Card, error) {
	rows, err := q.QueryContext(ctx, `
SELECT id, title, starts, minutes, status, chair, created_by, lobby, locked, share, begun,
	(SELECT json_group_array(person) FROM meeting_people WHERE meeting = m.id),
	(SELECT json_group_array(unit) FROM meeting_units WHERE meeting = m.id),
	(SELECT json_group_object(person, bar) FROM meeting_bars WHERE meeting = m.id)
FROM meetings AS m WHERE `+condition+` ORDER BY starts, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("meeting: load: %w", err)
	}
	defer rows.Close()
	var out []Card
	for rows.Next() {
		var card Card
		var title, people, units, bars string
		if err := rows.Scan(&card.ID, &title, &card.Starts, &card.Minutes, &card.Status, &card.Chair, &card.CreatedBy,
			&card.Lobby, &card.Locked, &card.Share, &card.Begun, &people, &units, &bars); err != nil {
			return nil, fmt.Errorf("meeting: load: %w", err)
		}
		for text, into := range map[*string]any{&title: &card.Title, &people: &card.People, &units: &card.Units, &bars: &card.Bars} {
			if err := json.Unmarshal([]byte(*text), into); err != nil {
				return nil, fmt.Errorf("meeting: load %s: %w", card.ID, err)
			}
		}
		// A meeting ends by itself some time after its planned end, if nobody is in it.
		end := time.UnixMilli(int64(card.Starts)).Add(time.Duration(card.Minutes)*time.Minute + c.cfg.Linger)
		if card.Status == protocol.MeetingScheduled && !c.now().Before(end) {
			card.Status = protocol.MeetingEnded
		}
		out = append(out, card)
	}
	return out, rows.Err()
}

func (c *Cards) one(ctx context.Context, q querier, id protocol.MeetingID) (Card, error) {
	cards, err := c.load(ctx, q, `id = ?`, string(id))
	if err != nil {
		return Card{}, err
	}
	if len(cards) == 0 {
		return Card{}, refuse(protocol.CodeNotFound)
	}
	return cards[0], nil
}

// Card gives a meeting to the server itself, whoever may see it. CodeNotFound.
func (c *Cards) Card(ctx context.Context, id protocol.MeetingID) (Card, error) {
	return c.one(ctx, c.db.Read(), id)
}

// Look gives a meeting to person, who may have only its link: those who see it, and with
// a lobby everyone. Else CodeNotFound.
func (c *Cards) Look(ctx context.Context, person protocol.Person, id protocol.MeetingID) (Card, error) {
	card, err := c.Card(ctx, id)
	if err == nil && !card.Sees(person) && !card.Lobby {
		return Card{}, refuse(protocol.CodeNotFound)
	}
	return card, err
}

// List gives what person sees of the meetings that start in [from, to), and of all that
// are open; at most 500, the earliest first.
func (c *Cards) List(ctx context.Context, person protocol.Person, l protocol.MeetingList) ([]Card, error) {
	return c.load(ctx, c.db.Read(), `id IN (
	SELECT id FROM meetings WHERE (starts >= ?3 AND starts < ?4 OR status = 'open') AND (created_by = ?1 OR chair = ?1
		OR EXISTS (SELECT 1 FROM meeting_people WHERE meeting = meetings.id AND person = ?1)
		OR EXISTS (SELECT 1 FROM meeting_units WHERE meeting = meetings.id AND unit = ?2))
	ORDER BY starts, id LIMIT ?5)`, string(person.ID), string(person.Unit), int64(l.From), int64(l.To), maxListed)
}

// Save creates or changes a meeting; whoever asks may create one, and its creator and its
// chair may change it. If it runs, hand the card to Room.Update. CodeNotFound,
// CodeForbidden, CodeEnded, CodeInvalid with Field.
func (c *Cards) Save(ctx context.Context, by identity.Actor, s protocol.MeetingSave) (Card, error) {
	card, err := c.clean(by, s)
	if err != nil {
		return Card{}, err
	}
	known, err := c.known(ctx)
	if err != nil {
		return Card{}, err
	}
	if !known.people[by.Person.ID] {
		return Card{}, refuse(protocol.CodeForbidden)
	}
	err = c.db.Write(ctx, func(tx *sql.Tx) error {
		former, action := Card{}, "meeting.create"
		if s.ID != "" {
			action = "meeting.change"
			if former, err = c.managed(ctx, tx, by, s.ID); err != nil {
				return err
			}
			if former.over() {
				return refuse(protocol.CodeEnded)
			}
			if s.Chair == "" {
				card.Chair = former.Chair
			}
			card.CreatedBy = former.CreatedBy
		} else {
			card.ID = protocol.MeetingID(strings.ToLower(rand.Text()))
		}
		if err := known.check(card, former, c.now()); err != nil {
			return err
		}
		if err := put(ctx, tx, card); err != nil {
			return err
		}
		for _, p := range readmitted(by.Person.ID, card, former) {
			if err := c.write(ctx, tx, by, card.ID, Readmitted{Person: p, By: by.Person.ID}); err != nil {
				return err
			}
		}
		if card, err = c.one(ctx, tx, card.ID); err != nil {
			return err
		}
		return c.log.Append(ctx, tx, audit.Entry{Who: by.Person.ID, From: by.Address, Action: action, Object: string(card.ID),
			Detail: map[string]any{"starts": card.Starts, "minutes": card.Minutes, "chair": card.Chair, "people": card.People, "units": card.Units,
				"lobby": card.Lobby, "share": card.Share}})
	})
	if err != nil {
		return Card{}, err
	}
	return card, nil
}

// clean checks all of a request that can be checked without the store.
func (c *Cards) clean(by identity.Actor, s protocol.MeetingSave) (Card, error) {
	card := Card{Meeting: protocol.Meeting{ID: s.ID, Starts: s.Starts, Minutes: s.Minutes, Status: protocol.MeetingScheduled,
		Chair: s.Chair, CreatedBy: by.Person.ID, Lobby: s.Lobby, Share: s.Share}}
	var ok bool
	if card.Title, ok = s.Title.Clean(protocol.MaxTitleRunes); !ok || card.Title.Empty() {
		return Card{}, invalid("title")
	}
	if card.Starts == 0 {
		card.Starts = millis(c.now())
	}
	if card.Minutes < 1 || card.Minutes > maxMinutes {
		return Card{}, invalid("minutes")
	}
	if card.Chair == "" {
		card.Chair = by.Person.ID
	}
	switch card.Share {
	case "":
		card.Share = protocol.ShareEveryone
	case protocol.ShareEveryone, protocol.ShareChairs:
	default:
		return Card{}, invalid("share")
	}
	if len(s.People) > maxPeople {
		return Card{}, invalid("people")
	}
	if len(s.Units) > maxUnits {
		return Card{}, invalid("units")
	}
	card.People = slices.Compact(slices.Sorted(slices.Values(s.People)))
	card.Units = slices.Compact(slices.Sorted(slices.Values(s.Units)))
	return card, nil
}

// known is who and what there is to be invited; people to whether they are not disabled.
type known struct {
	people map[protocol.PersonID]bool
	units  map[protocol.UnitID]bool
}

func (c *Cards) known(ctx context.Context) (known, error) {
	k := known{map[protocol.PersonID]bool{}, map[protocol.UnitID]bool{}}
	people, err := c.people.People(ctx)
	if err != nil {
		return known{}, err
	}
	for _, p := range people {
		k.people[p.ID] = !p.Disabled
	}
	units, err := c.people.Units(ctx)
	if err != nil {
		return known{}, err
	}
	for _, u := range units {
		k.units[u.ID] = true
	}
	return k, nil
}

// check refuses who cannot come and a time that cannot be meant. What was so before may
// stay: an ambassador who has left must not keep a meeting from being moved.
func (k known) check(card, former Card, now time.Time) error {
	if card.Chair != former.Chair && !k.people[card.Chair] {
		return invalid("chair")
	}
	for _, p := range card.People {
		if !k.people[p] && !slices.Contains(former.People, p) {
			return invalid("people")
		}
	}
	for _, u := range card.Units {
		if !k.units[u] {
			return invalid("units")
		}
	}
	starts := time.UnixMilli(int64(card.Starts))
	if card.Starts != former.Starts && (starts.Before(now.Add(-longAgo)) || starts.After(now.Add(farthest))) {
		return invalid("starts")
	}
	return nil
}

// readmitted is whom a change invites who was barred: people who were not on the list
// before, and a new chair; never the one who makes the change.
func readmitted(by protocol.PersonID, card, former Card) (out []protocol.PersonID) {
	for p := range former.Bars {
		if p != by && (slices.Contains(card.People, p) && !slices.Contains(former.People, p) || p == card.Chair && p != former.Chair) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// managed gives a card to somebody who manages it. Who sees it and does not gets
// CodeForbidden, everybody else CodeNotFound.
func (c *Cards) managed(ctx context.Context, tx *sql.Tx, by identity.Actor, id protocol.MeetingID) (Card, error) {
	card, err := c.one(ctx, tx, id)
	switch {
	case err != nil:
		return Card{}, err
	case card.manages(by.Person.ID):
		return card, nil
	case card.Sees(by.Person):
		return Card{}, refuse(protocol.CodeForbidden)
	}
	return Card{}, refuse(protocol.CodeNotFound)
}

// put writes what a change of the card may change; what is running is left alone.
func put(ctx context.Context, tx *sql.Tx, card Card) error {
	title, err := json.Marshal(card.Title)
	if err != nil {
		return fmt.Errorf("meeting: save: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO meetings (id, title, starts, minutes, status, chair, created_by, lobby, locked, share, begun)
VALUES (?, ?, ?, ?, 'scheduled', ?, ?, ?, 0, ?, 0)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, starts = excluded.starts, minutes = excluded.minutes, chair = excluded.chair,
	lobby = excluded.lobby, share = excluded.share`,
		string(card.ID), string(title), int64(card.Starts), card.Minutes, string(card.Chair), string(card.CreatedBy), card.Lobby,
		string(card.Share)); err != nil {
		return fmt.Errorf("meeting: save: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM meeting_people WHERE meeting = ?1; DELETE FROM meeting_units WHERE meeting = ?1`,
		string(card.ID)); err != nil {
		return fmt.Errorf("meeting: save: %w", err)
	}
	for _, p := range card.People {
		if _, err := tx.ExecContext(ctx, `INSERT INTO meeting_people (meeting, person) VALUES (?, ?)`, string(card.ID), string(p)); err != nil {
			return fmt.Errorf("meeting: save: %w", err)
		}
	}
	for _, u := range card.Units {
		if _, err := tx.ExecContext(ctx, `INSERT INTO meeting_units (meeting, unit) VALUES (?, ?)`, string(card.ID), string(u)); err != nil {
			return fmt.Errorf("meeting: save: %w", err)
		}
	}
	return nil
}

// Cancel cancels a meeting. One that is cancelled already is no error; CodeConflict if it
// runs (end it), CodeEnded if it is over, CodeForbidden, CodeNotFound. If people wait for
// it to begin, hand the card to Room.Update.
func (c *Cards) Cancel(ctx context.Context, by identity.Actor, id protocol.MeetingID) (card Card, err error) {
	err = c.db.Write(ctx, func(tx *sql.Tx) error {
		if card, err = c.managed(ctx, tx, by, id); err != nil {
			return err
		}
		switch card.Status {
		case protocol.MeetingCancelled:
			return nil
		case protocol.MeetingOpen:
			return refuse(protocol.CodeConflict)
		case protocol.MeetingEnded:
			return refuse(protocol.CodeEnded)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE meetings SET status = 'cancelled' WHERE id = ?`, string(id)); err != nil {
			return fmt.Errorf("meeting: cancel: %w", err)
		}
		card.Status = protocol.MeetingCancelled
		return c.log.Append(ctx, tx, audit.Entry{Who: by.Person.ID, From: by.Address, Action: "meeting.cancel", Object: string(id)})
	})
	if err != nil {
		return Card{}, err
	}
	return card, nil
}

// Recover puts right what a crash left behind: nothing is open, nobody is seated. Call
// it once, before the first join. When people left is not known; they are written down
// as lost at this moment.
func (c *Cards) Recover(ctx context.Context) error {
	err := c.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE meetings SET status = 'scheduled' WHERE status = 'open';
			UPDATE meeting_sittings SET until = ?, reason = ? WHERE until = 0`, c.now().UnixMilli(), string(protocol.LeftLost))
		return err
	})
	if err != nil {
		return errors.Join(errors.New("meeting: recover"), err)
	}
	return nil
}
