//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tarasul/loadtest"
	"tarasul/loadtest/floor"
	"tarasul/loadtest/relay"
)

// flags is the flag set of one scenario, whose mistakes are one line each and name the nearest right flag.
type flags struct {
	*flag.FlagSet
	json    string
	html    string
	audio   bool
	network *relay.Flags // nil: the scenario has none
}

// Bit rates of the camera where none is given.
const (
	defaultVideo     = 150_000
	defaultSimulcast = 1_500_000
)

// given reports whether a flag is on the command line.
func (f *flags) given(name string) (is bool) {
	f.Visit(func(fl *flag.Flag) { is = is || fl.Name == name })
	return is
}

func newFlags(name string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&f.json, "json", "", "write the report as JSON to this `file`; - is the standard output")
	return f
}

// meetingFlags are the flags of "meeting"; they set m.
func meetingFlags(m *loadtest.Meeting) *flags {
	f := newFlags("meeting")
	f.IntVar(&m.Publishers, "publishers", 0, "of the participants, those who send (0: all)")
	f.floor(m)
	f.meeting(m, usual{participants: 30, video: defaultVideo, voices: 6, duration: 10 * time.Second})
	return f
}

// broadcastFlags are the flags of "broadcast"; they set m.
func broadcastFlags(m *loadtest.Meeting) *flags {
	f := newFlags("broadcast")
	m.Broadcast = true
	f.IntVar(&m.Publishers, "publishers", 1, "of the participants, those who send")
	f.floor(m)
	f.meeting(m, usual{participants: 30, video: defaultSimulcast, voices: 1, duration: 10 * time.Second})
	return f
}

// soakFlags are the flags of "soak"; they set s.
func soakFlags(s *loadtest.Soak) *flags {
	f := newFlags("soak")
	f.IntVar(&s.Meeting.Publishers, "publishers", 0, "of the participants, those who send (0: all)")
	f.meeting(&s.Meeting, usual{participants: 10, video: defaultVideo, voices: 6, duration: time.Hour})
	f.DurationVar(&s.Window, "window", time.Minute, "time of one measurement; the first is compared with the last")
	f.Float64Var(&s.Growth, "growth", 10, "percent by which memory, goroutines and file descriptors may have grown")
	f.Float64Var(&s.Slower, "slower", 25, "percent by which median latency and the cost of a packet may have grown")
	return f
}

// usual are the values of a meeting's flags that are not given.
type usual struct {
	participants, video, voices int
	duration                    time.Duration
}

// floor adds the flag that has the floor measured.
func (f *flags) floor(m *loadtest.Meeting) {
	f.BoolVar(&m.Floor, "floor", false, "measure before what a packet costs at least, which takes two seconds (default: with --json and --html)")
}

// meeting adds the flags of everything that is a meeting.
func (f *flags) meeting(m *loadtest.Meeting, u usual) {
	f.StringVar(&f.html, "html", "", "write the report as one page with charts to this `file`")
	f.target(&m.Target)
	f.IntVar(&m.Participants, "participants", u.participants, "people in each room")
	f.IntVar(&m.Rooms, "rooms", 1, "rooms, each with so many participants")
	m.Video = u.video
	f.Var(bitrate{&m.Video}, "video", "bit `rate` of the camera (0: none); with --simulcast that of its largest encoding, which is 1.5Mbps unless given")
	f.BoolVar(&m.Simulcast, "simulcast", false, "send three encodings")
	f.IntVar(&m.FrameRate, "fps", 30, "frames per second")
	f.BoolVar(&f.audio, "audio", true, "send a voice")
	m.Audio = 32_000
	f.Var(bitrate{&m.Audio}, "audio-rate", "bit `rate` of a voice")
	f.IntVar(&m.Voices, "voices", u.voices, "voices that each can hear at the same time (audio slots)")
	f.IntVar(&m.Speakers, "speakers", 0, "how many of a room speak at any time (0: all)")
	m.TileWidth, m.TileHeight = 320, 180
	f.Var(tile{&m.TileWidth, &m.TileHeight}, "tile", "size at which each shows the others, in `pixels`")
	f.DurationVar(&m.Ramp, "ramp", 100*time.Millisecond, "time between two joins (0: all at once)")
	f.DurationVar(&m.Warmup, "warmup", 2*time.Second, "time between the last join and the measurement")
	f.DurationVar(&m.Duration, "duration", u.duration, "time that is measured")
	f.IntVar(&m.Sample, "sample", 16, "decrypt one packet in so many (1: all, and check every frame)")
	f.BoolVar(&m.Feedback, "feedback", true, "send transport-wide feedback every 100 ms, as browsers do")
	f.Uint64Var(&m.Seed, "seed", 1, "all that is random follows from it")
	f.network = relay.AddFlags(f.FlagSet, &m.Seed)
}

// complete works out what follows from several flags of a meeting together, or what is wrong with that.
func (f *flags) complete(m *loadtest.Meeting) (err error) {
	if !f.audio {
		m.Audio = 0
	}
	if m.Simulcast && !f.given("video") {
		m.Video = defaultSimulcast
	}
	if f.Lookup("floor") != nil && !f.given("floor") {
		m.Floor = f.json != "" || f.html != ""
	}
	m.Network, err = f.network.Impairment()
	return err
}

// floorFlags are the flags of "floor"; they set cfg.
func floorFlags(cfg *floor.Config) *flags {
	f := newFlags("floor")
	f.IntVar(&cfg.Packet, "packet", 1178, "size of a packet, in `bytes` of UDP payload")
	f.IntVar(&cfg.Destinations, "destinations", 29, "how many get a run in each turn")
	f.IntVar(&cfg.Rounds, "rounds", 7, "rounds of which the median is taken")
	f.Func("targets", "`names` with commas: loopback, discard, device, device-uso (default: all that the machine allows)", func(text string) error {
		cfg.Targets = strings.Split(text, ",")
		return nil
	})
	return f
}

// relayFlags are the flags of "relay"; they set cfg and duration.
func relayFlags(cfg *relay.Config, duration *time.Duration) *flags {
	f := newFlags("relay")
	address := func(to *netip.AddrPort) func(string) error {
		return func(text string) (err error) {
			if *to, err = netip.ParseAddrPort(text); err != nil {
				return errors.New("an address is written 127.0.0.1:7882")
			}
			return nil
		}
	}
	f.Func("server", "`address` of the media server, to which packets go", address(&cfg.Server))
	f.Func("listen", "`address` to which clients send (default: a free port of loopback)", address(&cfg.Listen))
	f.DurationVar(duration, "duration", 0, "time after which it ends (0: when it is interrupted)")
	f.Uint64Var(&cfg.Seed, "seed", 1, "all that is random follows from it")
	f.network = relay.AddFlags(f.FlagSet, &cfg.Seed)
	return f
}

// churnFlags are the flags of "churn"; they set c.
func churnFlags(c *loadtest.Churn) *flags {
	f := newFlags("churn")
	f.target(&c.Target)
	f.IntVar(&c.Joins, "joins", 1000, "how often somebody joins and leaves, in all")
	f.IntVar(&c.AtOnce, "at-once", 10, "people who come and go at the same time")
	f.DurationVar(&c.Settle, "settle", 75*time.Second, "time that the server has to get back to where it was; it keeps lost sessions for a minute")
	f.Float64Var(&c.Percent, "percent", 1, "by which goroutines, file descriptors and heap may have grown")
	f.Uint64Var(&c.Seed, "seed", 1, "all that is random follows from it")
	return f
}

// hostileFlags are the flags of "hostile"; they set h.
func hostileFlags(h *loadtest.Hostile) *flags {
	f := newFlags("hostile")
	f.target(&h.Target)
	f.IntVar(&h.Packets, "packets", 1_000_000, "bad packets, in all")
	f.IntVar(&h.Rate, "rate", 50_000, "of them, those per second at most")
	f.IntVar(&h.Participants, "participants", 4, "people in the meeting that is not to notice")
	f.Float64Var(&h.Growth, "growth", 16, "MiB by which heap and resident memory may have grown")
	f.Uint64Var(&h.Seed, "seed", 1, "all that is random follows from it")
	return f
}

// chatFlags are the flags of "chat"; they set c.
func chatFlags(c *loadtest.Chat) *flags {
	f := newFlags("chat")
	f.target(&c.Target)
	f.IntVar(&c.Participants, "participants", 30, "people in the meeting")
	f.Float64Var(&c.Rate, "rate", 100, "messages per second, of all together")
	f.IntVar(&c.Length, "length", 120, "length of a message, in characters")
	f.DurationVar(&c.Duration, "duration", 10*time.Second, "time during which they write")
	f.Uint64Var(&c.Seed, "seed", 1, "all that is random follows from it")
	return f
}

// target are the flags that say which server is measured.
func (f *flags) target(t *loadtest.Target) {
	f.StringVar(&t.URL, "server", "", "`address` of the server (default http://127.0.0.1:8080)")
	f.StringVar(&t.Command, "server-cmd", "", "start the server by this `command` instead; addresses and data directory are added where it names none")
	f.IntVar(&t.PID, "server-pid", 0, "process `ID` of the server, where it is not found by its address")
	f.StringVar(&t.Metrics, "metrics", "", "the operators' `address`, such as http://127.0.0.1:9090, to add the server's own counters")
	f.StringVar(&t.Admin, "admin-user", "", "an administrator's `login:password` (default: the demonstration's)")
	f.BoolVar(&t.Insecure, "insecure", false, "accept any certificate")
}

// parse reads the arguments.
func (f *flags) parse(args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			return fmt.Errorf("no flag --%s; did you mean --%s?", strings.TrimPrefix(name, "-"), nearest(name, f.names()))
		}
		return err
	case f.NArg() > 0:
		return fmt.Errorf("%q is no flag; did you mean --%s?", f.Arg(0), nearest(f.Arg(0), f.names()))
	}
	return nil
}

func (f *flags) names() (names []string) {
	f.VisitAll(func(fl *flag.Flag) { names = append(names, fl.Name) })
	return names
}

// printDefaults lists the flags.
func (f *flags) printDefaults(w io.Writer) {
	fmt.Fprintf(w, "Usage: loadtest %s [flags]\n", f.Name())
	f.VisitAll(func(fl *flag.Flag) {
		if strings.Contains(fl.Name, ".") {
			return // the same for one direction, which is said below
		}
		value, usage := flag.UnquoteUsage(fl)
		fmt.Fprintf(w, "  %-22s %s", strings.TrimSpace("--"+fl.Name+" "+value), usage)
		if fl.DefValue != "" && fl.DefValue != "false" && fl.DefValue != "0" {
			fmt.Fprintf(w, " (default %s)", fl.DefValue)
		}
		fmt.Fprintln(w)
	})
	if f.network != nil {
		fmt.Fprintln(w, "What is done to packets (--loss to --queue) is done in both directions; up. and down. before the name mean one: --down.rate 1Mbps.")
	}
}

// bitrate is a flag such as 150kbps, 1.5Mbps or 300000.
type bitrate struct{ bps *int }

var bitrateForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([kKmM]?)(?:bps|bit/s|b)?$`)

func (b bitrate) Set(text string) error {
	match := bitrateForm.FindStringSubmatch(text)
	if match == nil {
		return errors.New("a bit rate is written 150kbps or 1.5Mbps")
	}
	value, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return err
	}
	value *= map[string]float64{"": 1, "k": 1e3, "m": 1e6}[strings.ToLower(match[2])]
	if value > 1e9 {
		return errors.New("more than 1 Gbit/s")
	}
	*b.bps = int(value + 0.5)
	return nil
}

func (b bitrate) String() string {
	switch {
	case b.bps == nil:
		return ""
	case *b.bps >= 1_000_000:
		return strconv.FormatFloat(float64(*b.bps)/1e6, 'g', -1, 64) + "Mbps"
	}
	return strconv.FormatFloat(float64(*b.bps)/1e3, 'g', -1, 64) + "kbps"
}

// tile is a flag such as 320x180.
type tile struct{ width, height *int }

func (t tile) Set(text string) error {
	w, h, ok := strings.Cut(strings.ToLower(text), "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !ok || err1 != nil || err2 != nil || width < 1 || height < 1 || width > 1<<14 || height > 1<<14 {
		return errors.New("a size is written 320x180")
	}
	*t.width, *t.height = width, height
	return nil
}

func (t tile) String() string {
	if t.width == nil {
		return ""
	}
	return fmt.Sprintf("%dx%d", *t.width, *t.height)
}

// nearest is the name that takes the fewest changes to get to from what was written.
func nearest(written string, names []string) string {
	best, least := "", 1<<30
	for _, name := range names {
		if d := distance(strings.TrimLeft(written, "-"), name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
