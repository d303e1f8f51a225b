package identity

import (
	"strings"
	"testing"
)

func TestLoginsThatLookAlikeAreAlike(t *testing.T) {
	for in, want := range map[string]string{
		"minister":              "minister",
		" Minister\t":           "minister",
		"ＭＩＮＩＳＴＥＲ":              "minister",
		"first.secretary-2_b":   "first.secretary-2_b",
		"Françoise":             "françoise",
		"Franc\u0327oise":       "françoise",
		"STRASSE":               "strasse",
		"straße":                "strasse",
		"أحمد":                  "احمد",
		"احمد":                  "احمد",
		"ا\u0654حمد":            "احمد",
		"مـحـمّد":               "محمد",
		"علی":                   "علي",
		"على":                   "علي",
		"كريم٢":                 "كريم2",
		"کریم۲":                 "كريم2",
		"\u200Fﺃﺣﻤﺪ":            "احمد",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
	} {
		if got, ok := normaliseLogin(in); !ok || got != want {
			t.Errorf("%q: got %q %v, want %q", in, got, ok, want)
		}
	}
}

func TestWhatIsNoLoginIsRefused(t *testing.T) {
	for _, in := range []string{"", "a", " ", ".ab", "ab-", "a..b", "a b", "a@b", "a/b", "a\x00b", "a\xffb", "pаris", // the second is Cyrillic
		"москва", "paris-باريس", "' OR 1=1", strings.Repeat("a", 65), strings.Repeat("ａ", 100000), "\u0301a", "🙂🙂"} {
		if got, ok := normaliseLogin(in); ok {
			t.Errorf("%.40q was taken as %q", in, got)
		}
	}
}

func FuzzLogin(f *testing.F) {
	for _, s := range []string{"Minister", "أحمد", "ﷺ", "İstanbul", "ǅ", "ﬀ", "a\u0345", "K", "ⅷ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := normaliseLogin(s)
		if !ok {
			return
		}
		if twice, ok := normaliseLogin(once); !ok || twice != once {
			t.Errorf("%q became %q and then %q %v", s, once, twice, ok)
		}
	})
}
