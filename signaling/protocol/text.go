package protocol

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CleanLine is free text of one line (a name, a title) as everybody is to see it: see
// CleanText; every kind of white space becomes a space.
func CleanLine(s string, maxRunes int) (string, bool) {
	return clean(s, maxRunes, false)
}

// CleanText is free text of several lines as everybody is to see it: NFC, trimmed, lines
// ended by "\n", without control characters other than that and the tab, and without bidi
// controls that could make text around it read otherwise than it is written: embeddings
// and overrides (U+202A to U+202E) never, isolates (U+2066 to U+2069) only where they are
// closed in their own line (UAX #9, X5). The marks that a writer of Arabic needs (LRM,
// RLM, ALM, ZWNJ, ZWJ) stay. ok is false if s is not UTF-8 or longer than maxRunes. The
// result of nothing but space is empty. Cleaning twice is cleaning once.
func CleanText(s string, maxRunes int) (string, bool) {
	return clean(s, maxRunes, true)
}

func clean(s string, maxRunes int, lines bool) (string, bool) {
	// NFC never has more than three times the bytes; a rune has at most four.
	if len(s) > 4*4*maxRunes || !utf8.ValidString(s) {
		return "", false
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' && lines:
			return r
		case r == '\n', r == '\r', r == '\u0085', r == '\u2028', r == '\u2029': // ends of lines
			if lines {
				return '\n'
			}
			return ' '
		case !lines && unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= '\u202A' && r <= '\u202E', r == '\uFEFF':
			return -1
		}
		return r
	}, s)
	if strings.ContainsAny(s, "\u2066\u2067\u2068\u2069") {
		parts := strings.Split(s, "\n")
		for i, p := range parts {
			parts[i] = balance(p)
		}
		s = strings.Join(parts, "\n")
	}
	// Removing something may bring characters together that compose, and trimming may
	// bring a mark to the front, so both come last; neither makes work for the other.
	s = norm.NFC.String(strings.TrimSpace(s))
	if utf8.RuneCountInString(s) > maxRunes {
		return "", false
	}
	return s, true
}

// balance takes away the isolates of a line that are not closed, and what closes none.
func balance(line string) string {
	runes := []rune(line)
	var open []int
	for i, r := range runes {
		switch r {
		case '\u2066', '\u2067', '\u2068':
			open = append(open, i)
		case '\u2069':
			if len(open) == 0 {
				runes[i] = -1
			} else {
				open = open[:len(open)-1]
			}
		}
	}
	for _, i := range open {
		runes[i] = -1
	}
	var b strings.Builder
	for _, r := range runes {
		if r >= 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Clean cleans every language of a name or title. ok is false if one of them is not
// text or longer than maxRunes.
func (m Multilingual) Clean(maxRunes int) (_ Multilingual, ok bool) {
	for _, s := range []*string{&m.Ar, &m.En, &m.Fr} {
		if *s, ok = CleanLine(*s, maxRunes); !ok {
			return Multilingual{}, false
		}
	}
	return m, true
}

// Empty says whether it is empty in every language.
func (m Multilingual) Empty() bool { return m == Multilingual{} }
