package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"tarasul/signaling/protocol"
	"tarasul/signaling/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// desk is conversations of the people a, b, c and d; a, b and c are in the meeting m.
type desk struct {
	testing.TB
	*Threads
	dir    string
	db     *store.DB
	now    time.Time
	sent   atomic.Int64
	inside map[protocol.PersonID]bool
}

func newDesk(t testing.TB) *desk {
	d := &desk{TB: t, dir: t.TempDir(), now: noon, inside: map[protocol.PersonID]bool{"a": true, "b": true, "c": true}}
	d.open()
	t.Cleanup(func() {
		if err := d.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *desk) open() {
	d.Helper()
	db, err := store.Open(context.Background(), d.dir, Schema())
	if err != nil {
		d.Fatal(err)
	}
	access := func(_ context.Context, by protocol.PersonID, t protocol.Thread) (bool, error) {
		if t.Meeting != "" {
			return t.Meeting == "m" && d.inside[by], nil
		}
		return slices.Contains([]protocol.PersonID{"a", "b", "c", "d"}, t.Person), nil
	}
	d.db, d.Threads = db, New(db, access, func() time.Time { return d.now })
}

var (
	meeting = protocol.Thread{Meeting: "m"}
	with    = func(p protocol.PersonID) protocol.Thread { return protocol.Thread{Person: p} }
)

func (d *desk) send(by protocol.PersonID, th protocol.Thread, text string) protocol.ChatMessage {
	d.Helper()
	m, fresh, err := d.Send(d.Context(), by, protocol.ChatSend{Thread: th, Key: fmt.Sprint("k", d.sent.Add(1)), Text: text})
	if err != nil || !fresh {
		d.Fatalf("%s sends %q: %v %v", by, text, fresh, err)
	}
	return m
}

func (d *desk) page(by protocol.PersonID, h protocol.ChatHistory) protocol.ChatPage {
	d.Helper()
	p, err := d.History(d.Context(), by, h)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

func texts(p protocol.ChatPage) (out []string) {
	for _, m := range p.Messages {
		out = append(out, m.Text)
	}
	return out
}

func refusal(err error) protocol.Refusal {
	var r *protocol.Refusal
	if errors.As(err, &r) {
		return *r
	}
	return protocol.Refusal{}
}

func TestAMessageIsStoredAsItIsShown(t *testing.T) {
	d := newDesk(t)
	sent, fresh, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: with("b"), Key: "k1", Text: "  السلام عليكم Paris\u202E\r\n\x07e\u0301  "})
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	want := protocol.ChatMessage{ID: sent.ID, Order: 1, Thread: with("b"), From: "a", Key: "k1", Text: "السلام عليكم Paris\né", At: protocol.Millis(noon.UnixMilli())}
	if sent != want || sent.ID == "" {
		t.Errorf("sent %+v", sent)
	}
	// Each of the two sees the other one's name on the thread.
	if got := d.page("a", protocol.ChatHistory{Thread: with("b")}).Messages; len(got) != 1 || got[0] != want {
		t.Errorf("a reads %+v", got)
	}
	want.Thread = with("a")
	if got := d.page("b", protocol.ChatHistory{Thread: with("a")}).Messages; len(got) != 1 || got[0] != want {
		t.Errorf("b reads %+v", got)
	}
	if got := For(sent, "b"); got != want {
		t.Errorf("b is told %+v", got)
	}
	if got := For(sent, "a"); got != sent {
		t.Errorf("a is told %+v", got)
	}
}

func TestTheSameKeyIsTheSameMessage(t *testing.T) {
	d := newDesk(t)
	first := d.send("a", meeting, "one")
	d.now = d.now.Add(time.Hour)
	again, fresh, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: meeting, Key: first.Key, Text: "another text"})
	if err != nil || fresh || again != first {
		t.Errorf("got %+v %v %v", again, fresh, err)
	}
	other, fresh, err := d.Send(t.Context(), "b", protocol.ChatSend{Thread: meeting, Key: first.Key, Text: "b's own"})
	if err != nil || !fresh || other.Order != 2 {
		t.Errorf("another author's key: %+v %v %v", other, fresh, err)
	}
	if _, _, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: with("b"), Key: first.Key, Text: "one"}); refusal(err).Code != protocol.CodeConflict {
		t.Errorf("the key in another thread: %v", err)
	}
	if got := texts(d.page("c", protocol.ChatHistory{Thread: meeting})); !slices.Equal(got, []string{"one", "b's own"}) {
		t.Errorf("the thread is %v", got)
	}
}

func TestRepeatingAtTheSameMomentStoresOne(t *testing.T) {
	d := newDesk(t)
	var wg sync.WaitGroup
	fresh := make(chan bool, 20)
	for range 20 {
		wg.Go(func() {
			m, f, err := d.Send(context.Background(), "a", protocol.ChatSend{Thread: meeting, Key: "k", Text: "x"})
			if err != nil || m.Order != 1 {
				t.Errorf("got %+v %v", m, err)
			}
			fresh <- f
		})
	}
	wg.Wait()
	close(fresh)
	n := 0
	for f := range fresh {
		if f {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d were fresh", n)
	}
}

func TestNumbersHaveNoGapsWhoeverWrites(t *testing.T) {
	d := newDesk(t)
	var wg sync.WaitGroup
	for _, by := range []protocol.PersonID{"a", "b", "c"} {
		for i := range 20 {
			wg.Go(func() {
				if _, _, err := d.Send(context.Background(), by, protocol.ChatSend{Thread: meeting, Key: fmt.Sprint(i), Text: "x"}); err != nil {
					t.Error(err)
				}
				// What is refused leaves no gap.
				if _, _, err := d.Send(context.Background(), by, protocol.ChatSend{Thread: meeting, Key: fmt.Sprint(i, "-"), Text: " "}); err == nil {
					t.Error("nothing was sent")
				}
				if _, _, err := d.Send(context.Background(), by, protocol.ChatSend{Thread: with("d"), Key: fmt.Sprint(i, "d"), Text: "between"}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	page := d.page("a", protocol.ChatHistory{Thread: meeting})
	last := protocol.MessageID("")
	for i, m := range page.Messages {
		if m.Order != int64(i+1) || m.ID <= last {
			t.Fatalf("message %d is %+v after %s", i, m, last)
		}
		last = m.ID
	}
	if len(page.Messages) != 60 {
		t.Errorf("%d messages", len(page.Messages))
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	d := newDesk(t)
	for name, test := range map[string]struct {
		by   protocol.PersonID
		send protocol.ChatSend
		want protocol.Refusal
	}{
		"no text":            {"a", protocol.ChatSend{Thread: meeting, Key: "k", Text: " \u202E\n"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "text"}},
		"no UTF-8":           {"a", protocol.ChatSend{Thread: meeting, Key: "k", Text: "a\xff"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "text"}},
		"too long":           {"a", protocol.ChatSend{Thread: meeting, Key: "k", Text: strings.Repeat("ا", 8001)}, protocol.Refusal{Code: protocol.CodeTooLarge, Field: "text"}},
		"far too long":       {"a", protocol.ChatSend{Thread: meeting, Key: "k", Text: strings.Repeat(" ", 1<<20)}, protocol.Refusal{Code: protocol.CodeTooLarge, Field: "text"}},
		"no key":             {"a", protocol.ChatSend{Thread: meeting, Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "key"}},
		"long key":           {"a", protocol.ChatSend{Thread: meeting, Key: strings.Repeat("k", 65), Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "key"}},
		"key with a space":   {"a", protocol.ChatSend{Thread: meeting, Key: "a b", Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "key"}},
		"no thread":          {"a", protocol.ChatSend{Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "thread"}},
		"two threads":        {"a", protocol.ChatSend{Thread: protocol.Thread{Meeting: "m", Person: "b"}, Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "thread"}},
		"oneself":            {"a", protocol.ChatSend{Thread: with("a"), Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "thread"}},
		"nobody writes":      {"", protocol.ChatSend{Thread: with("a"), Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeInvalid, Field: "thread"}},
		"to nobody":          {"a", protocol.ChatSend{Thread: with("nobody"), Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeNotFound, Field: "thread"}},
		"not in the meeting": {"d", protocol.ChatSend{Thread: meeting, Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeNotFound, Field: "thread"}},
		"no such meeting":    {"a", protocol.ChatSend{Thread: protocol.Thread{Meeting: "n"}, Key: "k", Text: "x"}, protocol.Refusal{Code: protocol.CodeNotFound, Field: "thread"}},
	} {
		_, _, err := d.Send(t.Context(), test.by, test.send)
		if got := refusal(err); got != test.want {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	long := d.send("a", meeting, strings.Repeat("ا", 8000)[:0]+"x")
	if long.Order != 1 {
		t.Errorf("what was refused has a number: %+v", long)
	}
	if m, _, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: meeting, Key: "long", Text: strings.Repeat("ا", 8000)}); err != nil || utf8.RuneCountInString(m.Text) != 8000 {
		t.Errorf("8000 runes: %v", err)
	}
}

func TestNobodyElseReadsOrWrites(t *testing.T) {
	d := newDesk(t)
	d.send("a", with("b"), "between us")
	d.send("a", meeting, "in the room")
	// c asks for the threads of others by every name there is: only c's own exist for c.
	for _, th := range []protocol.Thread{with("a"), with("b")} {
		if p := d.page("c", protocol.ChatHistory{Thread: th}); len(p.Messages) != 0 {
			t.Errorf("c reads %v", texts(p))
		}
	}
	if list, err := d.List(t.Context(), "c"); err != nil || len(list) != 0 {
		t.Errorf("c lists %+v %v", list, err)
	}
	for name, f := range map[string]func() error{
		"history": func() error { _, err := d.History(t.Context(), "d", protocol.ChatHistory{Thread: meeting}); return err },
		"read": func() error {
			_, _, err := d.Read(t.Context(), "d", protocol.ChatRead{Thread: meeting, Order: 1})
			return err
		},
	} {
		if got := refusal(f()); got.Code != protocol.CodeNotFound {
			t.Errorf("%s by who is not in the meeting: %+v", name, got)
		}
	}
	// Who is removed sees nothing any more, also not in the list.
	d.page("b", protocol.ChatHistory{Thread: meeting})
	if list, _ := d.List(t.Context(), "b"); len(list) != 2 {
		t.Errorf("b lists %+v", list)
	}
	d.inside["b"] = false
	if list, err := d.List(t.Context(), "b"); err != nil || len(list) != 1 || list[0].Thread != with("a") {
		t.Errorf("b lists %+v %v after being removed", list, err)
	}
	if _, _, err := d.Send(t.Context(), "b", protocol.ChatSend{Thread: meeting, Key: "k", Text: "x"}); refusal(err).Code != protocol.CodeNotFound {
		t.Errorf("b writes: %v", err)
	}
}

func TestPages(t *testing.T) {
	d := newDesk(t)
	for i := 1; i <= 250; i++ {
		d.send("a", meeting, fmt.Sprint(i))
	}
	for name, test := range map[string]struct {
		h           protocol.ChatHistory
		first, last int64
		more        bool
	}{
		"the newest":               {protocol.ChatHistory{Limit: 10}, 241, 250, true},
		"at most 100":              {protocol.ChatHistory{Limit: 5000}, 151, 250, true},
		"100 if it is not said":    {protocol.ChatHistory{}, 151, 250, true},
		"100 if it makes no sense": {protocol.ChatHistory{Limit: -4}, 151, 250, true},
		"before":                   {protocol.ChatHistory{Before: 151, Limit: 100}, 51, 150, true},
		"before, the last page":    {protocol.ChatHistory{Before: 51, Limit: 100}, 1, 50, false},
		"before, exactly":          {protocol.ChatHistory{Before: 101, Limit: 100}, 1, 100, false},
		"before the first":         {protocol.ChatHistory{Before: 1, Limit: 100}, 0, 0, false},
		"before what is to come":   {protocol.ChatHistory{Before: 1 << 62, Limit: 10}, 241, 250, true},
		"after":                    {protocol.ChatHistory{After: 10, Limit: 20}, 11, 30, true},
		"after, the last page":     {protocol.ChatHistory{After: 230, Limit: 20}, 231, 250, false},
		"after the last":           {protocol.ChatHistory{After: 250, Limit: 20}, 0, 0, false},
		"after what is to come":    {protocol.ChatHistory{After: 1<<63 - 1, Limit: 20}, 0, 0, false},
	} {
		test.h.Thread = meeting
		p := d.page("b", test.h)
		if test.first == 0 {
			if len(p.Messages) != 0 || p.More || p.Messages == nil {
				t.Errorf("%s: %v", name, texts(p))
			}
			continue
		}
		n := int64(len(p.Messages))
		if n == 0 || p.Messages[0].Order != test.first || p.Messages[n-1].Order != test.last || n != test.last-test.first+1 || p.More != test.more {
			t.Errorf("%s: %v %v", name, texts(p), p.More)
		}
	}
	for _, h := range []protocol.ChatHistory{{Thread: meeting, Before: 5, After: 2}, {Thread: meeting, Before: -1}, {Thread: meeting, After: -1}} {
		if _, err := d.History(t.Context(), "a", h); refusal(err).Code != protocol.CodeInvalid {
			t.Errorf("%+v: %v", h, err)
		}
	}
}

func TestReadMarksOnlyMoveForward(t *testing.T) {
	d := newDesk(t)
	if n, moved, err := d.Read(t.Context(), "b", protocol.ChatRead{Thread: with("a"), Order: 3}); n != 0 || moved || err != nil {
		t.Errorf("a thread that is not there: %d %v %v", n, moved, err)
	}
	for i := range 5 {
		d.send("a", with("b"), fmt.Sprint(i))
	}
	for _, step := range []struct {
		to, want int64
		moved    bool
	}{{3, 3, true}, {3, 3, false}, {1, 3, false}, {-7, 3, false}, {1 << 60, 5, true}, {5, 5, false}} {
		n, moved, err := d.Read(t.Context(), "b", protocol.ChatRead{Thread: with("a"), Order: step.to})
		if n != step.want || moved != step.moved || err != nil {
			t.Errorf("read to %d: %d %v %v", step.to, n, moved, err)
		}
	}
	d.send("a", with("b"), "later")
	if p := d.page("a", protocol.ChatHistory{Thread: with("b")}); p.PeerRead != 5 || p.Read != 0 {
		t.Errorf("a sees that b has read to %d, a to %d", p.PeerRead, p.Read)
	}
	if p := d.page("b", protocol.ChatHistory{Thread: with("a")}); p.Read != 5 || p.PeerRead != 0 {
		t.Errorf("b has read to %d, a to %d", p.Read, p.PeerRead)
	}
}

func TestTheListHasTheLatestFirstAndCountsWhatOthersWrote(t *testing.T) {
	d := newDesk(t)
	d.send("a", with("b"), "1")
	d.send("c", with("a"), "2")
	d.send("b", meeting, "3")
	d.send("b", with("a"), "4")
	d.send("a", with("b"), "5")
	unread := func(by protocol.PersonID) map[protocol.Thread]int {
		t.Helper()
		list, err := d.List(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		out := map[protocol.Thread]int{}
		last := protocol.MessageID("z")
		for _, th := range list {
			if th.Last.ID >= last || th.Last.Thread != th.Thread || th.Last.Text == "" {
				t.Errorf("%s has %+v after %s", by, th, last)
			}
			last = th.Last.ID
			out[th.Thread] = th.Unread
		}
		return out
	}
	check := func(by protocol.PersonID, want map[protocol.Thread]int) {
		t.Helper()
		if got := unread(by); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s has %v, want %v", by, got, want)
		}
	}
	check("a", map[protocol.Thread]int{with("b"): 1, with("c"): 1}) // the meeting is not in it before a has opened it
	check("b", map[protocol.Thread]int{with("a"): 2, meeting: 0})
	d.page("a", protocol.ChatHistory{Thread: meeting})
	check("a", map[protocol.Thread]int{with("b"): 1, with("c"): 1, meeting: 1})
	if _, _, err := d.Read(t.Context(), "a", protocol.ChatRead{Thread: with("b"), Order: 2}); err != nil {
		t.Fatal(err)
	}
	check("a", map[protocol.Thread]int{with("b"): 0, with("c"): 1, meeting: 1})
	check("d", map[protocol.Thread]int{})
}

func TestWhatWasSentIsThereAfterARestart(t *testing.T) {
	d := newDesk(t)
	first := d.send("a", with("b"), "before")
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	d.open()
	if again, fresh, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: with("b"), Key: first.Key, Text: "before"}); err != nil || fresh || again != first {
		t.Errorf("got %+v %v %v", again, fresh, err)
	}
	if m := d.send("b", with("a"), "after"); m.Order != 2 || m.ID <= first.ID {
		t.Errorf("got %+v", m)
	}
}

func TestAccessThatFailsIsNoPermission(t *testing.T) {
	d := newDesk(t)
	d.send("a", meeting, "x")
	broken := errors.New("broken")
	d.access = func(context.Context, protocol.PersonID, protocol.Thread) (bool, error) { return true, broken }
	if _, _, err := d.Send(t.Context(), "a", protocol.ChatSend{Thread: meeting, Key: "k", Text: "y"}); !errors.Is(err, broken) {
		t.Errorf("send: %v", err)
	}
	if _, err := d.History(t.Context(), "a", protocol.ChatHistory{Thread: meeting}); !errors.Is(err, broken) {
		t.Errorf("history: %v", err)
	}
	if _, err := d.List(t.Context(), "a"); !errors.Is(err, broken) {
		t.Errorf("list: %v", err)
	}
}

// BenchmarkSend is one message after the other, each on the disk before the next.
func BenchmarkSend(b *testing.B) {
	d := newDesk(b)
	n := 0
	for b.Loop() {
		n++
		if _, _, err := d.Send(b.Context(), "a", protocol.ChatSend{Thread: meeting, Key: fmt.Sprint(n), Text: "نلتقي غداً في العاشرة, as agreed with Geneva"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
