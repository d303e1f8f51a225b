package page

import (
	"math"
	"strconv"
	"strings"
)

// Size of a drawing and of its margins, in the units of its view box.
const (
	width, height = 560.0, 210.0
	left, right   = 58.0, 22.0
	top, bottom   = 14.0, 24.0
)

const (
	columns = 480 // a line has two points in each at most: the least and the most
	colours = 6   // of lines; more begin again
)

// tick is a line across a drawing, with its label, which stands before it if it is late in time.
type tick struct {
	At, Label string
	Late      bool
}

// drawing is a chart with everything in its place.
type drawing struct {
	Chart
	ID     string
	Y      []tick
	X      []tick
	Marks  []tick
	Traces []trace
}

// trace is a drawn line.
type trace struct {
	Name   string
	Colour int
	Path   string

	Least, Mean, Most string
}

// scale maps values to places.
type scale struct {
	least, most float64 // of values
	from, to    float64 // of places
	log         bool
}

func (s scale) place(v float64) float64 {
	least, most := s.least, s.most
	if s.log {
		v, least, most = math.Log10(v), math.Log10(least), math.Log10(most)
	}
	return s.from + (s.to-s.from)*(v-least)/(most-least)
}

// Bounds of what is drawn, beyond which floating point would play tricks.
const largest, smallest = 1e15, 1e-12

// shown reports whether a value can be drawn.
func shown(v float64, log bool) bool { return math.Abs(v) < largest && (!log || v >= smallest) }

// span is the time that all charts cover.
func span(charts []Chart) (from, to float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, c := range charts {
		for _, l := range c.Lines {
			for _, p := range l.Points {
				if shown(p.At, false) {
					from, to = min(from, p.At), max(to, p.At)
				}
			}
		}
	}
	if from > to {
		return 0, 1
	}
	return from, max(to, from+max(1e-3, math.Abs(from)/1e9))
}

// draw works out where everything is. lines are the points that are drawn of each line, for who reads values off them.
func (c Chart) draw(id string, from, to float64, marks []Mark) (d drawing, lines [][]Point) {
	d = drawing{Chart: c, ID: id}
	x := scale{least: from, most: to, from: left, to: width - right}
	for _, at := range times(from, to) {
		d.X = append(d.X, tick{At: coordinate(x.place(at)), Label: clock(at, to-from)})
	}
	for _, m := range marks {
		if m.At >= from && m.At <= to {
			d.Marks = append(d.Marks, tick{coordinate(x.place(m.At)), m.Name, m.At > (from+to)/2})
		}
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if shown(p.Value, c.Log) {
				least, most = min(least, p.Value), max(most, p.Value)
			}
		}
	}
	y, values := linear(least, most)
	if c.Log {
		y, values = logarithmic(least, most)
	}
	for _, v := range values {
		d.Y = append(d.Y, tick{At: coordinate(y.place(v)), Label: short(v)})
	}
	for i, l := range c.Lines {
		points := reduce(l.Points, from, to, c.Log)
		t := trace{Name: l.Name, Colour: i % colours, Path: path(points, x, y)}
		t.Least, t.Mean, t.Most = l.summary()
		d.Traces = append(d.Traces, t)
		lines = append(lines, points)
	}
	return d, lines
}

// linear is a scale from 0, or from below if there are values below, with its ticks.
func linear(least, most float64) (s scale, ticks []float64) {
	if least > most {
		least, most = 0, 1
	}
	least, most = min(least, 0), max(most, 0)
	if most-least < smallest {
		most = 1
	}
	step := round125((most - least) / 4)
	first, last := math.Floor(least/step+1e-9), math.Ceil(most/step-1e-9)
	if first == last {
		last++
	}
	for k := first; k <= last; k++ {
		ticks = append(ticks, k*step)
	}
	return scale{least: first * step, most: last * step, from: height - bottom, to: top}, ticks
}

// logarithmic is a scale of whole decades; ticks stand at 1, 2 and 5 if there are few of them.
func logarithmic(least, most float64) (s scale, ticks []float64) {
	if least > most {
		least, most = 1, 1
	}
	first, last := int(math.Floor(math.Log10(least)+1e-9)), int(math.Ceil(math.Log10(most)-1e-9))
	if first >= last {
		last = first + 1
	}
	every := (last - first + 5) / 6
	for k := first; k < last; k++ {
		power := math.Pow10(k)
		if (k-first)%every == 0 {
			ticks = append(ticks, power)
		}
		if last-first <= 2 {
			ticks = append(ticks, 2*power, 5*power)
		}
	}
	ticks = append(ticks, math.Pow10(last))
	return scale{least: math.Pow10(first), most: math.Pow10(last), from: height - bottom, to: top, log: true}, ticks
}

// round125 is the smallest of 1, 2 and 5 times a power of ten that is not below f.
func round125(f float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(f)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= f*0.999 {
			return m * power
		}
	}
	return 10 * power
}

// times are about eight round times of a span.
func times(from, to float64) (all []float64) {
	step := (to - from) / 8
	if step <= 1 {
		step = round125(step)
	} else {
		for _, round := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600} {
			if step <= round {
				step = round
				break
			}
		}
		if step > 12*3600 {
			step = math.Ceil(step/86400) * 86400
		}
	}
	for k := math.Ceil(from/step - 1e-9); k*step <= to+step*1e-9; k++ {
		all = append(all, k*step+0) // which makes 0 of -0
	}
	return all
}

// reduce keeps of many points the least and the most of each column. A value that cannot be drawn becomes NaN.
func reduce(points []Point, from, to float64, log bool) (kept []Point) {
	if len(points) <= 2*columns {
		for _, p := range points {
			if !shown(p.At, false) {
				continue
			}
			if !shown(p.Value, log) {
				p.Value = math.NaN()
			}
			kept = append(kept, p)
		}
		return kept
	}
	column := func(p Point) int { return int((p.At - from) / (to - from) * columns) }
	for i := 0; i < len(points); {
		if !shown(points[i].At, false) {
			i++
			continue
		}
		low, high, here := Point{points[i].At, math.NaN()}, Point{points[i].At, math.NaN()}, column(points[i])
		for ; i < len(points) && (!shown(points[i].At, false) || column(points[i]) == here); i++ {
			p := points[i]
			if !shown(p.At, false) || !shown(p.Value, log) {
				continue
			}
			if !(p.Value >= low.Value) {
				low = p
			}
			if !(p.Value <= high.Value) {
				high = p
			}
		}
		if low.At > high.At {
			low, high = high, low
		}
		kept = append(kept, low)
		if high.At > low.At {
			kept = append(kept, high)
		}
	}
	return kept
}

// path is an SVG path through the points, broken where a value is missing. A point between two gaps is a dot.
func path(points []Point, x, y scale) string {
	var b strings.Builder
	there := func(i int) bool { return i >= 0 && i < len(points) && !math.IsNaN(points[i].Value) }
	for i, p := range points {
		if !there(i) {
			continue
		}
		at := coordinate(x.place(p.At)) + " " + coordinate(y.place(p.Value))
		switch {
		case there(i - 1):
			b.WriteString("L" + at)
		case there(i + 1):
			b.WriteString("M" + at)
		default:
			b.WriteString("M" + at + "h.5")
		}
	}
	return b.String()
}

// summary is what stands beside a line's name.
func (l Line) summary() (least, mean, most string) {
	sum, n, low, high := 0.0, 0, math.Inf(1), math.Inf(-1)
	for _, p := range l.Points {
		if shown(p.Value, false) {
			sum += p.Value
			n++
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	return Number(low), Number(sum / float64(n)), Number(high)
}

func coordinate(f float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}

// short writes a tick's value.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}} {
		if math.Abs(v) >= unit.size {
			return strconv.FormatFloat(v/unit.size, 'g', 6, 64) + unit.name
		}
	}
	return commas(strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64))
}
