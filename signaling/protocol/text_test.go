package protocol

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestTextIsCleaned(t *testing.T) {
	for name, test := range map[string]struct{ in, text, line string }{
		"plain":                     {"hello", "hello", "hello"},
		"Arabic and Latin":          {"اجتماع Paris الساعة ١٠", "اجتماع Paris الساعة ١٠", "اجتماع Paris الساعة ١٠"},
		"trimmed":                   {" \n\t x y \u00A0\n", "x y", "x y"},
		"only space":                {" \n \u3000", "", ""},
		"lines and tabs":            {"a\r\nb\rc\u2028d\u0085e\tf", "a\nb\nc\nd\ne\tf", "a b c d e f"},
		"controls":                  {"a\x00b\x1bc\x7fd\u009be", "abcde", "abcde"},
		"composed":                  {"e\u0301 ا\u0653", "é آ", "é آ"},
		"composed over a control":   {"e\x00\u0301", "é", "é"},
		"override":                  {"invoice\u202Efdp.exe", "invoicefdp.exe", "invoicefdp.exe"},
		"embeddings":                {"\u202Aa\u202Bb\u202Cc\u202Dd", "abcd", "abcd"},
		"isolate that is closed":    {"see \u2068Geneva\u2069 now", "see \u2068Geneva\u2069 now", "see \u2068Geneva\u2069 now"},
		"isolate that is not":       {"see \u2067Geneva now", "see Geneva now", "see Geneva now"},
		"closed in the next line":   {"a\u2067b\nc\u2069d", "ab\ncd", "a\u2067b c\u2069d"},
		"nested, the outer one not": {"\u2066a\u2067b\u2069c", "a\u2067b\u2069c", "a\u2067b\u2069c"},
		"closes none":               {"a\u2069b", "ab", "ab"},
		"marks of Arabic stay":      {"می\u200Cخواهم \u200Fא\u200E \u061C", "می\u200Cخواهم \u200Fא\u200E \u061C", "می\u200Cخواهم \u200Fא\u200E \u061C"},
		"family":                    {"👨\u200D👩\u200D👧", "👨\u200D👩\u200D👧", "👨\u200D👩\u200D👧"},
	} {
		if got, ok := CleanText(test.in, 100); !ok || got != test.text {
			t.Errorf("%s: text %q, want %q", name, got, test.text)
		}
		if got, ok := CleanLine(test.in, 100); !ok || got != test.line {
			t.Errorf("%s: line %q, want %q", name, got, test.line)
		}
	}
	for name, in := range map[string]string{
		"not UTF-8": "a\xffb", "a lone surrogate": "\xed\xa0\x80", "one rune too many": strings.Repeat("ا", 101), "far too long": strings.Repeat(" ", 2000),
	} {
		if got, ok := CleanText(in, 100); ok {
			t.Errorf("%s was taken as %q", name, got)
		}
	}
	if _, ok := CleanText(strings.Repeat("\U0001F54A", 100), 100); !ok {
		t.Error("a hundred runes of four bytes are not a hundred runes")
	}
}

func TestANameIsCleanedInEveryLanguage(t *testing.T) {
	got, ok := Multilingual{Ar: " جنيف ", En: "Geneva\n", Fr: "Gene\u0300ve"}.Clean(20)
	if want := (Multilingual{Ar: "جنيف", En: "Geneva", Fr: "Genève"}); !ok || got != want || got.Empty() {
		t.Errorf("got %q %v", got, ok)
	}
	if _, ok := (Multilingual{Ar: "جنيف", Fr: strings.Repeat("x", 21)}).Clean(20); ok {
		t.Error("a name that is too long was taken")
	}
	if m, ok := (Multilingual{Ar: " ", En: "\u202E"}).Clean(20); !ok || !m.Empty() {
		t.Errorf("nothing to see, and got %q", m)
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"hello", "\u2067a\u2069\u2069\n\u2066", "e\x00\u0301", " \u0301a", "\u202E\r\n\t", "\u1100\u1161\u11A8", "\u2126\u212B\u0344"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, f := range []func(string, int) (string, bool){CleanText, CleanLine} {
			got, ok := f(s, 50)
			if !ok {
				continue
			}
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 50 || !norm.NFC.IsNormalString(got) || strings.TrimSpace(got) != got {
				t.Errorf("%q became %q", s, got)
			}
			for _, line := range strings.Split(got, "\n") {
				depth := 0
				for _, r := range line {
					switch {
					case unicode.IsControl(r) && r != '\t', r >= 0x202A && r <= 0x202E:
						t.Errorf("%q kept %U", s, r)
					case r >= 0x2066 && r <= 0x2068:
						depth++
					case r == 0x2069:
						if depth--; depth < 0 {
							t.Errorf("%q closes an isolate that is not open", got)
						}
					}
				}
				if depth != 0 {
					t.Errorf("%q leaves an isolate open", got)
				}
			}
			if again, ok := f(got, 50); !ok || again != got {
				t.Errorf("cleaned %q once to %q and twice to %q", s, got, again)
			}
		}
	})
}
