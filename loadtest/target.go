//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"errors"

	"tarasul/loadtest/bot"
)

// Target says which server is measured, and how its process is found.
type Target struct {
	URL      string // of a server that runs
	Command  string // or how to start one
	PID      int    // 0: found by Command, or by who listens at URL on this machine
	Metrics  string // the operators' address, such as http://127.0.0.1:9090; empty: not read
	Admin    string // "login:password"; empty: as a demonstration server says
	Insecure bool   // accept any certificate
}

// validate fills defaults and reports all mistakes at once.
func (t *Target) validate() error {
	if t.URL == "" && t.Command == "" {
		t.URL = "http://127.0.0.1:8080"
	}
	if t.URL != "" && t.Command != "" {
		return errors.New("--server and --server-cmd exclude each other")
	}
	return nil
}

// metrics is the operators' address, or empty if it is not known.
func (a *attached) metrics(t Target) string {
	if t.Metrics == "" && a.own != nil {
		return a.own.admin
	}
	return t.Metrics
}

// attached is a server that is being measured, with an administrator signed in.
type attached struct {
	own    *process // nil if it ran already
	server *bot.Server
	office *office
}

// attach starts the server or finds it, and writes into the report what is known of it.
func (t Target) attach(ctx context.Context, r *Report, progress Progress) (_ *attached, err error) {
	a, address := &attached{}, t.URL
	defer func() {
		if err != nil {
			err = errors.Join(err, a.detach(ctx, r))
		}
	}()
	if t.Command != "" {
		progress("the server starts", 0, 1)
		if a.own, err = startServer(ctx, t.Command, t.Admin == ""); err != nil {
			return nil, err
		}
		address, r.ServerPID, r.ServerReady = a.own.url, a.own.command.Process.Pid, milliseconds(a.own.ready)
	}
	if a.server, err = bot.NewServer(address, t.Insecure); err != nil {
		return nil, err
	}
	switch {
	case t.PID != 0:
		r.ServerPID = t.PID
	case r.ServerPID == 0:
		r.ServerPID = listener(a.server.URL())
	}
	a.office, err = openOffice(ctx, a.server, t.Admin)
	return a, err
}

// detach leaves the server as it was found, or ends the one that was started.
func (a *attached) detach(ctx context.Context, r *Report) (err error) {
	if a.office != nil {
		if a.own == nil {
			// The run may have been interrupted, and still the people must go.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
			defer cancel()
			err = a.office.dismiss(ctx)
		}
		a.office.close()
	}
	if a.server != nil {
		a.server.Close()
	}
	if a.own != nil {
		stopErr := a.own.stop()
		r.ServerClean = stopErr == nil
		err = errors.Join(err, stopErr)
	}
	return err
}
