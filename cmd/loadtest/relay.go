//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tarasul/loadtest/relay"
)

// runRelay stands between clients and a server until it is interrupted, and tells then what it did.
func runRelay(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	var cfg relay.Config
	var duration time.Duration
	var impairment relay.Impairment
	f := relayFlags(&cfg, &duration)
	code, done, err := prepare(f, args, stderr, func() (err error) {
		impairment, err = f.network.Impairment()
		cfg.Up, cfg.Down = impairment.Up, impairment.Down
		if duration < 0 {
			err = errors.Join(err, fmt.Errorf("--duration: %v, must not be negative", duration))
		}
		if err != nil {
			return err
		}
		if !cfg.Server.IsValid() {
			return errors.New("--server is needed: the media server's address, such as 127.0.0.1:7882")
		}
		return cfg.Validate()
	})
	if done {
		return code, err
	}
	r, err := relay.New(cfg)
	if err != nil {
		return exitFailed, err
	}
	fmt.Fprintf(stderr, "relay: %v -> %v\n", r.Addr(), cfg.Server)
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	err = r.Follow(ctx, impairment.Steps)
	if err == nil {
		<-ctx.Done()
	} else if errors.Is(err, ctx.Err()) {
		err = nil
	}
	return finish(f, relayed{r.Stats()}, errors.Join(err, r.Close()), stdout, stderr)
}

// relayed is what a relay has done.
type relayed struct{ relay.Stats }

func (relayed) Good() bool      { return true }
func (relayed) Problem() string { return "" }

// Table writes it for a person.
func (r relayed) Table(w io.Writer) error {
	_, err := fmt.Fprintf(w, "relay: %d clients, %d refused, %d oversized, late by p99 %.2f ms\n", r.Seen, r.Refused, r.Oversized, r.Late.P99)
	for _, d := range []struct {
		name string
		of   relay.Counters
	}{{"up", r.Up}, {"down", r.Down}} {
		_, more := fmt.Fprintf(w, "  %-5s %d packets, %d passed, %.2f %% lost (%d on the wire, %d in the queue), queue p99 %.2f ms\n",
			d.name, d.of.Packets, d.of.Passed, d.of.Loss()*100, d.of.LostOnWire, d.of.LostInQueue, d.of.Queue.P99)
		err = errors.Join(err, more)
	}
	return err
}
