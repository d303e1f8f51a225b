package meeting

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"tarasul/signaling/audit"
	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

// Store writes the facts that a room has given to disk, in one transaction, with
// what the audit must know. Call it before the room's effects are sent. By is who acted,
// nobody if the room did. CodeEnded if the meeting was cancelled before anybody sat down.
func (c *Cards) Store(ctx context.Context, by identity.Actor, id protocol.MeetingID, facts []Fact) error {
	if !slices.ContainsFunc(facts, lasting) {
		return nil
	}
	return c.db.Write(ctx, func(tx *sql.Tx) error {
		for _, f := range facts {
			if err := c.write(ctx, tx, by, id, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// lasting says whether a fact is stored at all.
func lasting(f Fact) bool {
	switch f.(type) {
	case SeatMoved, PermitChanged, SwitchChanged:
		return false
	}
	return true
}

// write stores one fact.
func (c *Cards) write(ctx context.Context, tx *sql.Tx, by identity.Actor, id protocol.MeetingID, fact Fact) error {
	exec := func(statement string, args ...any) (int64, error) {
		done, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return 0, fmt.Errorf("meeting: store %T: %w", fact, err)
		}
		return done.RowsAffected()
	}
	note := func(action string, detail any) error {
		return c.log.Append(ctx, tx, audit.Entry{Who: by.Person.ID, From: by.Address, Action: action, Object: string(id), Detail: detail})
	}
	of := func(person protocol.PersonID) any { return map[string]any{"person": person} }
	var err error
	switch f := fact.(type) {
	case Opened:
		n, err := exec(`UPDATE meetings SET status = 'open' WHERE id = ? AND status IN ('scheduled', 'open')`, string(id))
		if err != nil {
			return err
		}
		if n == 0 {
			return refuse(protocol.CodeEnded)
		}
		return note("meeting.open", nil)
	case Begun:
		_, err = exec(`UPDATE meetings SET begun = ? WHERE id = ?`, int64(f.At), string(id))
	case SeatTaken:
		_, err = exec(`INSERT INTO meeting_sittings (meeting, person, joined, until, reason) VALUES (?, ?, ?, 0, '')
			ON CONFLICT DO NOTHING`, string(id), string(f.Person), int64(f.At))
	case SeatReleased:
		_, err = exec(`UPDATE meeting_sittings SET until = ?, reason = ? WHERE meeting = ? AND person = ? AND until = 0`,
			int64(f.At), string(f.Reason), string(id), string(f.Person))
	case Emptied:
		_, err = exec(`UPDATE meetings SET status = 'scheduled' WHERE id = ? AND status = 'open'`, string(id))
	case Ended:
		if _, err = exec(`UPDATE meetings SET status = 'ended' WHERE id = ? AND status <> 'cancelled'`, string(id)); err == nil {
			err = note("meeting.end", nil)
		}
	case Barred:
		if _, err = exec(`INSERT INTO meeting_bars (meeting, person, bar) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET bar = excluded.bar`, string(id), string(f.Person), string(f.Bar)); err == nil {
			err = note("meeting."+string(f.Bar), of(f.Person))
		}
	case Readmitted:
		if _, err = exec(`DELETE FROM meeting_bars WHERE meeting = ? AND person = ?`, string(id), string(f.Person)); err == nil {
			err = note("meeting.readmitted", of(f.Person))
		}
	case ChairChanged:
		if _, err = exec(`UPDATE meetings SET chair = ? WHERE id = ?`, string(f.Chair), string(id)); err == nil {
			err = note("meeting.chair", of(f.Chair))
		}
	case SettingsChanged:
		if _, err = exec(`UPDATE meetings SET locked = ?, lobby = ?, share = ? WHERE id = ?`,
			f.Locked, f.Lobby, string(f.Share), string(id)); err == nil {
			err = note("meeting.settings", map[string]any{"locked": f.Locked, "lobby": f.Lobby, "share": f.Share})
		}
	}
	return err
}

// Sitting is one stay. Left is 0 while it lasts.
type Sitting struct {
	Person protocol.PersonID
	Joined protocol.Millis
	Left   protocol.Millis
	Reason protocol.LeftReason
}

// Attendance gives who sat in the meeting when, in order of joining.
func (c *Cards) Attendance(ctx context.Context, id protocol.MeetingID) ([]Sitting, error) {
	rows, err := c.db.Read().QueryContext(ctx, `
		SELECT person, joined, until, reason FROM meeting_sittings WHERE meeting = ? ORDER BY id`, string(id))
	if err != nil {
		return nil, fmt.Errorf("meeting: attendance: %w", err)
	}
	defer rows.Close()
	var out []Sitting
	for rows.Next() {
		var s Sitting
		if err := rows.Scan(&s.Person, &s.Joined, &s.Left, &s.Reason); err != nil {
			return nil, fmt.Errorf("meeting: attendance: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Attended says whether person has had a seat in the meeting and is not barred from it:
// those read and write its chat.
func (c *Cards) Attended(ctx context.Context, id protocol.MeetingID, person protocol.PersonID) (attended bool, err error) {
	err = c.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM meeting_sittings WHERE meeting = ?1 AND person = ?2)
		AND NOT EXISTS (SELECT 1 FROM meeting_bars WHERE meeting = ?1 AND person = ?2)`, string(id), string(person)).Scan(&attended)
	if err != nil {
		return false, fmt.Errorf("meeting: attended: %w", err)
	}
	return attended, nil
}
