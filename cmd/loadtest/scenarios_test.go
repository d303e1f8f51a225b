//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"tarasul/loadtest"
	"tarasul/loadtest/floor"
	"tarasul/loadtest/relay"
)

func TestTheFloorIsATableForPeopleAndJSONForPrograms(t *testing.T) {
	var out, said bytes.Buffer
	code := run(context.Background(), []string{"floor", "--rounds", "1", "--targets", "loopback", "--json", "-"}, &out, &said)
	var found floor.Result
	if err := json.Unmarshal(out.Bytes(), &found); code != exitGood || err != nil || found.Target(floor.Loopback) == nil || found.Seal <= 0 {
		t.Errorf("%d, %v: %s", code, err, out.String())
	}
	if !strings.Contains(said.String(), "seal + send") {
		t.Errorf("the table: %s", said.String())
	}
	if code, said := line("floor", "--targets", "moon"); code != exitUsage || !strings.Contains(said, `"moon"`) {
		t.Errorf("%d: %s", code, said)
	}
}

func TestTheFloorIsMeasuredForReportsAndWhereItIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, false}, {[]string{"--json", "-"}, true}, {[]string{"--html", "x"}, true}, {[]string{"--floor"}, true}, {[]string{"--json", "-", "--floor=false"}, false},
	} {
		var m loadtest.Meeting
		f := meetingFlags(&m)
		if err := f.parse(test.args); err != nil {
			t.Fatal(err)
		}
		if err := f.complete(&m); err != nil || m.Floor != test.want {
			t.Errorf("%v: %v, %v", test.args, m.Floor, err)
		}
	}
}

func TestARelayPassesPacketsUntilItIsInterruptedAndTellsWhatItDid(t *testing.T) {
	open := func() net.PacketConn {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	server, client, place := open(), open(), open()
	front := place.LocalAddr()
	place.Close()
	ctx, interrupt := context.WithCancel(context.Background())
	var out, said bytes.Buffer
	ended := make(chan int)
	go func() {
		args := []string{"relay", "--server", server.LocalAddr().String(), "--listen", front.String(), "--delay", "1ms", "--at", "1h:loss=50%", "--json", "-"}
		ended <- run(ctx, args, &out, &said)
	}()
	var b [16]byte
	for arrived := false; !arrived; {
		// The relay may not be there yet, and then a packet is lost.
		if _, err := client.WriteTo([]byte("hello"), front); err != nil {
			t.Fatal(err)
		}
		server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, _, err := server.ReadFrom(b[:])
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		arrived = string(b[:n]) == "hello"
	}
	interrupt()
	var stats relay.Stats
	if code := <-ended; code != exitGood {
		t.Errorf("%d: %s", code, said.String())
	}
	if err := json.Unmarshal(out.Bytes(), &stats); err != nil || stats.Up.Passed == 0 || stats.Seen != 1 {
		t.Errorf("%v: %s", err, out.String())
	}
	if !strings.Contains(said.String(), "1 clients") {
		t.Errorf("the table: %s", said.String())
	}
	for _, wrong := range [][]string{{"relay"}, {"relay", "--server", "moon"}, {"relay", "--server", "127.0.0.1:9", "--loss", "200%"}} {
		if code, _ := line(wrong...); code != exitUsage {
			t.Errorf("%v: %d", wrong, code)
		}
	}
}

func TestTheHelpOfImpairmentsIsShort(t *testing.T) {
	_, said := line("meeting", "-h")
	if !strings.Contains(said, "--loss") || strings.Contains(said, "--up.loss") || !strings.Contains(said, "--down.rate") {
		t.Errorf("%s", said)
	}
	code, said := line("meeting", "--down.rat", "1Mbps")
	if code != exitUsage || !strings.Contains(said, "--down.rate") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestABroadcastIsAMeetingWithOnePublisher(t *testing.T) {
	var m loadtest.Meeting
	f := broadcastFlags(&m)
	if err := f.parse([]string{"--participants", "12"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.complete(&m), m.Validate()); err != nil || m.Publishers != 1 || m.Participants != 12 || m.Video != defaultSimulcast || !m.Broadcast {
		t.Errorf("%v: %+v", err, m)
	}
}

func TestASoakLastsAnHourUnlessToldOtherwise(t *testing.T) {
	var s loadtest.Soak
	f := soakFlags(&s)
	if err := f.parse(nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.complete(&s.Meeting), s.Validate()); err != nil || s.Meeting.Duration != time.Hour || s.Window != time.Minute || s.Meeting.Floor {
		t.Errorf("%v: %+v", err, s)
	}
	if code, said := line("soak", "--duration", "1m", "--window", "1m"); code != exitUsage || !strings.Contains(said, "--window") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := line("soak", "--at", "1s:loss=1%"); code != exitUsage || !strings.Contains(said, "--at") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestAHostileRunThrowsAMillionPacketsUnlessToldOtherwise(t *testing.T) {
	var h loadtest.Hostile
	f := hostileFlags(&h)
	if err := f.parse(nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Validate(); err != nil || h.Packets != 1_000_000 || h.Participants != 4 {
		t.Errorf("%v: %+v", err, h)
	}
	if code, said := line("hostile", "--packet", "3"); code != exitUsage || !strings.Contains(said, "--packets") {
		t.Errorf("%d: %s", code, said)
	}
}
