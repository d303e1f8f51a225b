//go:build linux

package loadtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
)

//go:embed report.html
var page string

// HTML writes the report as one page that needs nothing else: the charts are drawn here, so it opens without any network and
// without scripts.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err != nil {
		return fmt.Errorf("the report's page: %w", err)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil {
		return err
	}
	return t.Execute(w, struct {
		*Report
		Table  string
		Charts []chart
	}{r, table.String(), r.charts()})
}

// charts are what is drawn over time.
func (r *Report) charts() []chart {
	line := func(name string, value func(Second) float64) series {
		s := series{Name: name}
		for _, second := range r.Series {
			s.values = append(s.values, value(second))
		}
		return s
	}
	all := []chart{
		{Title: "Packets forwarded", Unit: "packets/s", Lines: []series{line("received by bots", func(s Second) float64 { return s.PPS })}},
		{Title: "Bit rate", Unit: "Mbit/s", Lines: []series{line("received by bots", func(s Second) float64 { return s.Mbps })}},
		{Title: "Latency", Unit: "ms", Lines: []series{line("p50", func(s Second) float64 { return s.P50 }), line("p99", func(s Second) float64 { return s.P99 })}},
		{Title: "Loss", Unit: "packets", Lines: []series{line("missing", func(s Second) float64 { return float64(s.Lost) })}},
	}
	if r.ServerPID != 0 {
		all = append(all,
			chart{Title: "CPU of the server", Unit: "% of a core", Lines: []series{line("user and system", func(s Second) float64 { return s.ServerCPU })}},
			chart{Title: "Memory of the server", Unit: "MiB", Lines: []series{line("resident", func(s Second) float64 { return s.ServerRSS })}})
	}
	for i := range all {
		all[i].draw(r.Series)
	}
	return all
}

// Size of a chart and of its margins, in the units of its view box.
const (
	chartWidth, chartHeight = 560.0, 200.0
	marginLeft, marginRight = 56.0, 8.0
	marginTop, marginBottom = 8.0, 22.0
)

// chart is one figure over time, drawn as SVG by the page.
type chart struct {
	Title, Unit string
	Lines       []series
	Grid        []gridLine
	Times       []gridLine
}

// series is one line of a chart.
type series struct {
	Name   string
	Points string // of an SVG polyline
	Dots   []dot
	values []float64
}

// dot is one value, with what it says when it is pointed at.
type dot struct{ X, Y, Says string }

// gridLine is a line across the chart, at At, with its label.
type gridLine struct{ At, Label string }

// draw works out where everything is.
func (c *chart) draw(seconds []Second) {
	if len(seconds) == 0 {
		return
	}
	top := 0.0
	for _, l := range c.Lines {
		for _, v := range l.values {
			top = max(top, v)
		}
	}
	step := niceStep(top / 4)
	top = math.Ceil(max(top, step)/step) * step
	end := seconds[len(seconds)-1].At
	x := func(at float64) float64 { return marginLeft + (chartWidth-marginLeft-marginRight)*at/max(end, 1) }
	y := func(v float64) float64 {
		return chartHeight - marginBottom - (chartHeight-marginTop-marginBottom)*v/top
	}
	for v := 0.0; v <= top*1.001; v += step {
		c.Grid = append(c.Grid, gridLine{place(y(v)), strconv.FormatFloat(v, 'g', 6, 64)})
	}
	every := math.Ceil(max(end, 1) / 8)
	for at := 0.0; at <= end; at += every {
		c.Times = append(c.Times, gridLine{place(x(at)), strconv.FormatFloat(at, 'f', 0, 64) + " s"})
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		var points []string
		for k, v := range l.values {
			at := seconds[k].At
			points = append(points, place(x(at))+","+place(y(v)))
			l.Dots = append(l.Dots, dot{place(x(at)), place(y(v)), fmt.Sprintf("%s: %s %s at %.0f s", l.Name, strconv.FormatFloat(v, 'f', -1, 64), c.Unit, at)})
		}
		l.Points = strings.Join(points, " ")
	}
}

func place(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// niceStep is the smallest of 1, 2 and 5 times a power of ten that is not below f.
func niceStep(f float64) float64 {
	if f <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(f)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= f*0.999 {
			return m * power
		}
	}
	return 10 * power
}
