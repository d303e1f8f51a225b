package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"regexp"
	"strconv"
)

//go:embed page.html
var markup string

//go:embed page.css
var style string

//go:embed page.js
var script string

// view is what the template sees.
type view struct {
	*Report
	Style    template.CSS
	Script   template.JS
	Policy   string // Content-Security-Policy: nothing from anywhere, and this one script
	Drawings []drawing
	Data     data
	Width    float64
	Height   float64
	Left     float64
	Right    float64
	Top      float64
	Bottom   float64
}

// data is what the script reads values from.
type data struct {
	From  float64       `json:"from"` // seconds
	To    float64       `json:"to"`
	Left  float64       `json:"left"` // where they are in a drawing
	Right float64       `json:"right"`
	Width float64       `json:"width"`
	Lines [][][]reading `json:"lines"` // by chart and line
}

// reading is a value: its time, and how it is shown.
type reading [2]any

// HTML writes the page.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{"number": isNumber, "numbers": Table.numbers}).Parse(markup)
	if err != nil {
		return fmt.Errorf("the page's template: %w", err)
	}
	from, to := span(r.Charts)
	hash := sha256.Sum256([]byte(script))
	v := view{
		Report: r, Style: template.CSS(style), Script: template.JS(script),
		Policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'",
		Data:   data{From: from, To: to, Left: left, Right: width - right, Width: width, Lines: [][][]reading{}},
		Width:  width, Height: height, Left: left, Right: width - right, Top: top, Bottom: height - bottom,
	}
	for i, c := range r.Charts {
		d, lines := c.draw("chart"+strconv.Itoa(i), from, to, r.Marks)
		v.Drawings = append(v.Drawings, d)
		readings := [][]reading{}
		for _, points := range lines {
			readings = append(readings, read(points))
		}
		v.Data.Lines = append(v.Data.Lines, readings)
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// read gives the values that can be read off a line.
func read(points []Point) []reading {
	all := []reading{}
	for _, p := range points {
		if !math.IsNaN(p.Value) {
			all = append(all, reading{math.Round(p.At*1000) / 1000, Number(p.Value)})
		}
	}
	return all
}

var number = regexp.MustCompile(`^[-+±–]?[0-9][0-9.,]*( ?[%a-zA-Zµ/]{1,12})?$|^–$`)

// isNumber reports whether a cell of a table is a number, with or without a unit.
func isNumber(cell string) bool { return number.MatchString(cell) }

// numbers reports whether all cells of a column are numbers.
func (t Table) numbers(column int) bool {
	for _, row := range t.Rows {
		if column < len(row) && !isNumber(row[column]) {
			return false
		}
	}
	return true
}
