package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// ourSSRC is the sender of our RTCP that belongs to no slot.
const ourSSRC = 1

// maxCompound is how many reports go into one RTCP packet of ours: it stays below every
// path's MTU.
const maxCompound = 24

// ntpEpoch is the NTP era's beginning in seconds before the Unix epoch.
const ntpEpoch = 2208988800

// ntpOf is a moment in NTP's 32.32 fixed point (RFC 3550 section 4).
func ntpOf(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// timeOf is the moment that an NTP timestamp of this era names.
func timeOf(ntp uint64) time.Time {
	return time.Unix(int64(ntp>>32)-ntpEpoch, int64((ntp&0xffffffff)*1e9>>32))
}

// senderReport is what an encoding's publisher said last about its clock.
type senderReport struct {
	ntp     uint64
	rtp     uint32
	arrived time.Time
}

func (s senderReport) known() bool { return !s.arrived.IsZero() }

// at is how far this stream's timestamps are ahead of those of another of the same
// publisher, in ticks: the two reports tell where each clock stood on the publisher's
// wall clock.
func (s senderReport) at(other senderReport, clockRate uint32) uint32 {
	return s.rtp - other.rtp + ticks(timeOf(other.ntp).Sub(timeOf(s.ntp)), clockRate)
}

// ticks converts a duration, of either sign, to RTP ticks modulo 2^32.
func ticks(d time.Duration, clockRate uint32) uint32 {
	return uint32(int64(d/time.Millisecond)*int64(clockRate)/1000 + int64(d%time.Millisecond)*int64(clockRate)/1e9)
}

// publisherClock estimates how far a publisher's wall clock is behind ours, so that its
// voice and picture get sender reports on one clock and stay together.
type publisherClock struct {
	behind time.Duration
	known  bool
}

// observe takes in a sender report. The smallest difference is the one with the least
// delay in it; it is let go slowly, since clocks drift.
func (c *publisherClock) observe(sent, arrived time.Time) {
	d := arrived.Sub(sent)
	if !c.known || d < c.behind {
		c.behind, c.known = d, true
		return
	}
	c.behind += (d - c.behind) / 64
}

// sendRTCP seals a compound RTCP packet for the peer.
func (p *peer) sendRTCP(packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		p.shard.stats.Verdicts[Malformed]++
		return
	}
	p.shard.out.RTCP(&p.out, raw)
}

func (p *peer) sendPLI(ssrc uint32) {
	p.shard.stats.KeyFrameRequests++
	p.sendRTCP(&rtcp.PictureLossIndication{SenderSSRC: ourSSRC, MediaSSRC: ssrc})
}

func (p *peer) sendNACK(ssrc uint32, lost []uint16) {
	p.sendRTCP(&rtcp.TransportLayerNack{SenderSSRC: ourSSRC, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)})
}

// sendTransportFeedback reports when the peer's packets arrived. Without it browsers
// send only their lowest layer.
func (p *peer) sendTransportFeedback() {
	p.recorded = false
	for _, f := range p.recorder.BuildFeedbackPacket() {
		p.sendRTCP(f)
	}
}

// sendReports tells the peer what of theirs we received and how the clocks of what they
// receive lie.
func (p *peer) sendReports(now time.Time) {
	p.reportNow = false
	var reception []rtcp.ReceptionReport
	for _, up := range p.up {
		if up == nil {
			continue
		}
		for _, e := range up.encodings {
			if e.ring == nil {
				continue
			}
			report, ok := e.ring.Report()
			if !ok {
				continue
			}
			rr := rtcp.ReceptionReport{
				SSRC: e.ssrc, FractionLost: report.FractionLost, TotalLost: uint32(report.CumulativeLost) & 0xffffff,
				LastSequenceNumber: report.HighestSeq, Jitter: report.Jitter,
			}
			if e.report.known() {
				rr.LastSenderReport = uint32(e.report.ntp >> 16)
				rr.Delay = uint32(now.Sub(e.report.arrived) * 65536 / time.Second)
			}
			reception = append(reception, rr)
		}
	}
	compound := []rtcp.Packet{&rtcp.ReceiverReport{SSRC: ourSSRC, Reports: reception[:min(len(reception), 31)]}}
	for _, d := range p.slots {
		if sr := d.senderReport(now); sr != nil {
			compound = append(compound, sr)
		}
		if len(compound) == maxCompound {
			p.sendRTCP(compound...)
			compound = compound[:0]
		}
	}
	if len(compound) > 0 {
		p.sendRTCP(compound...)
	}
}

// senderReport says which timestamp the slot has now, by the publisher's own account
// where there is one.
func (d *downTrack) senderReport(now time.Time) *rtcp.SenderReport {
	if d.current == nil || d.packets == 0 {
		return nil
	}
	codec := d.current.up.section.Chosen[0].Codec
	rtp := d.lastTS + ticks(now.Sub(d.lastAt), codec.ClockRate())
	if publisher := d.current.up.peer; d.current.report.known() && publisher.wall.known {
		there := now.Add(-publisher.wall.behind)
		rtp = d.current.report.rtp + ticks(there.Sub(timeOf(d.current.report.ntp)), codec.ClockRate()) + d.rewriter.Offset()
	}
	return &rtcp.SenderReport{SSRC: d.section.Send.Media, NTPTime: ntpOf(now), RTPTime: rtp, PacketCount: d.packets, OctetCount: d.octets}
}
