package relay

import (
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func parse(args ...string) (Impairment, error) {
	set := flag.NewFlagSet("relay", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	var seed uint64
	f := AddFlags(set, &seed)
	if err := set.Parse(args); err != nil {
		return Impairment{}, err
	}
	return f.Impairment()
}

func TestFlagsSayWhatTheLinksDo(t *testing.T) {
	both := func(p Params) Impairment { return Impairment{Up: p, Down: p, Seed: 1} }
	for _, c := range []struct {
		args string
		want Impairment
	}{
		{"", both(Params{})},
		{"--loss 5%", both(Params{Loss: 0.05})},
		{"--loss 0.05", both(Params{Loss: 0.05})},
		{"--loss 5% --delay 150ms --jitter 20ms --rate 1Mbps --queue 200ms --burst 3 --seed 7", func() Impairment {
			i := both(Params{Loss: 0.05, Delay: 150 * ms, Jitter: 20 * ms, Rate: 1e6, QueueTime: 200 * ms, Burst: 3})
			i.Seed = 7
			return i
		}()},
		{"--rate 1.5Mbit/s --queue 64kB --bucket 3000", both(Params{Rate: 1_500_000, QueueBytes: 64_000, Bucket: 3000})},
		{"--rate 1Mbps --queue 64kB --queue 100ms", both(Params{Rate: 1e6, QueueTime: 100 * ms})},
		{"--up.loss 1% --down.rate 600kbps", Impairment{Up: Params{Loss: 0.01}, Down: Params{Rate: 600_000}, Seed: 1}},
		{"--down.loss 2% --loss 1%", Impairment{Up: Params{Loss: 0.01}, Down: Params{Loss: 0.02}, Seed: 1}},
		{"--rate 1Mbps --down.rate 0", Impairment{Up: Params{Rate: 1e6}, Seed: 1}},
		{"--rate 5Mbps --at 20s:rate=5Mbps --at 10s:down.rate=600kbps,loss=1%", Impairment{
			Up: Params{Rate: 5e6}, Down: Params{Rate: 5e6}, Seed: 1, Steps: []Step{
				{10 * time.Second, Params{Rate: 5e6, Loss: 0.01}, Params{Rate: 600_000, Loss: 0.01}},
				{20 * time.Second, Params{Rate: 5e6, Loss: 0.01}, Params{Rate: 5e6, Loss: 0.01}},
			},
		}},
	} {
		got, err := parse(strings.Fields(c.args)...)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v\nwant %+v", c.args, got, err, c.want)
		}
		if got.None() != (c.args == "") {
			t.Errorf("%q does nothing: %v", c.args, got.None())
		}
	}
}

func TestFlagsThatAreWrongSayWhatIs(t *testing.T) {
	for args, says := range map[string]string{
		"--loss 120%":                      "a share is written 5% or 0.05",
		"--loss -1":                        "a share is written",
		"--loss NaN":                       "a share is written",
		"--loss 1e-3":                      "a share is written",
		"--delay 150":                      "a time is written 150ms",
		"--delay -1s":                      "a time is written",
		"--delay 2m":                       "delay 2m0s is not between 0 and 1m0s",
		"--up.delay 2m":                    "up: delay 2m0s is not",
		"--rate 1Mps":                      "a bit rate is written 600kbps",
		"--rate 1.2.3M":                    "a bit rate is written",
		"--rate 1e300":                     "a bit rate is written",
		"--rate 200Gbps":                   "a bit rate is written",
		"--rate 10":                        "rate 10bps is not between 1kbps and 100Gbps",
		"--rate 1M --queue 5":              "",
		"--rate 1M --queue 5x":             "a queue is written 200ms or 64kB",
		"--rate 1M --bucket 5s":            "a size is written",
		"--queue 100ms":                    "a queue needs a rate",
		"--burst 0.5":                      "burst 0.5 is not between 1",
		"--burst x":                        `"x" is no number`,
		"--loss 90% --burst 2":             "loss 90% cannot come in bursts of 2: at most 66.6667%",
		"--at 10s":                         "a change is written 20s:rate=600kbps",
		"--at x:loss=1%":                   "a time is written",
		"--at 10s:loss":                    `"loss" is no change`,
		"--at 10s:los=1%":                  `"los" is none of loss, burst,`,
		"--at 10s:up.rate=x":               "a bit rate is written",
		"--at 10s:down.queue=1s":           "at 10s: down: a queue needs a rate",
		"--seed x":                         "seed",
		"--loss 1% --at 1s:burst=0.1":      "at 1s: burst 0.1",
		"--down.loss 99% --down.burst 1.5": "down: loss 99% cannot come in bursts of 1.5",
	} {
		_, err := parse(strings.Fields(args)...)
		if good := says == ""; good != (err == nil) || !good && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", args, err, says)
		}
	}
}

func TestFlagSetKeepsItsOwnSeed(t *testing.T) {
	set := flag.NewFlagSet("meeting", flag.ContinueOnError)
	seed := set.Uint64("seed", 3, "of the meeting")
	f := AddFlags(set, seed)
	if err := set.Parse([]string{"--seed", "9", "--loss", "1%"}); err != nil {
		t.Fatal(err)
	}
	if i, err := f.Impairment(); err != nil || i.Seed != 9 || i.Up.Loss != 0.01 {
		t.Errorf("%+v, %v", i, err)
	}
}

func TestEveryFlagSaysWhatItWants(t *testing.T) {
	set := flag.NewFlagSet("relay", flag.ContinueOnError)
	AddFlags(set, new(uint64))
	n := 0
	set.VisitAll(func(f *flag.Flag) {
		n++
		if name, usage := flag.UnquoteUsage(f); f.Name != "seed" && name == "value" || usage == "" {
			t.Errorf("--%s %s: %q", f.Name, name, usage)
		}
	})
	if n != 3*7+2 {
		t.Errorf("%d flags", n)
	}
}

func TestBitrateIsReadAsItIsWritten(t *testing.T) {
	for _, b := range []Bitrate{0, 1, 999, 1000, 64_123, 600_000, 1_500_000, 2_500_001, 1e9, MaxRate} {
		if got, err := ParseBitrate(b.String()); err != nil || got != b {
			t.Errorf("%d is written %q and read as %d (%v)", int64(b), b, int64(got), err)
		}
	}
}

// FuzzFlags: whatever is written, either it is refused or links can be made of it that behave.
func FuzzFlags(f *testing.F) {
	for _, args := range []string{
		"--loss 5% --delay 150ms --jitter 20ms --rate 1Mbps --queue 200ms --burst 3 --seed 1",
		"--up.loss 0.5 --down.queue 64kB --down.rate 2Mbit/s",
		"--rate 5Mbps --at 10s:down.rate=600kbps,loss=1% --at 0:rate=0", "--bucket 1GB --rate 1kbps", "--at :", "--at 1s:up.=,",
	} {
		f.Add(args)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := parse(strings.Fields(text)...)
		if err != nil {
			return
		}
		up, down := NewLink(i.Up, i.Seed), NewLink(i.Down, i.Seed)
		after := time.Duration(-1)
		for _, s := range append(i.Steps, Step{After: 1<<63 - 1}) {
			if s.After < after {
				t.Fatalf("step at %v follows %v", s.After, after)
			}
			after = s.After
			for _, p := range []Params{s.Up, s.Down} {
				if err := p.Validate(); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 20 {
				for _, l := range []*Link{up, down} {
					l.Send(time.Duration(n)*ms, 1200, 0)
					if at, ok := l.Next(); ok && at < 0 {
						t.Fatalf("arrival at %v", at)
					}
				}
			}
			up.Set(20*ms, s.Up)
			down.Set(20*ms, s.Down)
		}
	})
}
