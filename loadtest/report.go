//go:build linux && (amd64 || arm64)

package loadtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tarasul/loadtest/bot"
	"tarasul/loadtest/relay"
	"tarasul/loadtest/synth"
	"tarasul/loadtest/tally"
)

// Report is what a run has found. Its JSON form is meant for programs, and Table for people.
type Report struct {
	Scenario     string  `json:"scenario"`
	Participants int     `json:"participants"` // of all rooms together
	Publishers   int     `json:"publishers"`   // of them, those who send
	Rooms        int     `json:"rooms"`
	Voices       int     `json:"voices"`                  // audio slots per bot
	Video        []int   `json:"video_bps"`               // of each encoding
	Audio        int     `json:"audio_bps"`               // of a voice
	Sample       int     `json:"sample"`                  // one packet in so many was decrypted
	Seed         uint64  `json:"seed"`                    //
	Duration     float64 `json:"duration"`                // of the measured window, in seconds
	Machine      Machine `json:"machine"`                 //
	Error        string  `json:"error"`                   // what ended the run early, or is missing; "" is a good run
	ServerReady  float64 `json:"server_ready"`            // ms from the server's start to its first answer; 0 if it ran already
	ServerPID    int     `json:"server_pid"`              //
	ServerClean  bool    `json:"server_clean"`            // a server of our own ended cleanly when it was asked to
	EventGaps    int     `json:"event_gaps"`              // events of the protocol whose number was not the next one
	ServerMeters Meters  `json:"server_meters,omitempty"` // the server's own counters over the window, if its operators' address is known

	StreamsExpected int      `json:"streams_expected"` // pictures and voices together
	StreamsFlowing  int      `json:"streams_flowing"`
	VideoExpected   int      `json:"video_expected"`
	VideoFlowing    int      `json:"video_flowing"`
	VoicesExpected  int      `json:"voices_expected"`
	VoicesFlowing   int      `json:"voices_flowing"`
	Silent          []string `json:"silent"` // "receiver<-sender" of pictures that did not flow, at most 20

	ForwardedPPS  float64 `json:"forwarded_pps"` // RTP packets that bots received, per second
	ForwardedMbps float64 `json:"forwarded_mbps"`
	SentPPS       float64 `json:"sent_pps"`

	ServerCPUPerPacket    float64 `json:"server_cpu_ns_per_packet"` // user and system, per packet received by bots
	ServerUserPerPacket   float64 `json:"server_user_ns_per_packet"`
	ServerSystemPerPacket float64 `json:"server_system_ns_per_packet"`
	ServerCPU             float64 `json:"server_cpu_percent"`     // of one core
	ServerRSS             float64 `json:"server_rss_mib"`         // the most since it started, sign-ins included
	ServerRSSWindow       float64 `json:"server_rss_meeting_mib"` // the most at any second of the window
	ServerRSSNow          float64 `json:"server_rss_now_mib"`     // at the end of the window

	RunLength       float64 `json:"gso_run_length"`           // datagrams that the server sent, by messages to the kernel; 0: its counters are not known
	PacketBytes     float64 `json:"packet_bytes"`             // their mean size, UDP payload
	AllocsPerPacket float64 `json:"server_allocs_per_packet"` // of the whole server, per datagram sent
	FloorPerPacket  float64 `json:"floor_ns_per_packet"`      // to seal and send such packets in such runs, measured before the meeting; 0: not measured
	RatioToFloor    float64 `json:"ratio_to_floor"`           // of the whole server's CPU, receiving, opening and signaling included

	Latency      Spread  `json:"latency_ms"` // from sealing in one bot to the kernel of the other, all media
	AudioLatency Spread  `json:"audio_latency_ms"`
	VideoLatency Spread  `json:"video_latency_ms"`
	LongestGap   Spread  `json:"longest_gap_ms"` // of each video stream: the longest time without a packet
	LossPercent  float64 `json:"loss_percent"`   // missing sequence numbers, before retransmission
	Lost         uint64  `json:"lost"`
	Reordered    uint64  `json:"reordered"`
	Duplicates   uint64  `json:"duplicates"`
	Recovered    uint64  `json:"recovered"` // of what was lost, by retransmission

	Join         Spread  `json:"join_ms"`          // from sending meeting.join to ICE and DTLS done and the answer applied
	JoinAnswer   Spread  `json:"join_answer_ms"`   // of that, until the reply
	FirstMedia   Spread  `json:"first_media_ms"`   // from sending meeting.join, or the first other one's if that is later, to the first RTP packet
	FirstPicture Spread  `json:"first_picture_ms"` // the same to the first packet of anybody's picture
	FullMeeting  float64 `json:"full_meeting_ms"`  // from the last bot's meeting.join until everybody has everybody's picture

	ClientCPU     float64 `json:"client_cpu_percent"` // of one core
	OtherCPU      float64 `json:"other_cpu_percent"`  // of one core: what neither the server nor the tester used; above a few percent latency is not the server's alone
	MachineIdle   float64 `json:"machine_idle_percent"`
	ClientLate    Spread  `json:"client_late_ms"`  // how long after their time bots sent
	ClientLeftOut uint64  `json:"client_left_out"` // frames that bots did not send at all, because the tester was overloaded
	ClientDropped uint64  `json:"client_dropped"`  // packets that were lost in bots' own sockets

	Faults  map[string]uint64 `json:"faults"`   // what should not be, by name; see bot.Totals
	Traffic map[string]uint64 `json:"feedback"` // feedback in both directions
	Series  []Second          `json:"series"`
	Relay   []relay.Stats     `json:"relay,omitempty"` // what the network did on purpose, for each of the server's addresses, joining included
	Marks   []Mark            `json:"marks,omitempty"` // when the network changed
}

// Mark is a moment of the measured window.
type Mark struct {
	At   float64 `json:"at"` // seconds since the window began
	Name string  `json:"name"`
}

// Spread is a distribution in milliseconds.
type Spread struct {
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Second is one second of the measured window.
type Second struct {
	At        float64 `json:"at"` // seconds since the window began
	PPS       float64 `json:"pps"`
	Mbps      float64 `json:"mbps"`
	Lost      uint64  `json:"lost"`
	P50       float64 `json:"p50"` // latency, ms
	P99       float64 `json:"p99"`
	ServerCPU float64 `json:"server_cpu_percent"`
	ServerRSS float64 `json:"server_rss_mib"`
}

// busy is the CPU use of others, in percent of a core, above which a reader is warned.
const busy = 20

// Good reports whether the run found nothing wrong.
func (r *Report) Good() bool { return r.Error == "" }

// Problem is what was wrong, or empty.
func (r *Report) Problem() string { return r.Error }

// milliseconds rounds to microseconds.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

func spread(h *tally.Histogram) Spread {
	return Spread{
		P50: milliseconds(h.Percentile(50)), P95: milliseconds(h.Percentile(95)), P99: milliseconds(h.Percentile(99)),
		P999: milliseconds(h.Percentile(99.9)), Max: milliseconds(h.Max()),
	}
}

// spreadOf is exact, for as few values as there are bots.
func spreadOf(values []time.Duration) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(p float64) float64 {
		rank := int(p / 100 * float64(len(sorted)))
		if float64(rank) < p/100*float64(len(sorted)) {
			rank++
		}
		return milliseconds(sorted[max(rank, 1)-1])
	}
	return Spread{P50: at(50), P95: at(95), P99: at(99), P999: at(99.9), Max: at(100)}
}

// fill takes in what a window has measured.
func (r *Report) fill(w *bot.Window) {
	seconds := w.Duration.Seconds()
	audio, video := w.Received[synth.Voice], w.Received[synth.Camera]
	r.Duration = float64(w.Duration.Round(time.Millisecond)) / float64(time.Second)
	r.VideoFlowing, r.VoicesFlowing, r.Silent = w.VideoFlows, w.VoiceFlows, append(r.Silent, w.Silent...)
	r.StreamsFlowing = r.VideoFlowing + min(r.VoicesFlowing, r.VoicesExpected)
	r.ForwardedPPS = round(float64(w.Totals.Packets) / seconds)
	r.ForwardedMbps = round(float64(w.Totals.Bytes) * 8 / 1e6 / seconds)
	r.SentPPS = round(float64(w.Sent[synth.Voice].Packets+w.Sent[synth.Camera].Packets) / seconds)
	all := tally.Histogram{}
	all.Merge(w.Latency[synth.Voice])
	all.Merge(w.Latency[synth.Camera])
	r.Latency, r.AudioLatency, r.VideoLatency = spread(&all), spread(w.Latency[synth.Voice]), spread(w.Latency[synth.Camera])
	r.LongestGap = spread(w.Longest)
	r.Lost = audio.Lost() + video.Lost()
	if expected := audio.Expected + video.Expected; expected > 0 {
		r.LossPercent = float64(r.Lost) * 100 / float64(expected)
	}
	r.Reordered, r.Duplicates = audio.Reordered+video.Reordered, audio.Duplicates+video.Duplicates
	r.Recovered = w.Totals.Recovered
	r.ClientLate, r.ClientLeftOut, r.ClientDropped = spread(w.Lateness), w.LeftOut, w.Dropped
	t := w.Totals
	r.Faults = nonZero(map[string]uint64{
		"given_up": t.GivenUp, "undecipherable": t.Undecipherable, "misdirected": t.Misdirected,
		"withheld": t.Withheld, "blind_starts": t.BlindStarts, "broken_frames": t.BrokenFrames, "early": t.Early, "foreign": t.Foreign,
		"broken_rtcp": t.BrokenRTCP, "send_errors": t.SendErrors, "negative_latency": all.Negative(), "stale": audio.Stale + video.Stale,
	})
	r.Traffic = nonZero(map[string]uint64{
		"pli_received": t.PLIs, "nack_received": t.NACKs, "transport_reports_received": t.TransportReports,
		"sender_reports_received": t.SenderReports, "nack_sent": t.NACKsSent, "pli_sent": t.PLIsSent, "rtx_received": t.Retransmissions,
		"padding_received": t.Padding, "sampled": t.Sampled, "unstamped": t.Unstamped, "key_frames_sent": w.Sent[synth.Camera].KeyFrames,
		"rtx_sent": w.Sent[synth.Camera].Retransmissions,
	})
}

func nonZero(m map[string]uint64) map[string]uint64 {
	for k, v := range m {
		if v == 0 {
			delete(m, k)
		}
	}
	return m
}

// round keeps one decimal.
func round(f float64) float64 { return float64(int64(f*10+0.5)) / 10 }

// judge writes into Error what is missing, if nothing worse is there already.
func (r *Report) judge() {
	switch {
	case r.Error != "":
	case r.VideoFlowing < r.VideoExpected:
		r.Error = fmt.Sprintf("%d of %d pictures flow; not (receiver<-sender): %s", r.VideoFlowing, r.VideoExpected, strings.Join(r.Silent, " "))
	case r.VoicesFlowing < r.VoicesExpected:
		r.Error = fmt.Sprintf("%d of %d voices flow", r.VoicesFlowing, r.VoicesExpected)
	}
}

// Table writes the report for a person.
func (r *Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	spread := func(s Spread) string {
		return fmt.Sprintf("p50 %.2f  p95 %.2f  p99 %.2f  max %.2f ms", s.P50, s.P95, s.P99, s.Max)
	}
	fmt.Fprintf(t, "%s: %d participants in %d room(s), %.1f s measured\n", r.Scenario, r.Participants, r.Rooms, r.Duration)
	line("streams", "%d of %d flow (%d of %d pictures, %d of %d voices)",
		r.StreamsFlowing, r.StreamsExpected, r.VideoFlowing, r.VideoExpected, r.VoicesFlowing, r.VoicesExpected)
	line("forwarded", "%.0f packets/s, %.1f Mbit/s, from %.0f packets/s", r.ForwardedPPS, r.ForwardedMbps, r.SentPPS)
	if r.ServerPID != 0 {
		line("server", "%.0f ns a packet (%.0f user, %.0f system), %.1f %% of a core, %.1f MiB (%.1f at most, signing in)",
			r.ServerCPUPerPacket, r.ServerUserPerPacket, r.ServerSystemPerPacket, r.ServerCPU, r.ServerRSSWindow, r.ServerRSS)
	} else {
		line("server", "its process is not known: --server-pid tells")
	}
	if r.RunLength > 0 {
		line("runs", "%.2f packets a message, %.0f bytes a packet, %.2f allocations a packet", r.RunLength, r.PacketBytes, r.AllocsPerPacket)
	}
	if r.FloorPerPacket > 0 {
		line("floor", "%.0f ns a packet to seal and send; the server took %.2f times that", r.FloorPerPacket, r.RatioToFloor)
	}
	line("latency", "%s", spread(r.Latency))
	line("loss", "%.4f %% (%d lost, %d recovered), %d reordered, %d twice", r.LossPercent, r.Lost, r.Recovered, r.Reordered, r.Duplicates)
	for _, s := range r.Relay {
		line("network", "%.2f %% of %d lost up, %.2f %% of %d down, on purpose; late by p99 %.2f ms",
			s.Up.Loss()*100, s.Up.Packets, s.Down.Loss()*100, s.Down.Packets, s.Late.P99)
	}
	for _, m := range r.Marks {
		line("change", "at %.1f s: %s", m.At, m.Name)
	}
	line("longest gap", "%s", spread(r.LongestGap))
	line("join", "%s", spread(r.Join))
	line("first media", "%s", spread(r.FirstMedia))
	line("full meeting", "%.1f ms after the last one joined", r.FullMeeting)
	line("tester", "%.1f %% of a core, sends late by p99 %.2f ms", r.ClientCPU, r.ClientLate.P99)
	line("machine", "%.1f %% idle, %.1f %% of a core used by others", r.MachineIdle, r.OtherCPU)
	if r.OtherCPU > busy || r.ClientLeftOut > 0 || r.ClientDropped > 0 {
		line("CAUTION", "the machine was busy with other work, so times are not the server's alone (%d frames left out, %d packets dropped by the tester)",
			r.ClientLeftOut, r.ClientDropped)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Faults)) {
		line("fault", "%s: %d", strings.ReplaceAll(key, "_", " "), r.Faults[key])
	}
	if r.Error != "" {
		line("FAILED", "%s", r.Error)
	}
	return t.Flush()
}
