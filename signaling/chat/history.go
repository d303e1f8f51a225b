package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tarasul/signaling/protocol"
)

// History gives a page of at most MaxPage messages, oldest first. CodeNotFound,
// CodeInvalid (thread, before).
func (t *Threads) History(ctx context.Context, by protocol.PersonID, h protocol.ChatHistory) (protocol.ChatPage, error) {
	if h.Before < 0 || h.After < 0 || h.Before > 0 && h.After > 0 {
		return protocol.ChatPage{}, &protocol.Refusal{Code: protocol.CodeInvalid, Field: "before"}
	}
	k, err := t.admit(ctx, by, h.Thread)
	if err != nil {
		return protocol.ChatPage{}, err
	}
	page, id, member, err := t.page(ctx, by, k, h)
	if err != nil {
		return protocol.ChatPage{}, err
	}
	if id != 0 && !member {
		// From now on the thread is in their list.
		if err := t.db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO chat_marks (thread, person, number) VALUES (?, ?, 0)`, id, string(by))
			return err
		}); err != nil {
			return protocol.ChatPage{}, fmt.Errorf("chat: history: %w", err)
		}
	}
	return page, nil
}

// page also gives the thread's number, and whether it is in the caller's list.
func (t *Threads) page(ctx context.Context, by protocol.PersonID, k key, h protocol.ChatHistory) (
	page protocol.ChatPage, id int64, member bool, err error,
) {
	fail := func(err error) (protocol.ChatPage, int64, bool, error) {
		return protocol.ChatPage{}, 0, false, fmt.Errorf("chat: history: %w", err)
	}
	page.Messages = []protocol.ChatMessage{}
	// One transaction, so that messages and marks are of one moment.
	tx, err := t.db.Read().BeginTx(ctx, nil)
	if err != nil {
		return fail(err)
	}
	defer tx.Rollback()
	id, last, err := find(ctx, tx, k)
	if err != nil || id == 0 {
		return page, 0, false, err
	}
	limit := int64(MaxPage)
	if h.Limit > 0 && h.Limit < MaxPage {
		limit = int64(h.Limit)
	}
	// Numbers have no gaps, so a page is a range of them.
	from := last - limit + 1
	if h.Before > 0 {
		from = min(h.Before, last+1) - limit
	} else if h.After > 0 {
		from = min(h.After, last) + 1
	}
	to := from + limit - 1
	from, to = max(1, from), min(to, last)
	rows, err := tx.QueryContext(ctx, `SELECT `+messageColumns+` FROM chat_messages WHERE thread = ? AND number BETWEEN ? AND ? ORDER BY number`,
		id, from, to)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMessage(rows, h.Thread)
		if err != nil {
			return fail(err)
		}
		page.Messages = append(page.Messages, m)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	if h.After > 0 {
		page.More = to < last
	} else {
		page.More = from > 1
	}
	if page.Read, member, err = mark(ctx, tx, id, by); err != nil {
		return fail(err)
	}
	if h.Thread.Person != "" {
		if page.PeerRead, _, err = mark(ctx, tx, id, h.Thread.Person); err != nil {
			return fail(err)
		}
	}
	return page, id, member, nil
}

func mark(ctx context.Context, q querier, thread int64, person protocol.PersonID) (number int64, member bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT number FROM chat_marks WHERE thread = ? AND person = ?`, thread, string(person)).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return number, err == nil, err
}

// Read moves the caller's read mark forward, at most to the newest message. moved is
// false if it was already there or further.
func (t *Threads) Read(ctx context.Context, by protocol.PersonID, r protocol.ChatRead) (number int64, moved bool, err error) {
	k, err := t.admit(ctx, by, r.Thread)
	if err != nil {
		return 0, false, err
	}
	err = t.db.Write(ctx, func(tx *sql.Tx) error {
		id, last, err := find(ctx, tx, k)
		if err != nil || id == 0 {
			return err
		}
		if number, _, err = mark(ctx, tx, id, by); err != nil {
			return fmt.Errorf("chat: read: %w", err)
		}
		to := min(r.Order, last)
		if to <= number {
			return nil
		}
		number, moved = to, true
		if _, err := tx.ExecContext(ctx, `INSERT INTO chat_marks (thread, person, number) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET number = excluded.number`, id, string(by), to); err != nil {
			return fmt.Errorf("chat: read: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	return number, moved, nil
}

// List gives the caller's conversations, the latest first, at most MaxPage: those with
// another person, and those of meetings that they have written in or opened and may still
// see. Unread counts the messages of others behind the read mark.
func (t *Threads) List(ctx context.Context, by protocol.PersonID) ([]protocol.ChatThread, error) {
	rows, err := t.db.Read().QueryContext(ctx, `
WITH mine (id) AS (
	SELECT id FROM chat_threads WHERE a = ?1 UNION SELECT id FROM chat_threads WHERE b = ?1 UNION SELECT thread FROM chat_marks WHERE person = ?1
)
SELECT coalesce(meeting, ''), CASE WHEN a = ?1 THEN b ELSE coalesce(a, '') END,
	m.id, m.number, m.author, m.key, m.text, m.at,
	(SELECT count(*) FROM (SELECT 1 FROM chat_messages AS u WHERE u.thread = th.id AND u.author <> ?1
		AND u.number > coalesce((SELECT number FROM chat_marks WHERE thread = th.id AND person = ?1), 0) LIMIT ?2))
FROM mine JOIN chat_threads AS th USING (id) JOIN chat_messages AS m ON m.thread = th.id AND m.number = th.last
ORDER BY m.id DESC LIMIT ?3`, string(by), mostUnread, MaxPage)
	if err != nil {
		return nil, fmt.Errorf("chat: list: %w", err)
	}
	defer rows.Close()
	out := []protocol.ChatThread{}
	for rows.Next() {
		var th protocol.ChatThread
		var id int64
		if err := rows.Scan(&th.Thread.Meeting, &th.Thread.Person, &id, &th.Last.Order, &th.Last.From, &th.Last.Key, &th.Last.Text,
			&th.Last.At, &th.Unread); err != nil {
			return nil, fmt.Errorf("chat: list: %w", err)
		}
		th.Last.ID, th.Last.Thread = messageID(id), th.Thread
		out = append(out, th)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("chat: list: %w", err)
	}
	var failed error
	out = slices.DeleteFunc(out, func(th protocol.ChatThread) bool {
		if th.Thread.Meeting == "" || failed != nil {
			return false
		}
		ok, err := t.access(ctx, by, th.Thread) // somebody removed sees nothing any more
		failed = err
		return !ok
	})
	if failed != nil {
		return nil, fmt.Errorf("chat: access: %w", failed)
	}
	return out, nil
}
