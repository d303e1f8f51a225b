package metrics

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tarasul/sfu"
	"tarasul/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func scrape(t *testing.T, s Sources) string {
	t.Helper()
	h, err := Handler(s)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("status %d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

func sources() Sources {
	st := signaling.Stats{
		Sockets: 3, ChatStored: 7, Resumes: map[string]uint64{"replayed": 2}, SignIns: map[string]uint64{"ok": 1},
		Requests: map[string]signaling.RequestStats{
			"meeting.join": {
				Outcomes: map[string]uint64{"ok": 4, "meeting_full": 1},
				Took:     signaling.Histogram{Bounds: []time.Duration{time.Millisecond, time.Second}, Counts: []uint64{1, 3, 1}, Sum: 2 * time.Second},
			},
			"meeting.end": {},
		},
	}
	media := sfu.Stats{PacketsOut: 9, Forwarding: sfu.Histogram{Sum: time.Second, Count: 1}}
	media.Forwarding.Counts[0] = 1
	media.Verdicts[sfu.Sent] = 5
	end := time.Unix(1800000000, 0)
	return Sources{
		Version: "v1", Service: func() signaling.Stats { return st },
		Media:       func(context.Context) (sfu.Stats, error) { return media, nil },
		Certificate: func() time.Time { return end },
	}
}

func TestFiguresAreScraped(t *testing.T) {
	body := scrape(t, sources())
	for _, want := range []string{
		"tarasul_sockets 3\n",
		"tarasul_chat_messages_stored_total 7\n",
		`tarasul_requests_total{outcome="meeting_full",type="meeting.join"} 1`,
		`tarasul_request_duration_seconds_bucket{type="meeting.join",le="0.001"} 1`,
		`tarasul_request_duration_seconds_bucket{type="meeting.join",le="1"} 4`,
		`tarasul_request_duration_seconds_bucket{type="meeting.join",le="+Inf"} 5`,
		`tarasul_request_duration_seconds_sum{type="meeting.join"} 2`,
		`tarasul_resumes_total{outcome="replayed"} 2`,
		`tarasul_media_packets_total{direction="out"} 9`,
		`tarasul_media_verdicts_total{verdict="sent"} 5`,
		"tarasul_media_forwarding_seconds_count 1\n",
		"tarasul_media_up 1\n",
		"tarasul_certificate_expiry_timestamp_seconds 1.8e+09\n",
		`tarasul_build_info{`,
		"go_goroutines ", "process_cpu_seconds_total ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// Names as Prometheus's conventions want them, and a word of help for each.
func TestNamesAreConventional(t *testing.T) {
	kinds, helped := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(scrape(t, sources())) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 3 && fields[1] == "HELP":
			helped[fields[2]] = true
		case len(fields) == 4 && fields[1] == "TYPE":
			kinds[fields[2]] = fields[3]
		}
	}
	ours := 0
	for name, kind := range kinds {
		if !strings.HasPrefix(name, "tarasul_") {
			continue
		}
		ours++
		if (kind == "counter") != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, kind)
		}
		if kind == "histogram" && !strings.HasSuffix(name, "_seconds") {
			t.Errorf("%s says no unit", name)
		}
		if !helped[name] || strings.ToLower(name) != name {
			t.Errorf("%s has no help, or no proper name", name)
		}
	}
	if ours < 40 {
		t.Errorf("only %d metrics of ours", ours)
	}
}

func TestACoreThatDoesNotAnswerSpoilsNoScrape(t *testing.T) {
	s := sources()
	s.Media = func(context.Context) (sfu.Stats, error) { return sfu.Stats{}, errors.New("stuck") }
	s.Certificate = nil
	body := scrape(t, s)
	if !strings.Contains(body, "tarasul_media_up 0\n") || strings.Contains(body, "tarasul_media_rooms") || !strings.Contains(body, "tarasul_sockets 3\n") {
		t.Error("wrong figures of a core that is stuck")
	}
}
