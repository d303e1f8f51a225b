package main

import (
	"context"
	"fmt"

	"tarasul/configs"
)

// config checks a configuration, or shows what would be in force.
func (c console) config(_ context.Context, args []string) error {
	f := c.flags("config", "config check|show|default [--config FILE]", `
check    say all that is wrong with a configuration, if anything is
show     print what would be in force: defaults, file and environment
default  print the commented file with every option at its default

An option of the file is also an environment variable: meeting.grace is
TARASUL_MEETING_GRACE, and wins over the file.`)
	file := f.String("config", "", "configuration `FILE`")
	rest, err := f.parse(args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usageError("config what? check, show or default")
	}
	if len(rest) > 1 {
		if *file != "" || len(rest) > 2 {
			return usageError("one file at a time")
		}
		*file = rest[1]
	}
	switch rest[0] {
	case "default":
		_, err := c.out.Write(configs.Shipped)
		return err
	case "check", "show":
	default:
		return unknown("config command", rest[0], []string{"check", "show", "default"})
	}
	cfg, err := configs.Load(*file, c.environment)
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		return err
	}
	if rest[0] == "show" {
		_, err = fmt.Fprint(c.out, configs.Render(cfg))
		return err
	}
	_, err = fmt.Fprintln(c.out, "The configuration is sound.")
	return err
}
