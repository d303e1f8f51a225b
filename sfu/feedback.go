package sfu

import (
	"time"

	"github.com/pion/rtcp"
)

// rtcp takes in what a peer says about what it sends and receives. Transport-wide
// feedback, by far the most of it, is told apart by its header and not parsed as long as
// nothing is estimated from it.
func (p *peer) rtcp(plain []byte, now time.Time) {
	for len(plain) > 0 {
		var h rtcp.Header
		if h.Unmarshal(plain) != nil || (int(h.Length)+1)*4 > len(plain) {
			p.shard.stats.Verdicts[Malformed]++
			return
		}
		one := plain[:(int(h.Length)+1)*4]
		plain = plain[len(one):]
		if h.Type == rtcp.TypeTransportSpecificFeedback && h.Count == rtcp.FormatTCC {
			p.shard.stats.TransportFeedback++
			continue
		}
		packets, err := rtcp.Unmarshal(one)
		if err != nil {
			p.shard.stats.Verdicts[Malformed]++
			return
		}
		for _, packet := range packets {
			p.take(packet, now)
		}
	}
}

func (p *peer) take(packet rtcp.Packet, now time.Time) {
	switch packet := packet.(type) {
	case *rtcp.SenderReport:
		p.onSenderReport(packet, now)
		p.onReception(packet.Reports, now)
	case *rtcp.ReceiverReport:
		p.onReception(packet.Reports, now)
	case *rtcp.TransportLayerNack:
		p.onNACK(packet, now)
	case *rtcp.PictureLossIndication:
		p.onKeyFrameAsked(packet.MediaSSRC, now)
	case *rtcp.FullIntraRequest:
		for _, entry := range packet.FIR {
			p.onKeyFrameAsked(entry.SSRC, now)
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		p.shard.stats.REMB++
	}
}

// onSenderReport keeps how the clock of an encoding lies.
func (p *peer) onSenderReport(sr *rtcp.SenderReport, now time.Time) {
	of, ok := p.bySSRC[sr.SSRC]
	if !ok || of.rtx {
		return
	}
	of.encoding.report = senderReport{ntp: sr.NTPTime, rtp: sr.RTPTime, arrived: now}
	p.wall.observe(timeOf(sr.NTPTime), now)
}

// onReception measures the round trip (RFC 3550 section 6.4.1).
func (p *peer) onReception(reports []rtcp.ReceptionReport, now time.Time) {
	for _, r := range reports {
		if r.LastSenderReport == 0 || p.bySlot[r.SSRC] == nil {
			continue
		}
		trip := int32(uint32(ntpOf(now)>>16) - r.LastSenderReport - r.Delay)
		if trip < 0 || trip > 10<<16 {
			continue
		}
		measured := time.Duration(trip) * time.Second / 65536
		if p.rtt == 0 {
			p.rtt = measured
		}
		p.rtt += (measured - p.rtt) / 8
	}
}

// onNACK sends again what a subscriber misses, within the peer's budget.
func (p *peer) onNACK(nack *rtcp.TransportLayerNack, now time.Time) {
	d := p.bySlot[nack.MediaSSRC]
	if d == nil || !p.ready(now) {
		return
	}
	s := p.shard
	s.out.Begin(&p.out, now)
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			s.stats.NACKsIn++
			if p.resends > 0 && d.resend(seq) {
				p.resends--
				s.stats.Retransmitted++
				s.out.Add(&s.send)
			} else {
				s.stats.NotRetransmitted++
			}
			return true
		})
	}
	s.out.End()
}

// onKeyFrameAsked passes the wish on to whoever is in the slot.
func (p *peer) onKeyFrameAsked(ssrc uint32, now time.Time) {
	p.shard.stats.KeyFramesAsked++
	if d := p.bySlot[ssrc]; d != nil && d.current != nil && d.picture {
		d.current.askKey(now)
	}
}
