//go:build linux

// Command loadtest measures what a server can carry, with bots that are whole clients. See package loadtest.
package main

import (
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

// runMeeting is the scenario "meeting".
func runMeeting(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var m loadtest.Meeting
	f := meetingFlags(&m)
	if err := f.parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.printDefaults(stderr)
			return exitGood, nil
		}
		return exitUsage, err
	}
	if !f.audio {
		m.Audio = 0
	}
	if m.Simulcast && !f.given("video") {
		m.Video = defaultSimulcast
	}
	if err := m.Validate(); err != nil {
		return exitUsage, err
	}
	bar := newBar(stderr)
	report, err := m.Run(ctx, bar.show)
	bar.clear()
	if err := report.Table(stderr); err != nil {
		return exitFailed, err
	}
	if err := writeJSON(f.json, report, stdout); err != nil {
		return exitFailed, err
	}
	switch {
	case err != nil:
		return exitFailed, err
	case !report.Good():
		return exitFailed, errors.New(report.Error)
	}
	return exitGood, nil
}

// writeJSON writes the report to a file, to stdout for "-", or nowhere.
func writeJSON(name string, report *loadtest.Report, stdout io.Writer) error {
	if name == "" {
		return nil
	}
	raw, err := json.MarshalIndent(report, "", "  ")
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
