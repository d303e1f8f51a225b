package relay

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Impairment is what both directions of a relay do, and how that changes with time. Step and Relay know what to do with it.
type Impairment struct {
	Up, Down Params
	Seed     uint64
	Steps    []Step
}

// None reports whether a relay would do nothing.
func (i Impairment) None() bool { return i.Up == Params{} && i.Down == Params{} && len(i.Steps) == 0 }

// Step is a change at a time.
type Step struct {
	After    time.Duration
	Up, Down Params
}

// setting is one thing that a link does, as it is written on a command line.
type setting struct {
	name, usage string
	set         func(p *Params, text string) error
}

func settings() []setting {
	return []setting{
		{"loss", "`share` of packets that is lost, such as 5%", func(p *Params, text string) (err error) {
			p.Loss, err = parseShare(text)
			return err
		}},
		{"burst", "mean length of a burst of losses, in `packets` (default: each is lost by itself)", func(p *Params, text string) (err error) {
			p.Burst, err = parseNumber(text)
			return err
		}},
		{"delay", "`time` that a packet takes, such as 150ms", func(p *Params, text string) (err error) {
			p.Delay, err = parseTime(text)
			return err
		}},
		{"jitter", "`time` that it takes in addition, at most; packets stay in order", func(p *Params, text string) (err error) {
			p.Jitter, err = parseTime(text)
			return err
		}},
		{"rate", "bit `rate` of the link, such as 1Mbps (default: no limit)", func(p *Params, text string) (err error) {
			p.Rate, err = ParseBitrate(text)
			return err
		}},
		{"bucket", "`size` of what may pass the link at once after a pause, such as 16kB", func(p *Params, text string) (err error) {
			p.Bucket, err = parseSize(text)
			return err
		}},
		{"queue", "`limit` of what waits before the link, such as 200ms or 64kB; what comes then is lost (default 200ms)", setQueue},
	}
}

// setQueue reads a limit in time or in bytes, which replaces the other.
func setQueue(p *Params, text string) error {
	if d, err := parseTime(text); err == nil {
		p.QueueTime, p.QueueBytes = d, 0
		return nil
	}
	n, err := parseSize(text)
	if err != nil {
		return errors.New("a queue is written 200ms or 64kB")
	}
	p.QueueTime, p.QueueBytes = 0, n
	return nil
}

// change is one setting with its value, of one direction or of both.
type change struct {
	direction string // "up", "down", or both if empty
	text      string
	set       func(p *Params, text string) error
}

// apply makes all changes to both directions. What is said of one direction wins over what is said of both, in whatever order.
func apply(changes []change, up, down *Params) error {
	for _, one := range []bool{false, true} {
		for _, c := range changes {
			if (c.direction != "") != one {
				continue
			}
			if c.direction != "down" {
				if err := c.set(up, c.text); err != nil {
					return err
				}
			}
			if c.direction != "up" {
				if err := c.set(down, c.text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Flags are the flags of an impairment: --loss --burst --delay --jitter --rate --bucket --queue, each for both directions, and each
// with up. or down. before it for one (--down.rate 1Mbps); --at for changes while it runs; --seed.
type Flags struct {
	changes []change
	steps   []step
	seed    *uint64
}

// step is one --at.
type step struct {
	after   time.Duration
	changes []change
}

// AddFlags adds the flags to a set. All that is random follows from *seed, which --seed sets; a set that has a flag of that name
// already keeps its own. Impairment tells, after Parse, what was said.
func AddFlags(set *flag.FlagSet, seed *uint64) *Flags {
	f := &Flags{seed: seed}
	for _, s := range settings() {
		for _, direction := range []string{"", "up", "down"} {
			name, usage := s.name, s.usage
			if direction != "" {
				name, usage = direction+"."+s.name, usage+"; "+direction+" only"
			}
			set.Func(name, usage, func(text string) error {
				f.changes = append(f.changes, change{direction, text, s.set})
				return s.set(new(Params), text)
			})
		}
	}
	set.Func("at", "`change` while it runs, such as 20s:down.rate=600kbps,loss=1%; may be repeated", func(text string) error {
		s, err := parseStep(text)
		f.steps = append(f.steps, s)
		return err
	})
	if set.Lookup("seed") == nil {
		set.Uint64Var(seed, "seed", 1, "all that is random follows from it")
	}
	return f
}

// Impairment is what the flags say together, or all that is wrong with it.
func (f *Flags) Impairment() (Impairment, error) {
	i := Impairment{Seed: *f.seed}
	all := []error{apply(f.changes, &i.Up, &i.Down), validate(i.Up, i.Down)}
	steps := slices.Clone(f.steps)
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.after, b.after) })
	up, down := i.Up, i.Down
	for _, s := range steps {
		if err := errors.Join(apply(s.changes, &up, &down), validate(up, down)); err != nil {
			all = append(all, fmt.Errorf("at %v: %w", s.after, err))
		}
		i.Steps = append(i.Steps, Step{s.after, up, down})
	}
	return i, errors.Join(all...)
}

// parseStep reads a change such as 20s:down.rate=600kbps,loss=1%.
func parseStep(text string) (s step, err error) {
	when, rest, ok := strings.Cut(text, ":")
	if !ok {
		return s, errors.New("a change is written 20s:rate=600kbps")
	}
	if s.after, err = parseTime(when); err != nil {
		return s, err
	}
	for _, part := range strings.Split(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return s, fmt.Errorf("%q is no change; one is written rate=600kbps", part)
		}
		c := change{text: value}
		if direction, setting, ok := strings.Cut(name, "."); ok && (direction == "up" || direction == "down") {
			c.direction, name = direction, setting
		}
		for _, known := range settings() {
			if known.name == name {
				c.set = known.set
			}
		}
		if c.set == nil {
			return s, fmt.Errorf("%q is none of loss, burst, delay, jitter, rate, bucket and queue", name)
		}
		var scratch Params
		if err := c.set(&scratch, value); err != nil {
			return s, err
		}
		s.changes = append(s.changes, c)
	}
	return s, nil
}

// parseNumber reads a decimal number that is not negative, without exponent, infinity or not-a-number.
func parseNumber(text string) (float64, error) {
	if !plainNumber.MatchString(text) {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return strconv.ParseFloat(text, 64)
}

var plainNumber = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,15})?$`)

// parseShare reads 5% or 0.05.
func parseShare(text string) (float64, error) {
	number, inPercent := strings.CutSuffix(text, "%")
	share, err := parseNumber(strings.TrimSpace(number))
	if inPercent {
		share /= 100
	}
	if err != nil || share > 1 {
		return 0, errors.New("a share is written 5% or 0.05, and is 100% at most")
	}
	return share, nil
}

// parseTime reads a duration that is not negative; 0 needs no unit.
func parseTime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("a time is written 150ms or 2s")
	}
	return d, nil
}

var quantity = regexp.MustCompile(`^([0-9.]+) ?([kKmMgG]?)(bps|bit/s|b|B|)$`)

// parseQuantity reads a number with a decimal prefix and one of the units.
func parseQuantity(text string, units ...string) (float64, bool) {
	match := quantity.FindStringSubmatch(text)
	if match == nil || !slices.Contains(units, match[3]) {
		return 0, false
	}
	value, err := parseNumber(match[1])
	return value * map[string]float64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[strings.ToLower(match[2])], err == nil
}

// ParseBitrate reads a rate such as 600kbps, 1.5Mbps, 2Mbit/s or 300000; 0 is no limit.
func ParseBitrate(text string) (Bitrate, error) {
	value, ok := parseQuantity(text, "bps", "bit/s", "b", "")
	if !ok || value > float64(MaxRate) {
		return 0, fmt.Errorf("a bit rate is written 600kbps or 1.5Mbps, and is %v at most", MaxRate)
	}
	return Bitrate(math.Round(value)), nil
}

// parseSize reads a number of bytes such as 64kB or 65536.
func parseSize(text string) (int, error) {
	value, ok := parseQuantity(text, "B", "")
	if !ok || value > MaxBytes {
		return 0, errors.New("a size is written 64kB or 65536")
	}
	return int(math.Round(value)), nil
}
