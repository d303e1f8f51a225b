//go:build linux && (amd64 || arm64)

// Command loadtest measures what a server can carry, with bots that are whole clients. See package loadtest.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"tarasul/loadtest"
	"tarasul/loadtest/floor"
)

// Exit codes.
const (
	exitGood   = 0
	exitFailed = 1 // the server died, or something was missing
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// scenario is one of the things that loadtest can do.
type scenario struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error)
}

func scenarios() []scenario {
	return []scenario{
		{"meeting", "people meet; everybody sends and sees everybody", runMeeting},
		{"broadcast", "few send, the others watch", runBroadcast},
		{"soak", "a meeting of hours, in which nothing may grow", runSoak},
		{"churn", "people come and go; the server must be as before afterwards", runChurn},
		{"chat", "people write; everybody gets everything once and in order", runChat},
		{"hostile", "bad packets at the media port; a meeting must not notice", runHostile},
		{"floor", "what an outgoing packet costs at least on this machine, without any server", runFloor},
		{"relay", "a bad network between any clients and a media server", runRelay},
	}
}

// run does what the command line asks for and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		printUsage(stderr)
		if len(args) == 0 {
			return exitUsage
		}
		return exitGood
	}
	var names []string
	for _, s := range scenarios() {
		if s.name == args[0] {
			code, err := s.run(ctx, args[1:], stdout, stderr)
			if err != nil {
				fmt.Fprintf(stderr, "loadtest %s: %s\n", s.name, strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			return code
		}
		names = append(names, s.name)
	}
	fmt.Fprintf(stderr, "loadtest: no scenario %q; did you mean %q?\n", args[0], nearest(args[0], names))
	return exitUsage
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "Usage: loadtest SCENARIO [flags]\n\nScenarios (loadtest SCENARIO -h lists the flags of each):\n")
	for _, s := range scenarios() {
		fmt.Fprintf(w, "  %-10s %s\n", s.name, s.summary)
	}
}

// outcome is what a scenario has found.
type outcome interface {
	Good() bool
	Problem() string
	Table(io.Writer) error
}

// prepare reads the flags of a scenario and checks them; done means that there is nothing to run.
func prepare(f *flags, args []string, stderr io.Writer, validate func() error) (code int, done bool, err error) {
	if err := f.parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.printDefaults(stderr)
			return exitGood, true, nil
		}
		return exitUsage, true, err
	}
	if err := validate(); err != nil {
		return exitUsage, true, err
	}
	return exitGood, false, nil
}

// finish shows what was found and says how the command ends.
func finish(f *flags, found outcome, err error, stdout, stderr io.Writer) (int, error) {
	if err := errors.Join(found.Table(stderr), writeJSON(f.json, found, stdout), writeHTML(f.html, found)); err != nil {
		return exitFailed, err
	}
	switch {
	case err != nil:
		return exitFailed, err
	case !found.Good():
		return exitFailed, errors.New(found.Problem())
	}
	return exitGood, nil
}

// runMeeting is the scenario "meeting".
func runMeeting(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var m loadtest.Meeting
	f := meetingFlags(&m)
	return play(ctx, f, args, stdout, stderr, func() error { return errors.Join(f.complete(&m), m.Validate()) }, m.Run)
}

// runBroadcast is the scenario "broadcast".
func runBroadcast(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var m loadtest.Meeting
	f := broadcastFlags(&m)
	return play(ctx, f, args, stdout, stderr, func() error { return errors.Join(f.complete(&m), m.Validate()) }, m.Run)
}

// runSoak is the scenario "soak".
func runSoak(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var s loadtest.Soak
	f := soakFlags(&s)
	return play(ctx, f, args, stdout, stderr, func() error { return errors.Join(f.complete(&s.Meeting), s.Validate()) }, s.Run)
}

// runChurn is the scenario "churn".
func runChurn(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var c loadtest.Churn
	return play(ctx, churnFlags(&c), args, stdout, stderr, c.Validate, c.Run)
}

// runChat is the scenario "chat".
func runChat(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var c loadtest.Chat
	return play(ctx, chatFlags(&c), args, stdout, stderr, c.Validate, c.Run)
}

// runHostile is the scenario "hostile".
func runHostile(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var h loadtest.Hostile
	return play(ctx, hostileFlags(&h), args, stdout, stderr, h.Validate, h.Run)
}

// play reads the flags of a scenario, runs it under a bar, and shows what it found.
func play[R outcome](ctx context.Context, f *flags, args []string, stdout, stderr io.Writer, validate func() error,
	scenario func(context.Context, loadtest.Progress) (R, error),
) (int, error) {
	code, done, err := prepare(f, args, stderr, validate)
	if done {
		return code, err
	}
	bar := newBar(stderr)
	report, err := scenario(ctx, bar.show)
	bar.clear()
	return finish(f, report, err, stdout, stderr)
}

// runFloor measures the machine, and no server.
func runFloor(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var cfg floor.Config
	f := floorFlags(&cfg)
	code, done, err := prepare(f, args, stderr, cfg.Validate)
	if done {
		return code, err
	}
	bar := newBar(stderr)
	found, err := floor.Measure(ctx, cfg, func(done, total int) { bar.show("measuring", float64(done), float64(total)) })
	bar.clear()
	if err != nil {
		return exitFailed, err
	}
	return finish(f, measured{found}, nil, stdout, stderr)
}

// measured is a result that cannot be wrong.
type measured struct{ *floor.Result }

func (measured) Good() bool      { return true }
func (measured) Problem() string { return "" }

// writeJSON writes the report to a file, to stdout for "-", or nowhere.
func writeJSON(name string, found outcome, stdout io.Writer) error {
	if name == "" {
		return nil
	}
	raw, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	if name == "-" {
		_, err = stdout.Write(raw)
		return err
	}
	return os.WriteFile(name, raw, 0o644)
}

// writeHTML writes the report as a page, if a file is named and the scenario has pages.
func writeHTML(name string, found outcome) error {
	p, ok := found.(interface{ HTML(io.Writer) error })
	if name == "" || !ok {
		return nil
	}
	var b bytes.Buffer
	if err := p.HTML(&b); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
