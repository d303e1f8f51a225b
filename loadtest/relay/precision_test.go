//go:build linux && (amd64 || arm64)

package relay

import (
	"testing"
	"time"
)

// BenchmarkRelay passes packets of 1200 bytes through a relay, some every 500 us, and tells how late they
// leave.
func BenchmarkRelay(b *testing.B) {
	for _, c := range []struct {
		name string
		some int
	}{{"2,000 a second", 1}, {"50,000 a second", 25}} {
		b.Run(c.name, func(b *testing.B) {
			server := listen(b, "127.0.0.1:0")
			r := start(b, Config{Server: server.addr(), Up: Params{Delay: 5 * time.Millisecond}})
			client := listen(b, "127.0.0.1:0")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for packet := make([]byte, slotSize); ; {
					if _, err := server.Read(packet); err != nil {
						return
					}
				}
			}()
			packet, to, next := make([]byte, 1200), r.Addr(), time.Now()
			for b.Loop() {
				next = next.Add(500 * time.Microsecond)
				time.Sleep(time.Until(next))
				for range c.some {
					if _, err := client.WriteToUDPAddrPort(packet, to); err != nil {
						b.Fatal(err)
					}
				}
			}
			s := r.Stats()
			b.ReportMetric(s.Late.P50*1000, "late-p50-us")
			b.ReportMetric(s.Late.P95*1000, "late-p95-us")
			b.ReportMetric(s.Late.P99*1000, "late-p99-us")
			b.ReportMetric(s.Up.Loss()*100, "lost-%")
			_ = server.Close()
			<-ended
		})
	}
}
