// Package page writes a report as one HTML file that needs nothing else: charts are drawn here as SVG, the little script that
// reads values off them is inside, and nothing is fetched from anywhere, so it opens on a machine without a network and can be
// mailed, archived and printed.
//
// It knows lines, figures and text, and never what they mean.
package page

// Report is what a page shows, from top to bottom. Whatever is empty is left out. All texts are plain and are escaped.
type Report struct {
	Title   string
	Where   string // one sentence below the title: machine, time, versions
	Verdict Verdict
	Facts   []Fact
	Charts  []Chart // all over the same span of time
	Marks   []Mark  // in all charts
	Tables  []Table
	Logs    []Log
}

// Verdict is how it went, in one sentence.
type Verdict struct {
	Good bool
	Text string
}

// Fact is one figure that is seen at once.
type Fact struct {
	Name  string
	Value string // as it is shown; Number writes a float well
	Unit  string
	Bad   bool // it missed its aim
}

// Chart shows lines over time with one unit.
type Chart struct {
	Title string
	Unit  string // of the values
	Note  string // what the reader should know
	// Log draws the values on a logarithmic scale, for percentiles that lie far apart. Values of 0 and less are gaps then.
	Log   bool
	Lines []Line
}

// Line is one series. A value that is not finite is a gap.
type Line struct {
	Name   string
	Points []Point
}

// Point is one value at a time in seconds. Times must not fall.
type Point struct{ At, Value float64 }

// Mark is a moment that the reader should see, such as a change of the link's rate.
type Mark struct {
	At   float64 // seconds
	Name string
}

// Table is a table with a head. Cells that are numbers are aligned as numbers.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// Log is preformatted text, such as the table that the terminal showed.
type Log struct {
	Title string
	Text  string
}
