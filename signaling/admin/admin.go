// Package admin is the operators' listener: metrics, liveness, readiness and profiles. It
// is on an address of its own, which browsers never get to see.
//
// It must never serve anything that belongs to people or meetings.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"tarasul/signaling"
)

// Off is the address of a listener that is not wanted.
const Off = "off"

// DefaultAddress is where operators listen unless the configuration says otherwise.
const DefaultAddress = "127.0.0.1:9095"

// Config of the operators' listener. Validate fills what is zero.
type Config struct {
	// Address is where to listen, "off" for nowhere. Whoever reaches it can read figures
	// and profiles: keep it on loopback or on a network of operators.
	Address string
}

// Validate fills defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	if c.Address == "" {
		c.Address = DefaultAddress
	}
	if c.Address == Off {
		return nil
	}
	_, port, err := net.SplitHostPort(c.Address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("address: %q is neither an address such as %s nor %q", c.Address, DefaultAddress, Off)
	}
	return nil
}

// Listen opens the listener. It is nil if none is wanted. A *signaling.TakenError says
// that the address is in use.
func Listen(c Config) (net.Listener, error) {
	if c.Address == Off {
		return nil, nil
	}
	return signaling.ListenOn("admin", c.Address)
}

// Checks are what readiness asks. Each says why the server should get no new clients, nil
// if it should.
type Checks map[string]func() error

// Handler serves what operators ask for.
//
// Liveness asks nothing: an answer is the proof, and nothing that may be away for a while
// must make a supervisor end running meetings. Readiness asks the checks.
func Handler(metrics http.Handler, ready Checks) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		var faults strings.Builder
		for _, name := range slices.Sorted(maps.Keys(ready)) {
			if err := ready[name](); err != nil {
				fmt.Fprintf(&faults, "not ready: %s: %v\n", name, err)
			}
		}
		if faults.Len() > 0 {
			say(w, http.StatusServiceUnavailable, faults.String())
			return
		}
		say(w, http.StatusOK, "ready\n")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// profileTime is more than a CPU profile of the usual length takes.
const profileTime = 2 * time.Minute

// Serve answers on l until ctx ends. A nil l is none.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	if l == nil {
		<-ctx.Done()
		return nil
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: profileTime, IdleTimeout: profileTime,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}
