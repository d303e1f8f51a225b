//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/sock"
	"tarasul/loadtest/tally"
	"tarasul/signaling/protocol"
)

// Chat is the scenario of people who write to each other in one meeting, without media: every message must reach everybody
// once and in order, and only after it was stored.
type Chat struct {
	Target       Target
	Participants int
	Rate         float64 // messages per second, of all together
	Length       int     // of a message, in runes
	Duration     time.Duration
	Seed         uint64
}

// Validate fills defaults and reports all mistakes at once, in the words of the command line.
func (c *Chat) Validate() error {
	faults := []error{c.Target.validate()}
	refuse := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Participants < 2 || c.Participants > protocol.MaxParticipants {
		refuse("--participants: %d, must be from 2 to %d", c.Participants, protocol.MaxParticipants)
	}
	if c.Rate <= 0 || c.Rate > 10_000 {
		refuse("--rate: %v, must be above 0, and 10000 at most", c.Rate)
	}
	if c.Length < chatStampRunes || c.Length > protocol.MaxChatRunes {
		refuse("--length: %d, must be from %d to %d", c.Length, chatStampRunes, protocol.MaxChatRunes)
	}
	if c.Duration < time.Second {
		refuse("--duration: %v, must be at least 1s", c.Duration)
	}
	return errors.Join(faults...)
}

// chatStampRunes is room for a sender, a number, a time, and the spaces between them.
const chatStampRunes = 40

// chatSettle is how long the last messages may take.
const chatSettle = 5 * time.Second

// ChatReport is what a chat has found.
type ChatReport struct {
	Scenario     string  `json:"scenario"`
	Participants int     `json:"participants"`
	Asked        float64 `json:"rate"` // messages per second that were to be sent
	Sent         uint64  `json:"sent"`
	Refused      uint64  `json:"refused"`  // asked to come again later, and sent again
	Failures     uint64  `json:"failures"` // never acknowledged
	First        string  `json:"first_failure"`
	PerSecond    float64 `json:"messages_per_second"` // acknowledged
	Expected     uint64  `json:"deliveries_expected"`
	Delivered    uint64  `json:"deliveries"`
	Missing      uint64  `json:"missing"`
	Duplicates   uint64  `json:"duplicates"`
	Disordered   uint64  `json:"out_of_order"`
	Stored       Spread  `json:"stored_ms"`   // from sending to the acknowledgement
	Delivery     Spread  `json:"delivery_ms"` // from sending to another person's event
	ServerCPU    float64 `json:"server_cpu_percent"`
	ServerPID    int     `json:"server_pid"`
	ServerClean  bool    `json:"server_clean"`
	ClientCPU    float64 `json:"client_cpu_percent"`
	Duration     float64 `json:"duration"`
	Seed         uint64  `json:"seed"`
	Machine      Machine `json:"machine"`
	Error        string  `json:"error"`
}

// Good reports whether the run found nothing wrong.
func (r *ChatReport) Good() bool { return r.Error == "" }

// Problem is what was wrong, or empty.
func (r *ChatReport) Problem() string { return r.Error }

// Table writes the report for a person.
func (r *ChatReport) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "chat: %d people, %.1f messages a second, %.1f s\n", r.Participants, r.PerSecond, r.Duration)
	fmt.Fprintf(t, "  messages\t%d sent, %d asked to wait, %d failed\n", r.Sent, r.Refused, r.Failures)
	fmt.Fprintf(t, "  deliveries\t%d of %d, %d missing, %d twice, %d out of order\n", r.Delivered, r.Expected, r.Missing, r.Duplicates, r.Disordered)
	fmt.Fprintf(t, "  stored\tp50 %.2f  p95 %.2f  p99 %.2f  max %.2f ms\n", r.Stored.P50, r.Stored.P95, r.Stored.P99, r.Stored.Max)
	fmt.Fprintf(t, "  delivered\tp50 %.2f  p95 %.2f  p99 %.2f  max %.2f ms\n", r.Delivery.P50, r.Delivery.P95, r.Delivery.P99, r.Delivery.Max)
	fmt.Fprintf(t, "  server\t%.1f %% of a core; the tester %.1f %%\n", r.ServerCPU, r.ClientCPU)
	if r.Error != "" {
		fmt.Fprintf(t, "  FAILED\t%s\n", r.Error)
	}
	return t.Flush()
}

// Run runs the scenario. A report comes back even with an error.
func (c *Chat) Run(ctx context.Context, progress Progress) (*ChatReport, error) {
	r := &ChatReport{Scenario: "chat", Participants: c.Participants, Asked: c.Rate, Seed: c.Seed, Machine: thisMachine()}
	err := c.run(ctx, r, progress)
	switch {
	case err != nil:
		r.Error = wording(err)
	case r.Failures > 0:
		r.Error = fmt.Sprintf("%d messages failed, the first: %s", r.Failures, r.First)
	case r.Missing+r.Duplicates+r.Disordered > 0:
		r.Error = fmt.Sprintf("%d deliveries are missing, %d came twice, %d out of order", r.Missing, r.Duplicates, r.Disordered)
	}
	return r, err
}

func (c *Chat) run(ctx context.Context, r *ChatReport, progress Progress) (err error) {
	var about Report
	a, err := c.Target.attach(ctx, &about, progress)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, a.detach(ctx, &about))
		r.ServerClean = about.ServerClean
	}()
	r.ServerPID = about.ServerPID
	sessions, people, err := a.office.hire(ctx, c.Participants, progress)
	if err != nil {
		return err
	}
	meeting, err := a.office.convene(ctx, "Load test: chat", people, c.Duration+time.Minute)
	if err != nil {
		return err
	}
	clock := sock.NewClock()
	writers := make([]*writer, c.Participants)
	defer func() {
		for _, w := range writers {
			if w != nil {
				w.socket.Close()
			}
		}
	}()
	for i := range writers {
		w := &writer{index: i, clock: clock, thread: protocol.Thread{Meeting: meeting}, last: map[int]uint64{}}
		if w.socket, err = sessions[i].Dial(ctx, Client, w.hear); err != nil {
			return err
		}
		writers[i] = w
		if err := w.socket.Call(ctx, "meeting.join", protocol.MeetingJoin{Meeting: meeting}, nil); err != nil {
			return err
		}
	}
	before, err := takeMeasure(r.ServerPID)
	if err != nil {
		return err
	}
	begin := time.Now()
	c.write(ctx, writers, progress)
	after, err := takeMeasure(r.ServerPID)
	if err != nil {
		return err
	}
	took := time.Since(begin)
	r.Duration = took.Round(time.Millisecond).Seconds()
	about.account(before, after, 0)
	r.ServerCPU, r.ClientCPU = about.ServerCPU, about.ClientCPU
	c.awaitDeliveries(ctx, writers)
	r.gather(writers, took)
	return ctx.Err()
}

// write lets everybody write at the rate asked for, each with one message under way at a time.
func (c *Chat) write(ctx context.Context, writers []*writer, progress Progress) {
	ctx, cancel := context.WithTimeout(ctx, c.Duration)
	defer cancel()
	var all sync.WaitGroup
	every := time.Duration(float64(len(writers)) / c.Rate * float64(time.Second))
	text := filling(c.Length - chatStampRunes)
	for i, w := range writers {
		all.Go(func() {
			// They start one after the other, so that the messages are spread evenly.
			if wait(ctx, every*time.Duration(i)/time.Duration(len(writers))) != nil {
				return
			}
			next := time.Now()
			for wait(ctx, time.Until(next)) == nil {
				w.write(ctx, text)
				// Who could not keep up does not make up for it in a burst.
				next = next.Add(every)
				if late := time.Since(next); late > every {
					next = time.Now()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	for begin := time.Now(); ; {
		select {
		case <-done:
			return
		case <-tick.C:
			progress("people write", time.Since(begin).Seconds(), c.Duration.Seconds())
		}
	}
}

// filling is text in both directions, as people mix it.
func filling(runes int) string {
	const words = "الوزارة في اجتماع مع the embassy about المذكرة رقم 12 "
	text := []rune(strings.Repeat(words, runes/len([]rune(words))+1))
	return string(text[:max(0, runes)])
}

// awaitDeliveries waits until everybody has everything, or has had time enough.
func (c *Chat) awaitDeliveries(ctx context.Context, writers []*writer) {
	for begin := time.Now(); time.Since(begin) < chatSettle; {
		var sent, heard uint64
		for _, w := range writers {
			sent += w.acknowledged.Load()
			heard += w.heard.Load()
		}
		if heard >= sent*uint64(len(writers)-1) || wait(ctx, picturePause) != nil {
			return
		}
	}
}

// gather adds up what all have found.
func (r *ChatReport) gather(writers []*writer, took time.Duration) {
	var stored, delivery tally.Histogram
	for _, w := range writers {
		w.mu.Lock()
		r.Sent += w.number
		r.Refused += w.refused
		r.Failures += w.failures
		if r.First == "" {
			r.First = w.first
		}
		r.Duplicates += w.duplicates
		r.Disordered += w.disordered
		stored.Merge(&w.stored)
		delivery.Merge(&w.delivery)
		w.mu.Unlock()
		r.Delivered += w.heard.Load()
		r.Expected += w.acknowledged.Load() * uint64(len(writers)-1)
	}
	r.Missing = r.Expected - min(r.Delivered, r.Expected)
	r.PerSecond = round(float64(stored.Total()) / took.Seconds())
	r.Stored, r.Delivery = spread(&stored), spread(&delivery)
}

// writer is one person who writes and reads.
type writer struct {
	index  int
	clock  sock.Clock
	thread protocol.Thread
	socket *bot.Socket

	acknowledged, heard atomic.Uint64

	mu         sync.Mutex // guards the rest
	number     uint64     // of messages begun
	refused    uint64
	failures   uint64
	first      string
	stored     tally.Histogram
	delivery   tally.Histogram
	last       map[int]uint64 // by sender: the number of the last message heard
	order      int64          // of the last message heard
	duplicates uint64
	disordered uint64
}

// write sends one message and waits until it is stored.
func (w *writer) write(ctx context.Context, text string) {
	w.mu.Lock()
	w.number++
	number := w.number
	w.mu.Unlock()
	at := w.clock.Since()
	send := protocol.ChatSend{Thread: w.thread, Key: rand.Text(), Text: fmt.Sprintf("%d %d %d %s", w.index, number, at, text)}
	var refused uint64
	// The end of the run does not cut off a message that is under way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinTimeout)
	defer cancel()
	err := patiently(ctx, func() error {
		err := w.socket.Call(ctx, "chat.send", send, nil)
		var refusal *protocol.Refusal
		if errors.As(err, &refusal) && refusal.Code == protocol.CodeRateLimited {
			refused++
		}
		return err
	})
	took := time.Duration(w.clock.Since() - at)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused += refused
	if err != nil {
		if w.failures++; w.first == "" {
			w.first = err.Error()
		}
		return
	}
	w.stored.Add(took)
	w.acknowledged.Add(1)
}

// hear takes in an event.
func (w *writer) hear(kind string, body json.RawMessage) {
	if kind != "chat.message" {
		return
	}
	now := w.clock.Since()
	var e protocol.ChatReceived
	if json.Unmarshal(body, &e) != nil || e.Message.Thread.Meeting != w.thread.Meeting {
		return
	}
	f := strings.SplitN(e.Message.Text, " ", 4)
	if len(f) < 3 {
		return
	}
	sender, err1 := strconv.Atoi(f[0])
	number, err2 := strconv.ParseUint(f[1], 10, 64)
	at, err3 := strconv.ParseInt(f[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || sender == w.index {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch last := w.last[sender]; {
	case number == last:
		w.duplicates++
		return
	case number < last, e.Message.Order <= w.order:
		w.disordered++
	}
	w.last[sender], w.order = max(number, w.last[sender]), max(e.Message.Order, w.order)
	w.delivery.Add(time.Duration(now - at))
	w.heard.Add(1)
}
