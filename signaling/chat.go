package signaling

import (
	"context"
	"slices"

	"tarasul/signaling/chat"
	"tarasul/signaling/meeting"
	"tarasul/signaling/protocol"
)

// ChatAccess says who may read and write a conversation: with a person, everyone who
// exists; of a meeting, those who sat in it and were not removed.
func ChatAccess(people interface {
	Person(context.Context, protocol.PersonID) (protocol.Person, error)
}, cards *meeting.Cards) chat.Access {
	return func(ctx context.Context, by protocol.PersonID, t protocol.Thread) (bool, error) {
		if t.Meeting != "" {
			return cards.Attended(ctx, t.Meeting, by)
		}
		_, err := people.Person(ctx, t.Person)
		if r := refusalIn(err); r != nil && r.Code == protocol.CodeNotFound {
			return false, nil
		}
		return err == nil, err
	}
}

func (s *Server) chatSend(ctx context.Context, c *call, b protocol.ChatSend) (protocol.ChatSent, error) {
	select {
	case s.chatTurn <- struct{}{}:
		defer func() { <-s.chatTurn }()
	case <-ctx.Done():
		return protocol.ChatSent{}, ctx.Err()
	}
	m, fresh, err := s.parts.Threads.Send(ctx, c.person.ID, b)
	if err != nil {
		return protocol.ChatSent{}, err
	}
	if fresh {
		s.count.messages.Add(1)
		readers, err := s.readers(ctx, m)
		if err != nil {
			// It is stored; who was not told finds it when they next look.
			s.log.Error("readers of a message not found", "message", m.ID, "error", err)
		}
		for _, person := range readers {
			s.hub.tell(person, c.session, "chat.message", protocol.ChatReceived{Message: chat.For(m, person)})
		}
	}
	return protocol.ChatSent{Message: chat.For(m, c.person.ID)}, nil
}

// readers gives everyone who sees the conversation of a message, the author included.
func (s *Server) readers(ctx context.Context, m protocol.ChatMessage) ([]protocol.PersonID, error) {
	if m.Thread.Meeting == "" {
		out := []protocol.PersonID{m.From}
		if m.Thread.Person != m.From {
			out = append(out, m.Thread.Person)
		}
		return out, nil
	}
	sittings, err := s.parts.Cards.Attendance(ctx, m.Thread.Meeting)
	if err != nil {
		return nil, err
	}
	card, err := s.parts.Cards.Card(ctx, m.Thread.Meeting)
	if err != nil {
		return nil, err
	}
	var out []protocol.PersonID
	for _, sitting := range sittings {
		if card.Bars[sitting.Person] == "" && !slices.Contains(out, sitting.Person) {
			out = append(out, sitting.Person)
		}
	}
	return out, nil
}

func (s *Server) chatHistory(ctx context.Context, c *call, b protocol.ChatHistory) (protocol.ChatPage, error) {
	return s.parts.Threads.History(ctx, c.person.ID, b)
}

func (s *Server) chatRead(ctx context.Context, c *call, b protocol.ChatRead) error {
	mark, moved, err := s.parts.Threads.Read(ctx, c.person.ID, b)
	if err != nil || !moved {
		return err
	}
	changed := protocol.ChatReadChanged{Thread: b.Thread, Person: c.person.ID, Order: mark}
	s.hub.tell(c.person.ID, c.session, "chat.read", changed)
	if b.Thread.Person != "" && b.Thread.Person != c.person.ID {
		changed.Thread.Person = c.person.ID // as the other one names it
		s.hub.tell(b.Thread.Person, nil, "chat.read", changed)
	}
	return nil
}

func (s *Server) chatThreads(ctx context.Context, c *call, _ protocol.ChatThreads) (protocol.ChatThreadsListed, error) {
	threads, err := s.parts.Threads.List(ctx, c.person.ID)
	if threads == nil {
		threads = []protocol.ChatThread{}
	}
	return protocol.ChatThreadsListed{Threads: threads}, err
}
