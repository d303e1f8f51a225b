//go:build linux

package bot

import (
	"math/bits"
	"time"

	"tarasul/loadtest/synth"

	"github.com/pion/rtcp"
)

// How a bot asks for what is missing: as browsers do, at once, then again after about a round trip, and not for ever.
const (
	nackInterval = int64(50 * time.Millisecond)
	nackTries    = 10
	maxMissing   = 256 // beyond it a key frame is cheaper
)

// missing are the packets of a slot that a gap has shown to be missing.
type missing struct {
	packets []lostPacket
}

type lostPacket struct {
	sequence uint16
	tries    int
	nextAt   int64
}

// notice notes the gap before a packet.
func (p *Peer) notice(s *slot, sequence uint16, gap int) {
	if len(s.missing.packets) == 0 {
		p.missing++
	}
	if len(s.missing.packets)+gap > maxMissing {
		s.missing.packets = s.missing.packets[:0]
		p.missing--
		p.askForKeyFrame(s.media.ssrc)
		return
	}
	for i := gap; i > 0; i-- {
		s.missing.packets = append(s.missing.packets, lostPacket{sequence: sequence - uint16(i)})
	}
}

// resolve notes that a packet has come after all, and says whether it was missed.
func (p *Peer) resolve(s *slot, sequence uint16) bool {
	for i, l := range s.missing.packets {
		if l.sequence == sequence {
			s.missing.packets = append(s.missing.packets[:i], s.missing.packets[i+1:]...)
			if len(s.missing.packets) == 0 {
				p.missing--
			}
			return true
		}
	}
	return false
}

// askForMissing sends the NACKs that are due (RFC 4585 section 6.2.1).
func (p *Peer) askForMissing(now int64) {
	for _, s := range p.slots {
		if len(s.missing.packets) == 0 {
			continue
		}
		var due []uint16
		kept := s.missing.packets[:0]
		for _, l := range s.missing.packets {
			if l.nextAt <= now {
				if l.tries++; l.tries > nackTries {
					p.engine.totals.GivenUp++
					continue
				}
				l.nextAt = now + nackInterval
				due = append(due, l.sequence)
			}
			kept = append(kept, l)
		}
		if gaveUp := len(kept) < len(s.missing.packets); gaveUp {
			p.askForKeyFrame(s.media.ssrc)
		}
		s.missing.packets = kept
		if len(kept) == 0 {
			p.missing--
		}
		if len(due) > 0 {
			p.engine.totals.NACKsSent++
			p.sendRTCP(&rtcp.TransportLayerNack{SenderSSRC: p.senderSSRC(), MediaSSRC: s.media.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(due)})
		}
	}
}

func (p *Peer) askForKeyFrame(ssrc uint32) {
	p.engine.totals.PLIsSent++
	p.sendRTCP(&rtcp.PictureLossIndication{SenderSSRC: p.senderSSRC(), MediaSSRC: ssrc})
}

// senderSSRC is who we are in our reports; a peer that sends nothing says 1, as browsers do.
func (p *Peer) senderSSRC() uint32 {
	if len(p.sources) == 0 {
		return 1
	}
	return p.sources[0].ssrc
}

// reportTransport sends the arrival times of what came in since the last report.
func (p *Peer) reportTransport() {
	for p.recorder.Pending() > 0 {
		p.sendSealedRTCP(p.recorder.Append(p.engine.packet[:0], p.senderSSRC(), p.anyMedia))
	}
}

// report sends sender and receiver reports (RFC 3550 section 6.4).
func (p *Peer) report(now int64) {
	var blocks []rtcp.ReceptionReport
	for _, st := range p.streams {
		if st.rtx || st.packets == 0 {
			continue
		}
		blocks = append(blocks, st.reception())
	}
	var packets []rtcp.Packet
	for _, s := range p.sources {
		if s.started {
			packets = append(packets, &rtcp.SenderReport{
				SSRC: s.ssrc, NTPTime: ntpTime(time.Now()), RTPTime: s.rtpTime(now),
				PacketCount: uint32(s.index), OctetCount: s.octets,
			})
		}
	}
	for len(blocks) > 0 {
		n := min(len(blocks), 31)
		packets = append(packets, &rtcp.ReceiverReport{SSRC: p.senderSSRC(), Reports: blocks[:n]})
		blocks = blocks[n:]
	}
	packets = append(packets, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: p.senderSSRC(), Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: p.cname}},
	}}})
	p.sendRTCP(packets...)
}

// reception is the report block of a stream.
func (st *stream) reception() rtcp.ReceptionReport {
	c := st.sequence.Counts()
	expected, received := c.Expected-st.reported.expected, c.Received-st.reported.received
	st.reported = reception{c.Expected, c.Received}
	fraction := uint8(0)
	if expected > received {
		fraction = uint8((expected - received) * 255 / expected)
	}
	return rtcp.ReceptionReport{
		SSRC: st.ssrc, FractionLost: fraction, TotalLost: uint32(min(c.Lost(), 1<<23-1)), LastSequenceNumber: st.sequence.Highest(),
	}
}

// rtpTime is the RTP timestamp that belongs to now. The timestamp of the next frame is known, and when it is due.
func (s *source) rtpTime(now int64) uint32 {
	clock := int64(90000)
	if s.kind == synth.Voice {
		clock = 48000
	}
	return s.timestamp - uint32((s.next-now)*clock/int64(time.Second))
}

// ntpTime is a time in the format of RFC 3550 section 4.
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2_208_988_800
	fraction, _ := bits.Div64(uint64(t.Nanosecond()), 0, uint64(time.Second))
	return uint64(t.Unix()+from1900to1970)<<32 | fraction>>32
}

func (p *Peer) sendRTCP(packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		p.engine.totals.SendErrors++
		return
	}
	p.sendSealedRTCP(raw)
}

func (p *Peer) sendSealedRTCP(raw []byte) {
	sealed, err := p.keys.out.EncryptRTCP(p.engine.sealed, raw, nil)
	if err != nil {
		p.engine.totals.SendErrors++
		return
	}
	p.send(sealed)
}

// takeFeedback acts on what the server says of our streams.
func (p *Peer) takeFeedback(raw []byte) {
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		p.engine.totals.BrokenRTCP++
		return
	}
	t := &p.engine.totals
	for _, packet := range packets {
		switch r := packet.(type) {
		case *rtcp.PictureLossIndication:
			t.PLIs++
			p.wantKeyFrame(r.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, entry := range r.FIR {
				t.PLIs++
				p.wantKeyFrame(entry.SSRC)
			}
		case *rtcp.TransportLayerNack:
			t.NACKs++
			if s := p.source(r.MediaSSRC); s != nil && s.history != nil {
				for _, pair := range r.Nacks {
					pair.Range(func(sequence uint16) bool { s.retransmit(sequence); return true })
				}
			}
		case *rtcp.TransportLayerCC:
			t.TransportReports++
		case *rtcp.ReceiverReport:
			p.hearReports(r.Reports)
		case *rtcp.SenderReport:
			t.SenderReports++
			p.hearReports(r.Reports)
		}
	}
}

// hearReports notes which of our SSRCs the server knows.
func (p *Peer) hearReports(blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		if s := p.source(b.SSRC); s != nil {
			s.known = true
		}
	}
}

func (p *Peer) wantKeyFrame(ssrc uint32) {
	if s := p.source(ssrc); s != nil && s.video != nil {
		s.keyAsked = true
	}
}

func (p *Peer) source(ssrc uint32) *source {
	for _, s := range p.sources {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}
