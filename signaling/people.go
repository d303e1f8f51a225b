package signaling

import (
	"context"

	"tarasul/signaling/identity"
	"tarasul/signaling/protocol"
)

func (s *Server) peopleList(ctx context.Context, _ *call, _ protocol.PeopleList) (protocol.PeopleListed, error) {
	people, err := s.parts.Directory.People(ctx)
	if err != nil {
		return protocol.PeopleListed{}, err
	}
	units, err := s.parts.Directory.Units(ctx)
	if err != nil {
		return protocol.PeopleListed{}, err
	}
	for i := range people {
		people[i].Online = s.hub.online(people[i].ID)
	}
	return protocol.PeopleListed{People: people, Units: units}, nil
}

func (s *Server) peopleSave(ctx context.Context, c *call, b protocol.PersonSave) (protocol.PersonSaved, error) {
	saved, ended, err := s.parts.Directory.SavePerson(ctx, c.actor(), b)
	if err != nil {
		return protocol.PersonSaved{}, err
	}
	saved.Person = s.personChanged(saved.Person, ended)
	return saved, nil
}

func (s *Server) peopleReset(ctx context.Context, c *call, b protocol.PersonReset) (protocol.PersonSaved, error) {
	saved, ended, err := s.parts.Directory.ResetPassword(ctx, c.actor(), b.ID)
	if err != nil {
		return protocol.PersonSaved{}, err
	}
	saved.Person = s.personChanged(saved.Person, ended)
	return saved, nil
}

func (s *Server) peopleSignOut(ctx context.Context, c *call, b protocol.PersonSignOut) error {
	ended, err := s.parts.Directory.SignOutPerson(ctx, c.actor(), b.ID)
	s.signedOut(ended)
	return err
}

func (s *Server) unitsSave(ctx context.Context, c *call, b protocol.UnitSave) (protocol.UnitSaved, error) {
	unit, err := s.parts.Directory.SaveUnit(ctx, c.actor(), b)
	if err != nil {
		return protocol.UnitSaved{}, err
	}
	s.hub.broadcast("units.changed", protocol.UnitChanged{Unit: unit})
	return protocol.UnitSaved{Unit: unit}, nil
}

// personChanged ends the sign-ins that have ended, brings the person's sessions up to
// date and tells everyone.
func (s *Server) personChanged(p protocol.Person, ended []identity.Ended) protocol.Person {
	s.signedOut(ended)
	for _, sess := range s.hub.of(p.ID) {
		sess.setPerson(p)
	}
	p.Online = s.hub.online(p.ID)
	s.hub.broadcast("people.changed", protocol.PersonChanged{Person: p})
	return p
}
