package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"tarasul/configs"
)

// flags is a set of flags with help and suggestions.
type flags struct {
	*flag.FlagSet
	c        console
	synopsis string
	about    string
}

func (c console) flags(name, synopsis, about string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), c: c, synopsis: synopsis, about: about}
	f.SetOutput(io.Discard) // mistakes are worded here
	f.Usage = func() {}
	return f
}

// parse reads args; arguments may stand before, between and after flags. It gives the
// arguments that are no flags.
func (f *flags) parse(args []string) ([]string, error) {
	var rest []string
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			f.help(f.c.out)
			return nil, errHelp
		case err != nil:
			return nil, f.mistake(err)
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// none is parse for a command without arguments.
func (f *flags) none(args []string) error {
	rest, err := f.parse(args)
	if err == nil && len(rest) > 0 {
		return usageError(fmt.Sprintf("%s takes no argument %q; see tarasul %s --help", f.Name(), rest[0], f.Name()))
	}
	return err
}

// mistake words what is wrong with a flag.
func (f *flags) mistake(err error) error {
	if name, is := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); is {
		var known []string
		f.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
		name = strings.TrimLeft(name, "-")
		if best := configs.Nearest(name, known); best != "" {
			return usageError(fmt.Sprintf("there is no flag --%s; did you mean --%s?", name, best))
		}
		return usageError(fmt.Sprintf("there is no flag --%s; see tarasul %s --help", name, f.Name()))
	}
	return usageError(fmt.Sprintf("%v; see tarasul %s --help", err, f.Name()))
}

func (f *flags) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: tarasul %s\n\n%s\n", f.synopsis, strings.TrimSpace(f.about))
	first := true
	f.VisitAll(func(x *flag.Flag) {
		if first {
			fmt.Fprintln(w, "\nFlags:")
			first = false
		}
		name, text := flag.UnquoteUsage(x)
		fmt.Fprintf(w, "  --%-18s %s\n", strings.TrimSpace(x.Name+" "+name), text)
	})
}
