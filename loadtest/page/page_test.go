package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

// sample is a report with all that a page can have.
func sample() *Report {
	line := func(name string, f func(at float64) float64) Line {
		l := Line{Name: name}
		for at := 0.0; at <= 90; at++ {
			l.Points = append(l.Points, Point{at, f(at)})
		}
		return l
	}
	return &Report{
		Title:   "Meeting of 30, 150 kbit/s",
		Where:   "2 CPUs (AMD EPYC), Linux 6.18, go1.26.8",
		Verdict: Verdict{true, "All 1740 streams flowed."},
		Facts:   []Fact{{"Forwarded", Number(70_012.3), "packets/s", false}, {"Latency, p99", Number(5.613), "ms", true}},
		Charts: []Chart{
			{Title: "Packets", Unit: "packets/s", Lines: []Line{line("received", func(at float64) float64 { return 70_000 + 2000*math.Sin(at) }),
				line("sent", func(float64) float64 { return 2400 })}},
			{Title: "Latency", Unit: "ms", Note: "From sealing to the kernel of the other.", Log: true, Lines: []Line{
				line("p50", func(at float64) float64 { return 0.2 + at/1000 }), line("p99", func(at float64) float64 { return 1 + at*at/400 }),
				line("p99.9", func(at float64) float64 {
					if at > 40 && at < 50 {
						return math.NaN()
					}
					return 9 + at*at/90
				})}},
		},
		Marks:  []Mark{{30, "5 -> 0.6 Mbit/s"}, {80, "back"}},
		Tables: []Table{{"By layer", []string{"layer", "packets", "lost"}, [][]string{{"high", "1,200", "0.5%"}, {"low", "88", "0"}}}},
		Logs:   []Log{{"The whole report", "meeting: 30 participants\n  forwarded  70012 packets/s"}},
	}
}

func write(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	scripts = regexp.MustCompile(`(?s)<script[^>]*>.*?</script>`)
	styles  = regexp.MustCompile(`(?s)<style>.*?</style>`)
)

// wellFormed parses a page strictly, and gives all its elements. The template is written so that it is well-formed XML too, apart
// from what stands in scripts.
func wellFormed(t testing.TB, page string) (elements []xml.StartElement) {
	t.Helper()
	markup := styles.ReplaceAllString(scripts.ReplaceAllString(page, "<script/>"), "<style/>")
	d := xml.NewDecoder(strings.NewReader(markup))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements = append(elements, e.Copy())
		}
	}
}

func TestPageIsWellFormedAndRefersToItselfOnly(t *testing.T) {
	for name, r := range map[string]*Report{"all": sample(), "nothing": {}, "a title": {Title: "x"}} {
		page := write(t, r)
		ids, refers := map[string]bool{}, []string{}
		for _, e := range wellFormed(t, page) {
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id":
					if ids[a.Value] {
						t.Errorf("%s: two elements are %q", name, a.Value)
					}
					ids[a.Value] = true
				case "aria-labelledby":
					refers = append(refers, a.Value)
				case "src", "href", "srcset", "action", "style", "onload":
					t.Errorf("%s: <%s %s=%q>", name, e.Name.Local, a.Name.Local, a.Value)
				}
			}
			switch e.Name.Local {
			case "link", "img", "iframe", "object", "embed", "base", "form", "image", "use", "foreignObject":
				t.Errorf("%s: <%s>", name, e.Name.Local)
			}
		}
		for _, id := range refers {
			if !ids[id] {
				t.Errorf("%s: nothing is %q", name, id)
			}
		}
		for _, outside := range []string{"http:", "https:", "//fonts", "url(", "@import", "fetch(", "XMLHttpRequest", "import("} {
			if strings.Contains(page, outside) {
				t.Errorf("%s: the page has %q", name, outside)
			}
		}
	}
}

func TestPolicyAllowsTheOwnScriptOnly(t *testing.T) {
	page := write(t, sample())
	all := regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllStringSubmatch(page, -1)
	if len(all) != 2 || all[1][1] != "" || !strings.Contains(all[0][1], "application/json") {
		t.Fatalf("%d scripts", len(all))
	}
	hash := sha256.Sum256([]byte(all[1][2]))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	if want := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"; !strings.Contains(html.UnescapeString(policy[1]), want) {
		t.Errorf("the policy is %s, want %s", html.UnescapeString(policy[1]), want)
	}
	if strings.Contains(write(t, &Report{Title: "without charts"}), "<script") {
		t.Error("a page without charts has a script")
	}
}

// values are what the script can read off the charts of a page.
func values(t testing.TB, page string) (d struct {
	From, To float64
	Lines    [][][][2]any
}) {
	t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("there is no data")
	}
	if err := json.Unmarshal([]byte(found[1]), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPageShowsWhatTheReportSays(t *testing.T) {
	page := write(t, sample())
	text := html.UnescapeString(page)
	for _, want := range []string{
		"Meeting of 30, 150 kbit/s", "Linux 6.18", "All 1740 streams flowed.", "70,012", "packets/s", "5.61",
		"From sealing to the kernel", "p99.9", "logarithmic",
		"5 -> 0.6 Mbit/s", "By layer", "1,200", "The whole report", "forwarded  70012", `class="bad"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	d := values(t, page)
	if d.From != 0 || d.To != 90 || len(d.Lines) != 2 || len(d.Lines[1]) != 3 || len(d.Lines[1][2]) != 91-9 {
		t.Errorf("data from %v to %v, %d charts", d.From, d.To, len(d.Lines))
	}
	if at := d.Lines[0][1][3]; at[0] != 3.0 || at[1] != "2,400" {
		t.Errorf("the fourth value is %v", at)
	}
}

func TestInputIsEscaped(t *testing.T) {
	evil := `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&` + "\u2028]]>"
	r := &Report{
		Title: evil, Where: evil, Verdict: Verdict{false, evil}, Facts: []Fact{{evil, evil, evil, true}}, Marks: []Mark{{0, evil}},
		Charts: []Chart{{Title: evil, Unit: evil, Note: evil, Lines: []Line{{evil, []Point{{0, 1}, {1, 2}}}}}},
		Tables: []Table{{evil, []string{evil}, [][]string{{evil}}}}, Logs: []Log{{evil, evil}},
	}
	page := write(t, r)
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts", n)
	}
	if strings.Contains(page, "<img") {
		t.Error("there is an image")
	}
	wellFormed(t, page)
	if n := strings.Count(html.UnescapeString(page), evil); n < 15 {
		t.Errorf("the text is shown %d times", n)
	}
}

func TestValuesThatCannotBeDrawnAreGaps(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name   string
		log    bool
		values []float64
		path   string
	}{
		{"nothing", false, nil, ""},
		{"one", false, []float64{4}, "M58 14h.5"},
		{"a line", false, []float64{0, 4, 0}, "M58 186L298 14L538 186"},
		{"a gap", false, []float64{4, nan, 4, 4}, "M58 14h.5M378 14L538 14"},
		{"infinite", false, []float64{4, inf, 4}, "M58 14h.5M538 14h.5"},
		{"below zero", false, []float64{-4, 4}, "M58 186L538 14"},
		{"not a thing", false, []float64{nan, nan}, ""},
		{"zero", false, []float64{0, 0}, "M58 186L538 186"}, {"next to zero", false, []float64{0, 5e-324}, "M58 186L538 186"},
		{"decades", true, []float64{1, 10, 100}, "M58 186L298 100L538 14"},
		{"zero of a logarithm", true, []float64{1, 0, 100}, "M58 186h.5M538 14h.5"},
		{"huge", false, []float64{1e300, 4}, "M538 14h.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Line{Name: "x"}
			for i, v := range c.values {
				l.Points = append(l.Points, Point{float64(i), v})
			}
			chart := Chart{Title: "x", Unit: "ms", Log: c.log, Lines: []Line{l}}
			from, to := span([]Chart{chart})
			d, _ := chart.draw("x", from, to, nil)
			if got := d.Traces[0].Path; got != c.path {
				t.Errorf("path %q, want %q", got, c.path)
			}
			wellFormed(t, write(t, &Report{Charts: []Chart{chart}}))
		})
	}
}

// TestLongRunIsReducedButKeepsItsPeaks: six hours with one spike.
func TestLongRunIsReducedButKeepsItsPeaks(t *testing.T) {
	l := Line{Name: "p99"}
	for at := range 6 * 3600 {
		v := 2 + math.Sin(float64(at)/100)
		if at == 12_345 {
			v = 900
		}
		l.Points = append(l.Points, Point{float64(at), v})
	}
	r := &Report{Charts: []Chart{{Title: "Latency", Unit: "ms", Lines: []Line{l, l}}}}
	page := write(t, r)
	points := values(t, page).Lines[0][0]
	if len(points) > 2*columns+2 {
		t.Errorf("%d points are left", len(points))
	}
	peak, last := false, -1.0
	for _, p := range points {
		peak = peak || p[0] == 12_345.0 && p[1] == "900"
		if at := p[0].(float64); at <= last {
			t.Fatalf("%v follows %v", at, last)
		} else {
			last = at
		}
	}
	if !peak {
		t.Error("the peak is not there")
	}
	if !strings.Contains(page, ">1:00:00<") || len(page) > 100_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.5: "0.5", 5.6134: "5.61", 99.94: "99.9", 100.4: "100", 1371.4: "1,371",
		70_012.3: "70,012", 1234567: "1,234,567", -1234.5: "-1,234",
		0.012345: "0.0123", -0.0000000001: "0", 1e-300: "0", math.Inf(-1): "–",
	} {
		if got := Number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
	if Number(math.NaN()) != "–" {
		t.Error("NaN is written " + Number(math.NaN()))
	}
	for cell, want := range map[string]bool{
		"1,234": true, "0.5%": true, "12 ms": true, "–": true, "-3": true, "300 ns/packet": true, "high": false, "": false, "3 of 5 lost": false,
	} {
		if isNumber(cell) != want {
			t.Errorf("%q is a number: %v", cell, !want)
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	labels := func(least, most float64, log bool) (all []string) {
		f := linear
		if log {
			f = logarithmic
		}
		s, ticks := f(least, most)
		if s.least > least || s.most < most {
			t.Errorf("%v to %v are drawn on %v to %v", least, most, s.least, s.most)
		}
		for _, v := range ticks {
			all = append(all, short(v))
		}
		return all
	}
	for _, c := range []struct {
		least, most float64
		log         bool
		want        string
	}{
		{0, 70_000, false, "[0 20,000 40,000 60,000 80,000]"}, {3, 3, false, "[0 1 2 3]"}, {0, 0.004, false, "[0 0.001 0.002 0.003 0.004]"},
		{-5, 12, false, "[-5 0 5 10 15]"}, {0, 3e6, false, "[0 1M 2M 3M]"}, {0.2, 80, true, "[0.1 1 10 100]"}, {1, 9, true, "[1 2 5 10]"},
		{1e-9, 1e9, true, "[0.000000001 0.000001 0.001 1 1,000 1M 1G]"}, {5, 5, true, "[1 2 5 10]"},
	} {
		if got := fmt.Sprint(labels(c.least, c.most, c.log)); got != c.want {
			t.Errorf("%v to %v: %s, want %s", c.least, c.most, got, c.want)
		}
	}
	for _, c := range []struct {
		from, to float64
		want     string
	}{
		{0, 12, "[0 s 2 s 4 s 6 s 8 s 10 s 12 s]"}, {0, 1, "[0 s 0.2 s 0.4 s 0.6 s 0.8 s 1 s]"}, {0, 600, "[0:00 2:00 4:00 6:00 8:00 10:00]"},
		{0, 4 * 3600, "[0:00:00 0:30:00 1:00:00 1:30:00 2:00:00 2:30:00 3:00:00 3:30:00 4:00:00]"},
		{0, 10 * 86400, "[0:00:00 48:00:00 96:00:00 144:00:00 192:00:00 240:00:00]"},
	} {
		var got []string
		for _, at := range times(c.from, c.to) {
			got = append(got, clock(at, c.to-c.from))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v to %v: %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

func TestWriterThatFailsIsReported(t *testing.T) {
	if err := sample().HTML(brokenWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzPage: whatever the values are, the page is well-formed and its data can be read.
func FuzzPage(f *testing.F) {
	f.Add("p99", 0.0, 1.0, 2.0, 3.0, true)
	f.Add("far away", 1e14, 1.0, 1e14+0.02, 5e-324, true)
	f.Add("<b>", 1e18, math.NaN(), -1.0, math.Inf(1), false)
	f.Fuzz(func(t *testing.T, name string, a, b, c, d float64, log bool) {
		chart := Chart{Title: name, Unit: name, Log: log, Lines: []Line{{name, []Point{{a, b}, {c, d}}}}}
		r := &Report{Title: name, Charts: []Chart{chart}, Marks: []Mark{{a, name}}}
		page := write(t, r)
		values(t, page)
		if n := strings.Count(page, "<script"); n != 2 {
			t.Errorf("%d scripts", n)
		}
		for _, bad := range []string{"NaN", "Inf"} {
			if strings.Contains(scripts.ReplaceAllString(page, ""), bad) && !strings.Contains(name, bad) {
				t.Errorf("the page has %s", bad)
			}
		}
	})
}
