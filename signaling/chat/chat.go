package chat

import (
	"context"
	"time"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

// Schema is what the store must run.
func Schema() store.Schema { panic("in the making") }

// Access says whether a person may read and write a thread now. For a thread of two it
// is asked whether the other one exists; for a meeting, whether the person is or was in it
// (meeting.Cards.Attended). That only the two see a thread of two, needs no asking.
type Access func(ctx context.Context, by protocol.PersonID, t protocol.Thread) (bool, error)

// Threads are all conversations.
type Threads struct{}

// New gives the conversations in db.
func New(db *store.DB, access Access, now func() time.Time) *Threads { panic("in the making") }

// Send stores a message and returns when it is on the disk. fresh is false if the same
// author had already sent one with this key: then it is that one, and nobody is to be
// told again. CodeNotFound, CodeInvalid (key, text), CodeTooLarge.
func (t *Threads) Send(ctx context.Context, by protocol.PersonID, s protocol.ChatSend) (m protocol.ChatMessage, fresh bool, err error) {
	panic("in the making")
}

// History gives a page.
func (t *Threads) History(ctx context.Context, by protocol.PersonID, h protocol.ChatHistory) (protocol.ChatPage, error) {
	panic("in the making")
}

// Read moves the caller's read mark. moved is false if it was already there or further.
func (t *Threads) Read(ctx context.Context, by protocol.PersonID, r protocol.ChatRead) (mark int64, moved bool, err error) {
	panic("in the making")
}

// List gives the caller's conversations, the latest first.
func (t *Threads) List(ctx context.Context, by protocol.PersonID) ([]protocol.ChatThread, error) {
	panic("in the making")
}

// For gives a message as person sees it: in a thread of two, Thread names the other one.
func For(m protocol.ChatMessage, person protocol.PersonID) protocol.ChatMessage {
	panic("in the making")
}
