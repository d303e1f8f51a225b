package identity

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"tarasul/signaling/protocol"
)

// cheap is the least cost that is allowed: tests sign in often.
var cheap = Cost{MemoryKiB: 8 << 10, Passes: 1}

func TestWeakPasswordsAreRefused(t *testing.T) {
	for name, password := range map[string]string{
		"empty":                      "",
		"eleven":                     "kf7-mq2-xw9",
		"eleven Arabic letters":      "نخلةوقمرعال",
		"the login":                  "first.secretary",
		"the login and a little":     "First.Secretary2026",
		"the login, twice":           "first.secretaryfirst.secretary",
		"common":                     "123456789012",
		"common in capitals":         "QWERTYUIOPAS",
		"common with a year":         "Password2026",
		"common with signs for it":   "P@ssw0rd-2026!",
		"common twice":               "passwordpassword",
		"common in Arabic":           "وزارةالخارجية2026",
		"common, full width":         "ｐａｓｓｗｏｒｄ２０２６",
		"over and over":              "abababababababab",
		"a control character":        "palm lantern\x00 2604",
		"not UTF-8":                  "palm lantern \xff 2604",
		"more than anybody can type": strings.Repeat("palm lantern ", 100),
	} {
		var r *protocol.Refusal
		err := checkPassword(password, "first.secretary", "new")
		if !errors.As(err, &r) || r.Code != protocol.CodeWeakPassword || r.Field != "new" {
			t.Errorf("%s: got %v", name, err)
		} else if r.Detail != "" || len(password) > 3 && strings.Contains(r.Error(), password) {
			t.Errorf("%s: the refusal says too much", name)
		}
	}
	for _, password := range []string{"palm-lantern-2604", "kf7m-q2xw-9hta", "نخلة وقمر فوق الميناء", "the first secretary's grey cat", "zwölf Boxkämpfer jagen"} {
		if err := checkPassword(password, "first.secretary", "new"); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestChosenPasswordsAreGoodAndNeverTheSame(t *testing.T) {
	form := regexp.MustCompile(`^([a-z2-9]{4}-){3}[a-z2-9]{4}$`)
	seen := map[string]bool{}
	for range 200 {
		p := choosePassword()
		if !form.MatchString(p) || seen[p] || checkPassword(p, "admin", "") != nil {
			t.Fatalf("chose %q", p)
		}
		seen[p] = true
	}
}

func TestAPasswordFitsItsHashAndNoOther(t *testing.T) {
	h := newHasher(cheap, 2)
	stored, err := h.make(t.Context(), "palm-lantern-2604 é")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.make(t.Context(), "palm-lantern-2604 é")
	if err != nil || again == stored {
		t.Errorf("two hashes of one password are %q and %q (%v)", stored, again, err)
	}
	for password, want := range map[string]bool{
		"palm-lantern-2604 é":       true,
		"palm-lantern-2604 e\u0301": true, // another keyboard
		"palm-lantern-2604 e":       false,
		"":                          false,
		strings.Repeat("x", 1025):   false,
	} {
		if fits, stale, err := h.check(t.Context(), password, stored); err != nil || fits != want || stale {
			t.Errorf("%.30q: %v %v %v", password, fits, stale, err)
		}
	}
	if _, stale, err := newHasher(Cost{8 << 10, 2}, 1).check(t.Context(), "x", stored); err != nil || !stale {
		t.Errorf("a hash of another cost is not stale (%v)", err)
	}
}

func TestNobodysPasswordCostsTheSameAndNeverFits(t *testing.T) {
	h := newHasher(cheap, 1)
	for _, password := range []string{"", "palm-lantern-2604", strings.Repeat("x", 1<<20)} {
		before := h.made.Load()
		if fits, _, err := h.check(t.Context(), password, ""); fits || err != nil {
			t.Errorf("%.20q: %v %v", password, fits, err)
		}
		if h.made.Load() != before+1 {
			t.Errorf("%.20q was refused without a hash", password)
		}
	}
}

func TestAFloodOfSignInsIsBounded(t *testing.T) {
	h := newHasher(cheap, 1)
	h.run <- struct{}{} // one hash that takes for ever
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 100)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, _, err := h.check(ctx, "x", "")
			results <- err
		})
	}
	var r *protocol.Refusal
	for range 100 - cap(h.queue) {
		if err := <-results; !errors.As(err, &r) || r.Code != protocol.CodeUnavailable || r.RetryAfter == 0 {
			t.Errorf("got %v", err)
		}
	}
	cancel() // those who wait give up
	wg.Wait()
	close(results)
	for err := range results {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if len(h.queue) != 0 || h.made.Load() != 0 {
		t.Errorf("%d still wait, %d hashes were made", len(h.queue), h.made.Load())
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(newHasher(cheap, 1).dummy)
	f.Add("$argon2id$v=19$m=12288,t=7,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=99999999999,t=7,p=1$$")
	f.Add("$argon2id$v=19$m=-1,t=+7,p=1 $AA$AA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err == nil && (p.String() != s || p.cost.check() != nil) {
			t.Errorf("%q was read as %q", s, p)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(DefaultCost, 1)
	for b.Loop() {
		if _, _, err := h.check(b.Context(), "palm-lantern-2604", ""); err != nil {
			b.Fatal(err)
		}
	}
}
