// Command tarasul is the server and what its operators need at the console.
//
// It reads the configuration, builds the parts, runs them and stops them; what they do is
// theirs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"tarasul/configs"
)

// version is set when the binary is linked.
var version = "unreleased"

func main() {
	// A second signal ends the process at once: stop gives the signals back.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	c := console{out: os.Stdout, err: os.Stderr, environment: os.Environ()}
	os.Exit(c.run(ctx, os.Args[1:]))
}

// console is where a command reads its surroundings and writes what it has to say.
type console struct {
	out, err    *os.File
	environment []string
}

// command is one word that may follow "tarasul".
type command struct {
	name  string
	brief string
	run   func(c console, ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "run the server", console.serve},
		{"user", "add, list and change people in a data directory", console.user},
		{"config", "check a configuration, or show what would be in force", console.config},
		{"version", "say which version this is", console.version},
	}
}

// Errors with a meaning for the exit status.
var (
	errHelp = errors.New("help was asked for") // the help was printed: status 0
	errSaid = errors.New("said already")       // what is wrong was printed: status 1
)

// usageError is a mistake in the command line: status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

// run carries out a command line and gives the exit status.
func (c console) run(ctx context.Context, args []string) int {
	err := c.choose(ctx, args)
	switch {
	case err == nil, errors.Is(err, errHelp):
		return 0
	case errors.Is(err, errSaid):
		return 1
	}
	fmt.Fprintf(c.err, "tarasul: %v\n", err)
	if _, mistaken := errors.AsType[usageError](err); mistaken {
		return 2
	}
	return 1
}

func (c console) choose(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage(c.err)
		return usageError("no command was given")
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(c.out)
		return errHelp
	}
	var names []string
	for _, cmd := range commands() {
		if cmd.name == args[0] {
			return cmd.run(c, ctx, args[1:])
		}
		names = append(names, cmd.name)
	}
	return unknown("command", args[0], names)
}

// unknown says what was probably meant.
func unknown(what, word string, known []string) error {
	if best := configs.Nearest(word, known); best != "" {
		return usageError(fmt.Sprintf("there is no %s %q; did you mean %q?", what, word, best))
	}
	return usageError(fmt.Sprintf("there is no %s %q; there are: %s", what, word, strings.Join(known, ", ")))
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Tarasul is the conferencing and correspondence system of a ministry.")
	fmt.Fprintln(w, "\nUsage:")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  tarasul %-8s  %s\n", cmd.name, cmd.brief)
	}
	fmt.Fprintln(w, "\n\"tarasul COMMAND --help\" says more about each. To try it out: tarasul serve --demo")
}

func (c console) version(_ context.Context, args []string) error {
	if len(args) > 0 {
		return usageError("version takes no arguments")
	}
	_, err := fmt.Fprintf(c.out, "tarasul %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
