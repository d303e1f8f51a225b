//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestAChurnEndsWhereItBegan(t *testing.T) {
	f := newFake(t)
	f.footing = 1e9
	c := &Churn{Target: Target{URL: f.URL, Metrics: f.URL}, Joins: 10, AtOnce: 2, Settle: time.Second, Percent: 1, Seed: 1}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := c.Run(context.Background(), quiet)
	if err != nil || !r.Good() {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.Joins != 10 || r.Join.P50 <= 0 || r.FirstMedia.P50 < r.Join.P50 || r.Before["goroutines"] != 10 || r.PerSecond <= 0 {
		t.Errorf("%+v", r)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "10 joins") {
		t.Errorf("%v: %s", err, table.String())
	}
}

func TestAServerThatGrowsFailsTheChurn(t *testing.T) {
	f := newFake(t)
	f.footing = 1000 // and 100 more with each join
	c := &Churn{Target: Target{URL: f.URL, Metrics: f.URL}, Joins: 4, AtOnce: 2, Settle: 10 * time.Millisecond, Percent: 1, Seed: 1}
	r, err := c.Run(context.Background(), quiet)
	if err != nil || r.Good() || !strings.Contains(r.Problem(), "heap_bytes") {
		t.Errorf("%v; %q", err, r.Problem())
	}
}

func TestAChatDeliversEverythingOnceAndInOrder(t *testing.T) {
	f := newFake(t)
	f.refuse["chat.send"] = 2
	c := &Chat{Target: Target{URL: f.URL}, Participants: 3, Rate: 60, Length: 100, Duration: time.Second, Seed: 1}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := c.Run(context.Background(), quiet)
	if err != nil || !r.Good() {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.Sent < 40 || r.Refused != 2 || r.Delivered != r.Expected || r.Expected != 2*r.Sent || r.Delivery.P50 <= 0 || r.Stored.P50 <= 0 {
		t.Errorf("%+v", r)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "0 missing") {
		t.Errorf("%v: %s", err, table.String())
	}
}

func TestAMessageThatComesTwiceFailsTheChat(t *testing.T) {
	f := newFake(t)
	f.twice = true
	c := &Chat{Target: Target{URL: f.URL}, Participants: 2, Rate: 20, Length: 40, Duration: time.Second, Seed: 1}
	r, err := c.Run(context.Background(), quiet)
	if err != nil || r.Good() || r.Duplicates == 0 || !strings.Contains(r.Problem(), "twice") {
		t.Errorf("%v; %+v", err, r)
	}
}

func TestMistakesInChurnAndChatAreReportedAllAtOnce(t *testing.T) {
	err := (&Churn{Target: Target{URL: "x", Command: "y"}}).Validate()
	for _, flag := range []string{"--server", "--joins", "--at-once", "--percent"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("churn: nothing about %s in %v", flag, err)
		}
	}
	err = (&Chat{}).Validate()
	for _, flag := range []string{"--participants", "--rate", "--length", "--duration"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("chat: nothing about %s in %v", flag, err)
		}
	}
}

func TestTheFillingIsAsLongAsAsked(t *testing.T) {
	for _, n := range []int{-5, 0, 1, 80, 1000} {
		if got := len([]rune(filling(n))); got != max(0, n) {
			t.Errorf("%d runes, want %d", got, n)
		}
	}
}
