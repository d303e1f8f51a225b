// Package configs composes the configuration of a server from what each package asks for,
// and reads it from a file, the environment and the command line, in this order of
// weight: a later one wins.
//
// It gives no option a meaning: each section belongs to the package that its type comes
// from, which also checks it and fills its defaults.
package configs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tarasul/sfu"
	"tarasul/signaling"
	"tarasul/signaling/admin"
	"tarasul/signaling/certificate"
	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
)

// Shipped is the commented file with every option at its default.
//
//go:embed tarasul.yaml
var Shipped []byte

// Config is the configuration of one server. The name of an option in a file is that of
// its field in small letters with underscores, below that of its section.
type Config struct {
	// Data is the directory of everything that is kept: database, generated certificates.
	Data string
	Log  Log

	Signaling   signaling.Config
	Certificate certificate.Config
	Identity    identity.Config
	Meeting     meeting.Config
	Media       sfu.Config
	Admin       admin.Config
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// Validate fills defaults and reports all mistakes at once.
func (l *Log) Validate() error {
	if l.Level == "" {
		l.Level = "info"
	}
	if l.Format == "" {
		l.Format = "text"
	}
	var faults []error
	if !l.known() {
		faults = append(faults, fmt.Errorf("level: %q is none of debug, info, warn, error", l.Level))
	}
	if l.Format != "text" && l.Format != "json" {
		faults = append(faults, fmt.Errorf("format: %q is neither text nor json", l.Format))
	}
	return errors.Join(faults...)
}

func (l *Log) known() bool {
	switch l.Level {
	case "debug", "info", "warn", "error":
		return true
	}
	return false
}

// Handler makes the handler of a validated Log.
func (l *Log) Handler(to *os.File) slog.Handler {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // checked by Validate
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.NewJSONHandler(to, options)
	}
	return slog.NewTextHandler(to, options)
}

// Default is what a server runs on that is told nothing.
func Default() Config {
	c := Config{Media: sfu.DefaultConfig()}
	if err := c.Validate(); err != nil {
		panic(fmt.Sprintf("the defaults are not valid: %v", err)) // a test runs this
	}
	return c
}

// Validate fills defaults in every section and reports all mistakes of all at once, each
// with its section.
func (c *Config) Validate() error {
	if c.Data == "" {
		c.Data = "var"
	}
	var faults []error
	for _, s := range []struct {
		name  string
		check func() error
	}{
		{"log", c.Log.Validate}, {"signaling", c.Signaling.Validate}, {"certificate", c.Certificate.Validate},
		{"identity", c.Identity.Validate}, {"meeting", c.Meeting.Validate}, {"media", c.Media.Validate}, {"admin", c.Admin.Validate},
	} {
		for _, fault := range each(s.check()) {
			faults = append(faults, fmt.Errorf("%s: %w", s.name, fault))
		}
	}
	return errors.Join(faults...)
}

// each gives the errors that were joined.
func each(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Load reads the file, if path is not empty, over the defaults, and the environment
// ("NAME=value" each) over that. The caller sets what the command line says and calls
// Validate.
func Load(path string, environment []string) (Config, error) {
	c := Default()
	if path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read configuration: %w", err)
		}
		if err := parse(&c, content); err != nil {
			return c, fmt.Errorf("%s: %w", filepath.Clean(path), err)
		}
	}
	if err := fromEnvironment(&c, environment); err != nil {
		return c, err
	}
	return c, nil
}

// Render writes a configuration as a file that Load would read.
func Render(c Config) string {
	var b bytes.Buffer
	var in []string // the section that is open
	for _, o := range options(&c) {
		path := strings.Split(o.path, ".")
		section, name := path[:len(path)-1], path[len(path)-1]
		for depth := range section {
			if depth < len(in) && slices.Equal(in[:depth+1], section[:depth+1]) {
				continue
			}
			if depth == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), section[depth])
		}
		in = section
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", len(section)), name, o.text())
	}
	return b.String()
}
