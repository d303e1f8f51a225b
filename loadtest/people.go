//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/signaling/protocol"
)

// signInsAtOnce is how many people sign in at the same time: passwords are slow to check, on purpose.
const signInsAtOnce = 2

// office is the administrator's part of a run: it makes the people and the meetings.
type office struct {
	server *bot.Server
	socket *bot.Socket
	unit   protocol.UnitID
	people []protocol.Person
	used   []protocol.Person // by this run
}

// openOffice signs in as the administrator, "login:password"; empty means the one whom a demonstration server names.
func openOffice(ctx context.Context, server *bot.Server, admin string) (*office, error) {
	login, password, ok := strings.Cut(admin, ":")
	if admin == "" {
		info, err := server.Visit(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrServer, err)
		}
		for _, a := range info.Accounts {
			if a.Role == protocol.RoleAdministrator {
				login, password, ok = a.Login, a.Password, true
				break
			}
		}
		if !ok {
			return nil, errors.New("the server is no demonstration: name an administrator with --admin-user login:password")
		}
	}
	session, info, err := server.SignIn(ctx, login, password)
	if err != nil {
		return nil, err
	}
	if info.You == nil || info.You.Role != protocol.RoleAdministrator {
		return nil, fmt.Errorf("%q is not an administrator", login)
	}
	o := &office{server: server}
	o.socket, err = session.Dial(ctx, Client, nothing)
	if err != nil {
		return nil, err
	}
	var listed protocol.PeopleListed
	if err := o.socket.Call(ctx, "people.list", protocol.PeopleList{}, &listed); err != nil {
		o.socket.Close()
		return nil, err
	}
	if len(listed.Units) == 0 {
		o.socket.Close()
		return nil, errors.New("the server has no unit to put people in")
	}
	o.people, o.unit = listed.People, listed.Units[0].ID
	return o, nil
}

// hire makes n people, or gives those of an earlier run a new password, and signs all of them in.
func (o *office) hire(ctx context.Context, n int, progress Progress) ([]*bot.Session, []protocol.PersonID, error) {
	known := map[string]protocol.Person{}
	for _, p := range o.people {
		known[p.Login] = p
	}
	// One password for the people of one run, which nobody else ever learns.
	password := rand.Text()
	sessions, ids := make([]*bot.Session, n), make([]protocol.PersonID, n)
	o.used = make([]protocol.Person, n)
	done := make(chan struct{}, n)
	finished := make(chan error, 1)
	go func() {
		finished <- limited(ctx, n, signInsAtOnce, func(ctx context.Context, i int) error {
			defer func() { done <- struct{}{} }()
			login := fmt.Sprintf("load-%02d", i+1)
			save := protocol.PersonSave{
				ID: known[login].ID, Login: login, Unit: o.unit, Role: protocol.RoleOfficer, Password: password, KeepPassword: true,
				Name: protocol.Multilingual{Ar: fmt.Sprintf("اختبار الحمل %d", i+1), En: fmt.Sprintf("Load test %d", i+1)},
			}
			var saved protocol.PersonSaved
			if err := patiently(ctx, func() error { return o.socket.Call(ctx, "people.save", save, &saved) }); err != nil {
				return err
			}
			o.used[i], ids[i] = saved.Person, saved.Person.ID
			session, _, err := o.server.SignIn(ctx, login, password)
			sessions[i] = session
			return err
		})
	}()
	for count := 0; ; {
		select {
		case <-done:
			count++
			progress("people sign in", float64(count), float64(n))
		case err := <-finished:
			return sessions, ids, err
		}
	}
}

// convene makes a meeting that starts now for the people named, without a lobby.
func (o *office) convene(ctx context.Context, title string, people []protocol.PersonID, length time.Duration) (protocol.MeetingID, error) {
	var saved protocol.MeetingSaved
	err := patiently(ctx, func() error {
		return o.socket.Call(ctx, "meeting.save", protocol.MeetingSave{
			Title: protocol.Multilingual{En: title}, Minutes: max(15, int(length.Minutes())+1), Chair: people[0], People: people,
			Units: []protocol.UnitID{}, Share: protocol.ShareEveryone,
		}, &saved)
	})
	return saved.Meeting.ID, err
}

// dismiss disables the people of this run, so that a server in use keeps no accounts that nobody minds.
func (o *office) dismiss(ctx context.Context) error {
	return limited(ctx, len(o.used), signInsAtOnce, func(ctx context.Context, i int) error {
		p := o.used[i]
		if p.ID == "" {
			return nil
		}
		save := protocol.PersonSave{ID: p.ID, Login: p.Login, Name: p.Name, Title: p.Title, Unit: p.Unit, Role: p.Role, Disabled: true}
		return patiently(ctx, func() error { return o.socket.Call(ctx, "people.save", save, nil) })
	})
}

// close ends the administrator's session.
func (o *office) close() { o.socket.Close() }
