// Package loadtest proves what a server can carry. Its bots are whole clients as far as the server can tell: they sign in as
// real people, join over the protocol, and send and receive encrypted media. A scenario (meeting.go, soak.go, churn.go, chat.go,
// hostile.go) sets them up, measures for a while, and gives a report, in which stands what the server did, what it cost, and what
// the tester itself used, so that a reader can judge the run.
//
// It must never import the server's packages; bot, synth, tally, twcc, sock, floor, relay and page are its leaves.
package loadtest

import (
	"context"
	"errors"
	"time"

	"tarasul/signaling/protocol"
)

// Client is what the bots call themselves in their hello.
const Client = "loadtest/1"

// ErrServer means that the server died or could not be reached: the report holds what was seen until then.
var ErrServer = errors.New("the server is gone")

// Progress is told what a run is doing: done of total in units of the stage's own.
type Progress func(stage string, done, total float64)

// wording is what a report says of an error.
func wording(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return err.Error()
}

// patiently calls f again for as long as the server says that it is asked too often.
func patiently(ctx context.Context, f func() error) error {
	for {
		err := f()
		var refusal *protocol.Refusal
		if !errors.As(err, &refusal) || refusal.Code != protocol.CodeRateLimited || refusal.RetryAfter <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(refusal.RetryAfter) * time.Millisecond):
		}
	}
}

// limited calls f for 0 to n-1, at most width at a time, and stops at the first error.
func limited(ctx context.Context, n, width int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	done := make(chan struct{})
	for range width {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range work {
				if ctx.Err() != nil {
					continue
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		}()
	}
	for i := range n {
		work <- i
	}
	close(work)
	for range width {
		<-done
	}
	return context.Cause(ctx)
}
