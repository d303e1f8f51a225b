package protocol

// Thread names a conversation: exactly one of the two is set.
type Thread struct {
	Meeting MeetingID `json:"meeting,omitempty"`
	Person  PersonID  `json:"person,omitempty"` // the other one
}

// ChatMessage is one stored message. IDs ascend within a thread.
type ChatMessage struct {
	ID     MessageID `json:"id"`
	Order  int64     `json:"order"` // ascending within the thread, the cursor of ChatHistory
	Thread Thread    `json:"thread"`
	From   PersonID  `json:"from"`
	Key    string    `json:"key"` // as the sender chose it
	Text   string    `json:"text"`
	At     Millis    `json:"at"`
}

// ChatSend stores a message and answers only then. Key is chosen by the sender (a
// UUID); the same key again gives the message that is already stored.
type ChatSend struct {
	Thread Thread `json:"thread"`
	Key    string `json:"key"`
	Text   string `json:"text"`
}

// ChatSent answers ChatSend.
type ChatSent struct {
	Message ChatMessage `json:"message"`
}

// ChatHistory asks for messages before (or, with After, following) an order number,
// the newest ones if both are 0. Limit is at most 100.
type ChatHistory struct {
	Thread Thread `json:"thread"`
	Before int64  `json:"before,omitempty"`
	After  int64  `json:"after,omitempty"`
	Limit  int    `json:"limit"`
}

// ChatPage answers ChatHistory, oldest first.
type ChatPage struct {
	Messages []ChatMessage `json:"messages"`
	More     bool          `json:"more"`                // there are more in the direction asked for
	Read     int64         `json:"read"`                // the caller has read up to here
	PeerRead int64         `json:"peer_read,omitempty"` // person to person: the other has
}

// ChatRead moves the caller's read mark forward.
type ChatRead struct {
	Thread Thread `json:"thread"`
	Order  int64  `json:"order"`
}

// ChatThreads asks for the caller's conversations, the latest first.
type ChatThreads struct{}

// ChatThread is one conversation in that list.
type ChatThread struct {
	Thread Thread      `json:"thread"`
	Last   ChatMessage `json:"last"`
	Unread int         `json:"unread"`
}

// ChatThreadsListed answers ChatThreads.
type ChatThreadsListed struct {
	Threads []ChatThread `json:"threads"`
}

// ChatReceived is the event of a new message, to everyone in the thread, the sender's
// other sessions included.
type ChatReceived struct {
	Message ChatMessage `json:"message"`
}

// ChatReadChanged is the event of a read mark that moved: the caller's own in another
// session, or the other person's.
type ChatReadChanged struct {
	Thread Thread   `json:"thread"`
	Person PersonID `json:"person"`
	Order  int64    `json:"order"`
}
