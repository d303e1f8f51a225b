package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(body)
}

func TestLivenessAsksNothingAndReadinessSaysAllThatIsWrong(t *testing.T) {
	var draining, overloaded error
	h := Handler(http.NotFoundHandler(), Checks{"b": func() error { return overloaded }, "a": func() error { return draining }})
	for _, tc := range []struct {
		a, b   error
		status int
		says   string
	}{
		{nil, nil, 200, "ready\n"},
		{errors.New("draining"), nil, 503, "not ready: a: draining\n"},
		{errors.New("draining"), errors.New("overloaded"), 503, "not ready: a: draining\nnot ready: b: overloaded\n"},
		{nil, nil, 200, "ready\n"},
	} {
		draining, overloaded = tc.a, tc.b
		if status, says := get(h, "/readyz"); status != tc.status || says != tc.says {
			t.Errorf("%d %q, want %d %q", status, says, tc.status, tc.says)
		}
		if status, _ := get(h, "/livez"); status != 200 {
			t.Errorf("not alive because not ready: %d", status)
		}
	}
	if status, says := get(h, "/debug/pprof/goroutine?debug=1"); status != 200 || !strings.Contains(says, "goroutine profile") {
		t.Errorf("profile: %d", status)
	}
	if status, _ := get(h, "/"); status != 404 {
		t.Errorf("/: %d", status)
	}
}

func TestTheAddress(t *testing.T) {
	for address, fits := range map[string]bool{"": true, Off: true, "127.0.0.1:9000": true, "[::1]:9000": true, "9000": false, "host:port:x": false, "x:99999": false} {
		c := Config{Address: address}
		if err := c.Validate(); (err == nil) != fits {
			t.Errorf("%q: %v", address, err)
		}
	}
	if l, err := Listen(Config{Address: Off}); l != nil || err != nil {
		t.Errorf("off: %v, %v", l, err)
	}
	l, err := Listen(Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(Config{Address: l.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("taken: %v", err)
	}
}

func TestItServesUntilItIsTold(t *testing.T) {
	for _, address := range []string{Off, "127.0.0.1:0"} {
		l, err := Listen(Config{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, Handler(http.NotFoundHandler(), nil), slog.New(slog.DiscardHandler)) }()
		if l != nil {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := client.Get("http://" + l.Addr().String() + "/livez")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
