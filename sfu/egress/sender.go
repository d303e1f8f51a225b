//go:build linux && (amd64 || arm64)

package egress

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"tarasul/sfu/udp"
)

const (
	// arenaSize is how many sealed bytes wait for the kernel at most.
	arenaSize = 256 << 10

	// gathered is how many packets wait for End at most; what is more is sealed before. It is enough for runs of all sizes,
	// and stays in the cache.
	gathered = 256

	// lookBack is how many packets a packet may overtake on its way to its place by size. It bounds the work per packet when
	// one destination gets a whole drain's packets.
	lookBack = 48

	// tagMax is more than any profile of SRTP or SRTCP adds to a packet; tagUsual is what the AEAD ones add to RTP.
	tagMax   = 32
	tagUsual = 16

	frame4 = 1472 // UDP payload of an Ethernet frame over IPv4
	frame6 = 1452
)

// Sender gathers what a turn of the loop sends. It belongs to one goroutine, and allocates nothing once it is made.
//
//	for each destination
//		Begin
//		Add, Add, ...   put in order of size
//		End             padded, sealed next to each other, runs noted
//	Flush               one sendmmsg
type Sender struct {
	socket   *udp.Socket
	out      *udp.Outbox
	segments int                        // most in a run
	bytes    int                        // most in a run
	padding  int32                      // most that a packet gets
	owners   [udp.Messages]*Destination // of the messages in out
	arena    []byte                     // sealed packets that out refers to
	used     int                        // bytes of arena

	// Since Begin.
	to       *Destination
	ready    bool // to can be sent to
	now      time.Time
	sendTime uint32 // now as abs-send-time
	stamp    uint32 // now as the destination's ring has it
	packets  []queued
	order    []place

	rtpHeader  rtp.Header  // scratch for pion/srtp
	rtcpHeader rtcp.Header // scratch for pion/srtp
}

// queued is a packet that waits for End.
type queued struct {
	Packet
	extension int
	wide      bool
}

// place is a packet's place in the order of leaving.
type place struct {
	size  int32 // bytes, unsealed and unpadded
	ssrc  uint32
	index int32 // of packets
}

// New makes a Sender that sends on socket.
func New(socket *udp.Socket, cfg Config) (*Sender, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Sender{
		socket: socket, out: udp.NewOutbox(socket), segments: cfg.SegmentsMax, bytes: cfg.BytesMax, padding: int32(max(cfg.PaddingMax, 0)),
		arena: make([]byte, arenaSize), packets: make([]queued, 0, gathered), order: make([]place, 0, gathered),
	}, nil
}

// Begin starts the packets of one destination. now is when they count as sent.
func (s *Sender) Begin(d *Destination, now time.Time) {
	s.to, s.now, s.ready = d, now, d.ready()
	if d.sent != nil {
		s.stamp = d.sent.stamp(now)
	}
	if d.extensions.AbsSendTime != 0 {
		// 6 bits of seconds and 18 of their fraction, of any clock.
		s.sendTime = uint32(uint64(now.Unix())<<18 + uint64(now.Nanosecond())<<18/1e9)
	}
}

// Add takes in one packet. p is copied; what its slices point at must stay as it is until End.
func (s *Sender) Add(p *Packet) {
	d := s.to
	if !s.ready {
		d.Counters.Dropped++
		return
	}
	extension, wide := d.extensionSize(p)
	size := headerSize + extension + p.PrefixLen + len(p.Payload)
	if size+tagUsual > PacketMax {
		d.Counters.Dropped++
		return
	}
	if len(s.packets) == gathered {
		s.End()
	}
	n := len(s.packets)
	s.packets = s.packets[:n+1]
	q := &s.packets[n]
	q.Packet, q.extension, q.wide = *p, extension, wide

	// Larger first, so that a run is one size and a shorter end; never past a packet of the same stream, whose numbers must
	// leave in their order. Lists are short (a mesh: 1 to 3 packets), and what comes is mostly in order already.
	at := place{size: int32(size), ssrc: p.SSRC, index: int32(n)}
	order := s.order[:n+1]
	i := n
	for stop := max(0, n-lookBack); i > stop && order[i-1].size < at.size && order[i-1].ssrc != at.ssrc; i-- {
		order[i] = order[i-1]
	}
	order[i] = at
	s.order = order
}

// End seals what was added since Begin, each packet once.
func (s *Sender) End() {
	if len(s.packets) == 0 {
		return
	}
	switch d := s.to; {
	case d.Stream != nil:
		s.stream(d)
	case s.segments > 1 && s.socket.Runs() && d.takesRuns(s.now):
		s.runs(d)
	default:
		s.singles(d)
	}
	clear(s.packets) // so that no publisher's buffer is held by a slot that is not used for a while
	s.packets, s.order = s.packets[:0], s.order[:0]
}

// stream hands the packets over in the order of Add: there is no run to gain.
func (s *Sender) stream(d *Destination) {
	for i := range s.packets {
		start := s.room(PacketMax + tagMax)
		n := s.seal(d, &s.packets[i], 0)
		if n > 0 && !d.Stream.Write(s.arena[start:start+n]) {
			d.Counters.Dropped++
		}
		s.used = start
	}
}

// singles notes every packet as a message of its own.
func (s *Sender) singles(d *Destination) {
	for i := range s.packets {
		start := s.room(PacketMax + tagMax)
		if n := s.seal(d, &s.packets[i], 0); n > 0 {
			s.note(d, start, 0)
		}
	}
}

// runs notes the packets, in their order of size, as runs: equal sizes, to which a packet is padded if that costs little, and
// one shorter packet at the end.
func (s *Sender) runs(d *Destination) {
	frame := int32(frame6)
	if d.Addr.Is4() {
		frame = frame4
	}
	order := s.order
	for len(order) > 0 {
		size := order[0].size
		most := min(s.segments, s.bytes/int(size+tagUsual), len(order))
		if size+tagUsual > frame {
			most = 1
		}
		start := s.room(most * int(size+tagMax))
		segment, last := 0, false
		for i := 0; i < most && !last; i++ {
			missing := size - order[0].size
			if missing < 0 {
				break
			}
			if last = missing > s.padding || i == most-1; last {
				missing = 0
			}
			n := s.seal(d, &s.packets[order[0].index], int(missing))
			if segment == 0 {
				segment = n
			}
			order = order[1:]
		}
		if s.used > start {
			s.note(d, start, segment)
		}
	}
}

// room makes sure that the arena has room for a number of bytes, and returns where.
func (s *Sender) room(bytes int) (start int) {
	if len(s.arena)-s.used < bytes {
		s.Flush()
	}
	return s.used
}

// seal writes and seals a packet at the end of the arena's used part and returns its size, 0 if it could not be sealed.
func (s *Sender) seal(d *Destination, q *queued, padding int) int {
	b := s.arena[s.used:]
	d.putHeader(b, &q.Packet, q.extension, q.wide, s.sendTime)
	n := headerSize + q.extension
	n += copy(b[n:], q.Prefix[:q.PrefixLen])
	n += copy(b[n:], q.Payload)
	if padding > 0 {
		b[0] |= 1 << 5
		clear(b[n : n+padding])
		n += padding
		b[n-1] = byte(padding) // RFC 3550 section 5.1: it counts itself
	}
	if d.Sealer != nil && q.Rollover != nil {
		n = d.Sealer.seal(b, headerSize+q.extension, n, q.SSRC, q.Seq, q.Rollover.of(q.Seq))
	} else {
		sealed, err := d.Seal.EncryptRTP(b[:n:n+tagMax], b[:n], &s.rtpHeader)
		if err != nil { // 2^48 packets under one key
			d.Counters.Dropped++
			return 0
		}
		n = len(sealed)
	}
	s.used += n
	if d.extensions.TransportCC != 0 {
		d.sent.put(d.transportSeq, s.stamp, n)
		d.transportSeq++
	}
	d.Counters.Packets++
	d.Counters.Bytes += uint64(n)
	d.Counters.Padding += uint64(padding)
	return n
}

// note hands the arena from start on to the outbox.
func (s *Sender) note(d *Destination, start, segment int) {
	first := s.out.Len()
	b := s.arena[start:s.used]
	if !s.out.Add(d.Addr, b, segment) {
		s.send()
		first = 0
		s.out.Add(d.Addr, b, segment)
	}
	for i := first; i < s.out.Len(); i++ { // more than one if the kernel does not know runs
		s.owners[i] = d
	}
}

// RTCP seals a compound RTCP packet for d and notes it; not between Begin and End. raw is free again on return.
func (s *Sender) RTCP(d *Destination, raw []byte) {
	if !d.ready() || len(raw)+tagMax > PacketMax {
		d.Counters.Dropped++
		return
	}
	start := s.room(PacketMax + tagMax)
	b := s.arena[start:]
	n := copy(b, raw)
	sealed, err := d.Seal.EncryptRTCP(b[:n:n+tagMax], b[:n], &s.rtcpHeader)
	if err != nil {
		d.Counters.Dropped++
		return
	}
	d.Counters.Packets++
	d.Counters.Bytes += uint64(len(sealed))
	if d.Stream != nil {
		if !d.Stream.Write(sealed) {
			d.Counters.Dropped++
		}
		return
	}
	s.used += len(sealed)
	s.note(d, start, 0)
}

// Flush sends what was sealed since the last Flush. Large turns are flushed on the way, whenever the arena is full.
func (s *Sender) Flush() {
	s.send()
	s.used = 0
}

// send hands the outbox to the kernel and tells the owners what became of their messages.
func (s *Sender) send() {
	n := s.out.Len()
	if n == 0 {
		return
	}
	s.socket.Send(s.out)
	if s.out.Clean() {
		return
	}
	for i, d := range s.owners[:n] {
		d.Counters.Dropped += uint64(s.out.Lost(i))
		if s.out.Refused(i) {
			d.refused, d.runsAgain = d.Addr, s.now.Add(runsAfter)
		}
	}
}
