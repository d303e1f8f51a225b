package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const maxLoginRunes = 64

// normaliseLogin brings a login to the one form in which it is stored and looked up, so
// that what people type alike is alike: NFKC, case folded, without tatweel, vowel marks
// and invisible marks, the carriers of alef and the two forms of yeh and kaf as one,
// digits as ASCII. ok is false if that is no login: 2 to 64 Latin or Arabic letters and
// digits, with single '.', '-' and '_' between them. Two scripts in one login are refused:
// they are how one login is made to look like another.
func normaliseLogin(s string) (login string, ok bool) {
	if len(s) > 16*maxLoginRunes || !utf8.ValidString(s) {
		return "", false
	}
	s = cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s)))
	s = norm.NFKC.String(strings.Map(foldArabic, s))
	latin, arabic, after := false, false, rune('.')
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
		case r == '.', r == '-', r == '_':
			if after == '.' || after == '-' || after == '_' {
				return "", false
			}
		case unicode.Is(unicode.Latin, r) && unicode.IsLetter(r):
			latin = true
		case unicode.Is(unicode.Arabic, r) && unicode.IsLetter(r):
			arabic = true
		default:
			return "", false
		}
		after = r
	}
	if n := utf8.RuneCountInString(s); n < 2 || n > maxLoginRunes || latin && arabic || after == '.' || after == '-' || after == '_' {
		return "", false
	}
	return s, true
}

// foldArabic maps letters that Arabic keyboards and fonts do not tell apart to one, and
// what is not seen to nothing.
func foldArabic(r rune) rune {
	switch {
	case r == 'أ', r == 'إ', r == 'آ', r == 'ٱ':
		return 'ا'
	case r == 'ى', r == 'ی':
		return 'ي'
	case r == 'ک':
		return 'ك'
	case r >= '٠' && r <= '٩':
		return r - '٠' + '0'
	case r >= '۰' && r <= '۹':
		return r - '۰' + '0'
	case r == 'ـ', r >= '\u064B' && r <= '\u065F', r == '\u0670', // tatweel, harakat, dagger alef
		r >= '\u200B' && r <= '\u200F', r >= '\u202A' && r <= '\u202E', r >= '\u2060' && r <= '\u2069', r == '\u061C', r == '\uFEFF':
		return -1
	}
	return r
}
