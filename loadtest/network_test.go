//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"tarasul/loadtest/relay"
)

func TestAMeetingOverABadNetworkFeelsIt(t *testing.T) {
	f := newFake(t)
	m := smallMeeting(f.URL)
	slow := relay.Params{Delay: 40 * time.Millisecond}
	m.Network = relay.Impairment{Up: slow, Down: slow, Seed: 1, Steps: []relay.Step{
		{After: 500 * time.Millisecond, Up: slow, Down: relay.Params{Loss: 0.2}}, {After: time.Hour, Up: slow, Down: slow},
	}}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(context.Background(), quiet)
	if err != nil {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.Latency.P50 < 40 || r.Lost == 0 {
		t.Errorf("latency %+v, %d lost", r.Latency, r.Lost)
	}
	if len(r.Relay) == 0 || r.Relay[0].Seen == 0 || r.Relay[0].Down.LostOnWire == 0 || r.Relay[0].Up.LostOnWire != 0 {
		t.Errorf("relays: %+v", r.Relay)
	}
	if len(r.Marks) != 1 || r.Marks[0] != (Mark{0.5, "up 40ms delay, down 20 % loss"}) {
		t.Errorf("marks: %+v", r.Marks)
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), "on purpose") {
		t.Errorf("%v: %s", err, table.String())
	}
}

func TestLinksAreDescribedInAFewWords(t *testing.T) {
	bad := relay.Params{Rate: 600_000, Loss: 0.05, Delay: time.Millisecond, Jitter: time.Second}
	for want, pair := range map[string][2]relay.Params{
		"unimpaired": {}, "600kbps, 5 % loss, 1ms delay, 1s jitter": {bad, bad}, "up unimpaired, down 1Mbps": {{}, {Rate: 1e6}},
	} {
		if got := describe(pair[0], pair[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
