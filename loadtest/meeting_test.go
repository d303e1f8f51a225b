//go:build linux && (amd64 || arm64)

package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func quiet(string, float64, float64) {}

func smallMeeting(server string) *Meeting {
	return &Meeting{
		Target: Target{URL: server, PID: os.Getpid()}, Participants: 3, Rooms: 1, Video: 150_000, FrameRate: 30, Audio: 32_000, Voices: 2,
		TileWidth: 320, TileHeight: 180, Ramp: 50 * time.Millisecond, Duration: 2 * time.Second, Sample: 1, Feedback: true, Seed: 1,
	}
}

func TestAMeetingIsMeasuredFromSignInToReport(t *testing.T) {
	f := newFake(t)
	f.refuse["sign in"], f.refuse["people.save"], f.refuse["meeting.save"] = 1, 1, 1 // it asks for patience
	m := smallMeeting(f.URL)
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := m.Run(ctx, quiet)
	if err != nil || !r.Good() {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.StreamsExpected != 12 || r.StreamsFlowing != 12 || r.VideoFlowing != 6 || r.VoicesFlowing != 6 {
		t.Errorf("streams: %d of %d, %d pictures, %d voices", r.StreamsFlowing, r.StreamsExpected, r.VideoFlowing, r.VoicesFlowing)
	}
	if r.Lost != 0 || r.ForwardedPPS < 300 || r.SentPPS < 150 || r.Latency.P50 <= 0 || r.Latency.P50 > r.Latency.Max {
		t.Errorf("lost %d, %.0f packets/s from %.0f, latency %+v", r.Lost, r.ForwardedPPS, r.SentPPS, r.Latency)
	}
	if r.Join.P50 <= 0 || r.JoinAnswer.P50 <= 0 || r.JoinAnswer.P50 > r.Join.P50 || r.FirstMedia.P95 <= 0 || r.FirstPicture.P50 <= 0 {
		t.Errorf("join %+v, answer %+v, first media %+v, first picture %+v", r.Join, r.JoinAnswer, r.FirstMedia, r.FirstPicture)
	}
	if r.ServerRSS <= 0 || r.ServerCPUPerPacket <= 0 || r.ClientCPU <= 0 || len(r.Series) != 2 || r.Duration < 1.9 {
		t.Errorf("usage: %+v", r)
	}
	for _, fault := range []string{"broken_frames", "blind_starts", "misdirected", "withheld", "undecipherable"} {
		if r.Faults[fault] != 0 {
			t.Errorf("%s: %d", fault, r.Faults[fault])
		}
	}
	if f.disabled != 3 {
		t.Errorf("%d of the 3 people were disabled at the end", f.disabled)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"participants", "streams_expected", "streams_flowing", "forwarded_pps", "server_cpu_ns_per_packet", "server_rss_mib", "latency_ms",
		"loss_percent", "join_ms", "first_media_ms", "client_cpu_percent", "machine_idle_percent", "duration", "seed",
	} {
		if _, ok := fields[key]; !ok {
			t.Errorf("the report has no %q", key)
		}
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12 of 12 flow", "ns a packet", "join"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, table.String())
		}
	}
}

func TestPeopleOfAnEarlierRunAreTakenAgain(t *testing.T) {
	f := newFake(t)
	m := smallMeeting(f.URL)
	m.Duration, m.Participants, m.Video = time.Second, 2, 0
	for range 2 {
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		r, err := m.Run(context.Background(), quiet)
		if err != nil || !r.Good() || r.StreamsExpected != 2 {
			t.Fatalf("%v; %+v", err, r)
		}
	}
}

func TestAPictureThatDoesNotFlowFailsTheRun(t *testing.T) {
	f := newFake(t)
	m := smallMeeting(f.URL)
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	m.Warmup, m.Duration = 500*time.Millisecond, time.Second
	r, err := m.Run(context.Background(), func(stage string, _, _ float64) {
		if stage == "measuring" || stage == "the meeting settles" {
			f.mu.Lock()
			f.mute = "p-load-02"
			f.mu.Unlock()
		}
	})
	if err != nil || r.Good() || !strings.Contains(r.Error, "0<-1") || r.VideoFlowing != 4 {
		t.Errorf("%v; %d flow, %q", err, r.VideoFlowing, r.Error)
	}
}

func TestAServerThatDiesLeavesAReportOfWhatWasSeen(t *testing.T) {
	f := newFake(t)
	m := smallMeeting(f.URL)
	m.Duration = 20 * time.Second
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	died := false
	r, err := m.Run(context.Background(), func(stage string, done, _ float64) {
		if stage == "measuring" && done >= 0.9 && !died {
			died = true
			go f.shut()
		}
	})
	if err == nil || r.Good() || !died {
		t.Fatalf("%v; %+v", err, r)
	}
	if r.ForwardedPPS == 0 || r.Duration == 0 || r.Duration > 10 || len(r.Series) == 0 {
		t.Errorf("%.0f packets/s in %.1f s, %d samples", r.ForwardedPPS, r.Duration, len(r.Series))
	}
}

func TestAServerThatCannotBeReachedIsAnError(t *testing.T) {
	m := smallMeeting("http://127.0.0.1:1")
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Run(context.Background(), quiet); !errors.Is(err, ErrServer) || r.Good() {
		t.Errorf("%v", err)
	}
	m.Target = Target{Command: "sh -c 'echo out of order; exit 3' --"}
	if r, err := m.Run(context.Background(), quiet); !errors.Is(err, ErrServer) || r.Good() || !strings.Contains(r.Error, "out of order") {
		t.Errorf("%v", err)
	}
}

func TestMistakesInTheMeetingAreReportedAllAtOnce(t *testing.T) {
	m := &Meeting{Participants: 31, Publishers: 40, Video: 1, Voices: 40, Sample: 0, Ramp: -1}
	err := m.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, flag := range []string{"--participants", "--publishers", "--rooms", "--video", "--voices", "--sample", "--ramp", "--duration", "--fps", "--tile"} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("nothing about %s in %q", flag, err)
		}
	}
}

func TestExpectationsOfWhoSeesWhom(t *testing.T) {
	for _, test := range []struct {
		m                Meeting
		pictures, voices int
	}{
		{Meeting{Participants: 30, Rooms: 1, Video: 1, Audio: 1, Voices: 6}, 870, 180},
		{Meeting{Participants: 30, Rooms: 1, Video: 1, Audio: 1, Voices: 29}, 870, 870},
		{Meeting{Participants: 30, Publishers: 1, Rooms: 1, Video: 1, Audio: 1, Voices: 6}, 29, 29},
		{Meeting{Participants: 10, Rooms: 10, Video: 1, Voices: 6}, 900, 0},
		{Meeting{Participants: 5, Rooms: 2, Audio: 1, Voices: 6}, 0, 40},
		{Meeting{Participants: 10, Rooms: 1, Audio: 1, Voices: 6, Speakers: 2}, 0, 20},
	} {
		if test.m.Publishers == 0 {
			test.m.Publishers = test.m.Participants
		}
		if p, v := test.m.expectations(); p != test.pictures || v != test.voices {
			t.Errorf("%+v: %d pictures and %d voices, want %d and %d", test.m, p, v, test.pictures, test.voices)
		}
	}
}
