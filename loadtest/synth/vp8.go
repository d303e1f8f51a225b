package synth

import "math/rand/v2"

// MaxPayload is the most bytes of a frame in one packet, so that headers, extensions and SRTP's tag stay below 1200 in all.
const MaxPayload = 1150

// VideoConfig says what a Video is like.
type VideoConfig struct {
	Bitrate       int // of the frames, in bits per second
	FrameRate     int // frames per second
	Width, Height int
	Temporal      int // temporal layers: 1, 2 or 3
	Seed          uint64
}

// Video makes the frames of one encoding. Sizes vary from frame to frame as an encoder's do, a key frame is four times as
// large as the others, and the mean over a second or two is the bit rate that was asked for.
type Video struct {
	cfg    VideoConfig
	random *rand.Rand
	key    []byte    // the tag and first partition of a key frame
	inter  [3][]byte // those of a frame of each temporal layer
	mean   float64   // bytes per frame
	debt   float64   // bytes sent beyond the bit rate

	frame     int // since the last key frame
	pictureID uint16
	tl0       uint8 // TL0PICIDX: counts frames of the lowest temporal layer
	keyIndex  uint8

	prefix  []byte // of the frame that is being sent
	size    int    // of its bytes
	packets int
	layer   int // its temporal layer
	isKey   bool
}

// NewVideo prepares an encoding; its first frame is a key frame.
func NewVideo(cfg VideoConfig) *Video {
	random := rand.New(rand.NewPCG(cfg.Seed, 0x76703876703876))
	v := &Video{
		cfg: cfg, random: random, mean: float64(cfg.Bitrate) / 8 / float64(cfg.FrameRate),
		pictureID: uint16(random.IntN(1 << 15)), tl0: uint8(random.IntN(1 << 8)), frame: -1,
		key: keyFrame(cfg.Width, cfg.Height),
	}
	for layer := range v.inter {
		v.inter[layer] = interFrame(cfg.Width, cfg.Height, layer)
	}
	return v
}

// temporalPattern is which layer a frame belongs to, by its place since the key frame (the usual patterns of browsers).
var temporalPattern = [4][4]int{1: {0, 0, 0, 0}, 2: {0, 1, 0, 1}, 3: {0, 2, 1, 2}}

// Next goes on to the next frame, a key frame if key is set (the first one always is), and says how many packets it has.
func (v *Video) Next(key bool) (packets int) {
	v.frame++
	v.isKey = key || v.frame == 0
	if v.isKey {
		v.frame = 0
		v.keyIndex = (v.keyIndex + 1) & 31
	}
	v.layer = temporalPattern[v.cfg.Temporal][v.frame%4]
	v.pictureID = (v.pictureID + 1) & 0x7fff
	if v.layer == 0 {
		v.tl0++
	}
	want := v.mean * (1 + 0.25*min(max(v.random.NormFloat64(), -2), 2))
	v.prefix = v.inter[v.layer]
	if v.isKey {
		want *= 4
		v.prefix = v.key
	} else {
		want = max(want-v.debt/8, want/2)
	}
	v.size = max(int(want), len(v.prefix)+StampSize)
	v.debt += float64(v.size) - v.mean
	v.packets = (v.size + MaxPayload - 1) / MaxPayload
	return v.packets
}

// Key reports whether the present frame is a key frame.
func (v *Video) Key() bool { return v.isKey }

// descriptorSize is that of Append: X, I and L and T and K, a picture ID of 15 bits, TL0PICIDX, TID and KEYIDX.
const descriptorSize = 6

// Append appends packet i of the present frame to dst: the VP8 payload descriptor (RFC 7741 section 4.2) and its share of
// the frame, with the stamp at its end. Packets of a frame are of equal size, but for one byte. Where a large key frame's
// first partition fills a whole packet, that one has no stamp.
func (v *Video) Append(dst []byte, i int, stamp Stamp) []byte {
	first := byte(0x80)
	if i == 0 {
		first |= 0x10 // S: start of the partition
	}
	if v.layer == v.cfg.Temporal-1 && v.layer > 0 {
		first |= 0x20 // N: no frame refers to this one
	}
	sync := byte(0)
	if v.layer > 0 && !v.isKey {
		sync = 0x20 // Y: our upper layers refer to the lowest only
	}
	dst = append(dst, first, 0xf0, 0x80|byte(v.pictureID>>8), byte(v.pictureID), v.tl0, byte(v.layer)<<6|sync|v.keyIndex)
	from, to := v.size*i/v.packets, v.size*(i+1)/v.packets
	start := len(dst)
	if from < len(v.prefix) {
		dst = append(dst, v.prefix[from:min(to, len(v.prefix))]...)
	}
	for n := to - from - (len(dst) - start); n > 0; n -= len(filler) {
		dst = append(dst, filler[:min(n, len(filler))]...)
	}
	if to-StampSize >= len(v.prefix) {
		stamp.Put(dst)
	}
	return dst
}

// filler stands where an encoder's coefficients would: no macroblock has any, so no decoder reads it.
var filler [MaxPayload]byte

// keyFrame returns the uncompressed header and the first partition of a key frame (RFC 6386 sections 9 and 19.2) whose
// macroblocks are all predicted from their neighbours with nothing added: grey. The second partition, that of the
// coefficients, is never read and may be anything.
func keyFrame(width, height int) []byte {
	c := newBoolCoder()
	c.literal(1, 0) // color_space
	c.literal(1, 0) // clamping_type
	frameHeader(c)
	c.literal(1, 1) // refresh_entropy_probs
	coefficientHeader(c)
	for range macroblocks(width) * macroblocks(height) {
		c.bit(1, true) // mb_skip_coeff
		// DC_PRED in the trees of key frames (section 11.2), luma then chroma.
		c.bit(145, true)
		c.bit(156, false)
		c.bit(163, false)
		c.bit(142, false)
	}
	partition := c.bytes()
	b := frameTag(0, len(partition))
	b = append(b, 0x9d, 0x01, 0x2a, byte(width), byte(width>>8), byte(height), byte(height>>8))
	return append(b, partition...)
}

// interFrame is the same for a frame that repeats the last one: every macroblock is taken from it without motion. What it
// is kept as follows from its temporal layer: 0 as the last frame, 1 as the golden one, 2 not at all.
func interFrame(width, height, layer int) []byte {
	c := newBoolCoder()
	frameHeader(c)
	golden := layer == 1
	c.bit(128, golden) // refresh_golden_frame
	c.literal(1, 0)    // refresh_alternate_frame
	if !golden {
		c.literal(2, 0) // copy_buffer_to_golden
	}
	c.literal(2, 0)        // copy_buffer_to_alternate
	c.literal(2, 0)        // sign biases
	c.literal(1, 1)        // refresh_entropy_probs
	c.bit(128, layer == 0) // refresh_last
	coefficientHeader(c)
	c.literal(8, 1)   // prob_intra
	c.literal(8, 255) // prob_last
	c.literal(8, 128) // prob_gf
	c.literal(1, 0)   // intra_16x16_prob_update
	c.literal(1, 0)   // intra_chroma_prob_update
	for _, p := range motionUpdateProbs {
		c.bit(p, false)
	}
	for y := range macroblocks(height) {
		for x := range macroblocks(width) {
			c.bit(1, true)    // mb_skip_coeff
			c.bit(1, true)    // is_inter_mb
			c.bit(255, false) // the last frame
			// Neighbours without motion count 2 above, 2 to the left and 1 between (section 16.3); outside there are none.
			neighbours := 0
			if y > 0 {
				neighbours += 2
			}
			if x > 0 {
				neighbours += 2
			}
			if x > 0 && y > 0 {
				neighbours++
			}
			c.bit(zeroMotionProbs[neighbours], false)
		}
	}
	partition := c.bytes()
	return append(frameTag(1, len(partition)), partition...)
}

// frameTag is the first three bytes of a frame (section 9.1): shown, version 0.
func frameTag(inter, firstPartition int) []byte {
	tag := inter | 1<<4 | firstPartition<<5
	return []byte{byte(tag), byte(tag >> 8), byte(tag >> 16)}
}

// frameHeader is what key frames and others have alike (sections 9.3 to 9.6).
func frameHeader(c *boolCoder) {
	c.literal(1, 0) // segmentation_enabled
	c.literal(1, 0) // filter_type
	c.literal(6, 0) // loop_filter_level: off
	c.literal(3, 0) // sharpness_level
	c.literal(1, 0) // loop_filter_adj_enable
	c.literal(2, 0) // log2_nbr_of_dct_partitions
	c.literal(7, 0) // y_ac_qi
	c.literal(5, 0) // no deltas of the quantizers
}

// coefficientHeader leaves all token probabilities as they are, and says that macroblocks may have no coefficients.
func coefficientHeader(c *boolCoder) {
	for _, p := range tokenUpdateProbs {
		c.bit(p, false)
	}
	c.literal(1, 1) // mb_no_coeff_skip
	c.literal(8, 1) // prob_skip_false
}

func macroblocks(pixels int) int { return (pixels + 15) / 16 }
