// Package metrics translates the plain counters of the service and the media core into
// Prometheus metrics when they are scraped. It is the only package that knows Prometheus.
//
// It must never be imported by what it measures.
package metrics

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tarasul/sfu"
	"tarasul/signaling"
)

// Sources are where the figures come from. All are called at every scrape, and must be
// quick and safe for concurrent use.
type Sources struct {
	Version     string
	Service     func() signaling.Stats
	Media       func(context.Context) (sfu.Stats, error)
	Certificate func() time.Time // when it ends; nil if none is served
}

// mediaPatience bounds how long a scrape waits for the media core's loops.
const mediaPatience = 2 * time.Second

// Handler serves all metrics, those of the Go runtime and the process included, from a
// registry of their own.
func Handler(s Sources) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{s},
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Registry: registry}), nil
}

// collector reads the sources. It describes nothing in advance (an "unchecked" collector),
// because its descriptions are the constants below.
type collector struct{ Sources }

func (c *collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	b := &batch{out: out}
	b.gauge("build_info", "The version that runs; always 1.", 1, "version", c.Version, "go", runtime.Version())
	if c.Certificate != nil {
		b.gauge("certificate_expiry_timestamp_seconds", "When the served certificate ends.", float64(c.Certificate().Unix()))
	}
	b.service(c.Service())
	ctx, cancel := context.WithTimeout(context.Background(), mediaPatience)
	defer cancel()
	media, err := c.Media(ctx)
	b.gauge("media_up", "1 if the media core's loops answered in time.", one(err == nil))
	if err == nil {
		b.media(&media)
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (b *batch) service(s signaling.Stats) {
	b.gauge("sockets", "Open websockets.", float64(s.Sockets))
	b.gauge("sessions", "Sessions, those that wait for their client to come back included.", float64(s.Sessions))
	b.gauge("people_online", "People with a session.", float64(s.People))
	b.gauge("meetings", "Meetings that run.", float64(s.Meetings))
	b.gauge("seats", "People seated in meetings.", float64(s.Seats))
	b.gauge("draining", "1 while the server takes no new clients.", one(s.Draining))

	b.counter("sockets_opened_total", "Websockets that were opened.", s.SocketsOpened)
	b.counter("sockets_refused_total", "Handshakes refused: origin, subprotocol or too many sockets.", s.SocketsRefused)
	b.counter("sockets_slow_total", "Websockets closed because the client read too slowly.", s.SocketsSlow)
	for kind, r := range s.Requests {
		for outcome, n := range r.Outcomes {
			b.counter("requests_total", "Requests by type and outcome.", n, "type", kind, "outcome", outcome)
		}
		if len(r.Outcomes) > 0 {
			b.histogram("request_duration_seconds", "Time from a request's arrival to its reply.", r.Took.Bounds, r.Took.Counts, r.Took.Sum, "type", kind)
		}
	}
	refused := "Frames that were no requests: of an unknown type, garbled, or above the rate limit."
	b.counter("frames_refused_total", refused, s.Unknown, "reason", "unknown")
	b.counter("frames_refused_total", refused, s.Garbled, "reason", "garbled")
	b.counter("frames_refused_total", refused, s.Limited, "reason", "limited")
	b.counter("requests_repeated_total", "Requests that had been carried out before and were given the same reply.", s.Repeated)
	events := "Events by whether they were queued for a socket or kept for a client to come back."
	b.counter("events_total", events, s.EventsQueued, "outcome", "queued")
	b.counter("events_total", events, s.EventsKept, "outcome", "kept")
	for outcome, n := range s.Resumes {
		b.counter("resumes_total", "Resumed sessions by outcome.", n, "outcome", outcome)
	}
	for outcome, n := range s.SignIns {
		b.counter("sign_ins_total", "Attempts to sign in by outcome.", n, "outcome", outcome)
	}
	b.counter("seats_taken_total", "Seats taken in meetings.", s.SeatsTaken)
	b.counter("seats_lost_total", "Seats released because a lost socket did not come back.", s.SeatsLost)
	b.counter("chat_messages_stored_total", "Chat messages stored.", s.ChatStored)
	b.counter("media_events_total", "Events of the media core that were passed on.", s.MediaEvents)
}

func (b *batch) media(s *sfu.Stats) {
	b.gauge("media_rooms", "Rooms in the media core.", float64(s.Rooms))
	b.gauge("media_peers", "Media sessions.", float64(s.Peers))
	b.gauge("media_peers_connected", "Media sessions whose ICE and DTLS are done.", float64(s.Connected))
	b.gauge("media_up_tracks", "Sources that flow in.", float64(s.UpTracks))
	b.gauge("media_overload", "How much the busiest loop sheds; 0 is nothing.", float64(s.Overload))
	b.gauge("media_down_tracks", "Slots in use.", float64(s.DownTracks))

	b.counter("media_packets_total", "Packets by direction: opened media in, sealed media and RTCP out.", s.PacketsIn, "direction", "in")
	b.counter("media_packets_total", "Packets by direction: opened media in, sealed media and RTCP out.", s.PacketsOut, "direction", "out")
	b.counter("media_bytes_total", "Bytes by direction, as packets.", s.BytesIn, "direction", "in")
	b.counter("media_bytes_total", "Bytes by direction, as packets.", s.BytesOut, "direction", "out")
	b.counter("media_padding_bytes_total", "Bytes of padding that made packets equal in size.", s.Padding)
	for i, n := range s.Verdicts {
		b.counter("media_verdicts_total", "What became of packets, on their way in or to one subscriber.", n, "verdict", sfu.VerdictName(i))
	}
	b.counter("media_queue_drops_total", "Packets lost at a slow destination.", s.QueueDrops)
	b.counter("media_nacked_packets_total", "Packets asked for again, by who was asked.", s.NACKsIn, "direction", "in")
	b.counter("media_nacked_packets_total", "Packets asked for again, by who was asked.", s.NACKsOut, "direction", "out")
	b.counter("media_retransmitted_packets_total", "Packets sent again.", s.Retransmitted)
	b.counter("media_not_retransmitted_packets_total", "Packets asked for that were no longer there, or asked for too often.", s.NotRetransmitted)
	b.counter("media_key_frames_asked_total", "Key frame requests (PLI, FIR) that subscribers sent.", s.KeyFramesAsked)
	b.counter("media_key_frame_requests_total", "Key frame requests (PLI) that publishers were sent.", s.KeyFrameRequests)
	b.counter("media_transport_feedback_total", "Transport-wide feedback packets taken in.", s.TransportFeedback)
	b.counter("media_remb_total", "REMB packets taken in.", s.REMB)
	b.counter("media_switches_total", "Subscribers that went to another encoding or source.", s.Switches)
	b.counter("media_stun_datagrams_total", "STUN datagrams.", s.STUN)
	b.counter("media_dtls_datagrams_total", "DTLS datagrams.", s.DTLS)

	u := &s.Socket
	b.counter("udp_datagrams_total", "Datagrams by direction.", u.DatagramsIn, "direction", "in")
	b.counter("udp_datagrams_total", "Datagrams by direction.", u.DatagramsOut, "direction", "out")
	b.counter("udp_bytes_total", "UDP payload by direction.", u.BytesIn, "direction", "in")
	b.counter("udp_bytes_total", "UDP payload by direction.", u.BytesOut, "direction", "out")
	b.counter("udp_calls_total", "System calls by direction.", u.ReceiveCalls, "direction", "in")
	b.counter("udp_calls_total", "System calls by direction.", u.SendCalls, "direction", "out")
	b.counter("udp_messages_total", "Messages handed to the kernel: runs and single datagrams.", u.Messages)
	b.counter("udp_runs_total", "Messages of more than one datagram.", u.Runs)
	b.counter("udp_run_datagrams_total", "Datagrams that left in runs.", u.Segments)
	b.counter("udp_refused_total", "Runs that the kernel refused and that left piece by piece.", u.Refused)
	b.counter("udp_truncated_total", "Received datagrams that were longer than a slot.", u.Truncated)
	b.counter("udp_dropped_total", "Datagrams that could not be sent.", u.Dropped)

	for _, h := range []struct {
		name, help string
		of         *sfu.Histogram
	}{
		{"media_forwarding_seconds", "Time from a packet's arrival to its hand-over to the kernel.", &s.Forwarding},
		{"media_connecting_seconds", "Time from an answer to the end of the DTLS handshake.", &s.Connecting},
		{"media_first_packet_seconds", "Time from an answer to the first packet forwarded to the peer.", &s.FirstMedia},
	} {
		b.histogram(h.name, h.help, sfu.Buckets(), h.of.Counts[:], h.of.Sum)
	}
}

// batch is one scrape on its way out. Labels are pairs of name and value, all of closed
// sets.
type batch struct{ out chan<- prometheus.Metric }

func (b *batch) gauge(name, help string, value float64, labels ...string) {
	desc, values := describe(name, help, labels)
	b.out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, values...)
}

func (b *batch) counter(name, help string, value uint64, labels ...string) {
	desc, values := describe(name, help, labels)
	b.out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), values...)
}

// histogram translates counts per bucket, the last without bound, into cumulative ones.
func (b *batch) histogram(name, help string, bounds []time.Duration, counts []uint64, sum time.Duration, labels ...string) {
	desc, values := describe(name, help, labels)
	buckets := make(map[float64]uint64, len(bounds))
	var total uint64
	for i, n := range counts {
		total += n
		if i < len(bounds) {
			buckets[bounds[i].Seconds()] = total
		}
	}
	b.out <- prometheus.MustNewConstHistogram(desc, total, sum.Seconds(), buckets, values...)
}

func describe(name, help string, labels []string) (*prometheus.Desc, []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return prometheus.NewDesc("tarasul_"+name, help, names, nil), values
}
