package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Number writes a value for a person: three digits that count, at least, and commas between thousands.
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	digits := 0
	if size := math.Abs(v); size > 0 {
		digits = min(max(2-int(math.Floor(math.Log10(size))), 0), 9)
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return commas(text)
}

// commas parts thousands.
func commas(text string) string {
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}

// clock writes a time in seconds, in a report that spans so many.
func clock(at, span float64) string {
	if span < 120 {
		return strconv.FormatFloat(math.Round(at*10)/10, 'f', -1, 64) + " s"
	}
	s := int(math.Round(at))
	if span < 2*3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
