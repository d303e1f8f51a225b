package synth

import "math/rand/v2"

// OpusConfig says what an Opus stream is like.
type OpusConfig struct {
	Bitrate int // in bits per second; a packet is 20 ms
	Seed    uint64
}

// Opus makes the packets of one voice. Their sizes vary, as they do with a variable bit rate.
type Opus struct {
	random *rand.Rand
	mean   float64
}

// OpusPacketsPerSecond follows from packets of 20 ms.
const OpusPacketsPerSecond = 50

// minOpus is a packet with nothing but silence and a stamp.
const minOpus = 5 + StampSize

// NewOpus prepares a voice.
func NewOpus(cfg OpusConfig) *Opus {
	return &Opus{random: rand.New(rand.NewPCG(cfg.Seed, 0x6f707573)), mean: float64(cfg.Bitrate) / 8 / OpusPacketsPerSecond}
}

// Append appends one packet to dst: a frame of digital silence, and padding (RFC 6716 section 3.2.5) that holds the stamp.
func (o *Opus) Append(dst []byte, stamp Stamp) []byte {
	return appendOpus(dst, max(int(o.mean*(1+0.15*min(max(o.random.NormFloat64(), -2), 2))), minOpus), stamp)
}

// AppendQuiet appends the packet that is sent now and then while nobody speaks.
func (o *Opus) AppendQuiet(dst []byte, stamp Stamp) []byte { return appendOpus(dst, minOpus, stamp) }

func appendOpus(dst []byte, size int, stamp Stamp) []byte {
	const toc = 31<<3 | 3 // CELT, full band, 20 ms, mono; an arbitrary number of frames
	dst = append(dst, toc, 0x40|1)
	padding, rest := 0, size-4 // without TOC, count and frame
	for rest > 255 {
		dst = append(dst, 255) // 254 bytes of padding, and another length
		padding += 254
		rest -= 255
	}
	dst = append(dst, byte(rest-1), 0xff, 0xfe)
	padding += rest - 1
	for ; padding > 0; padding -= len(filler) {
		dst = append(dst, filler[:min(padding, len(filler))]...)
	}
	stamp.Put(dst)
	return dst
}
