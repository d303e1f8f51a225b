// Package payload reads what a selective forwarder must know of a media payload: may a decoder begin here, which layer
// is it, where does a frame begin and end, and which counters does it carry that must stay continuous for a receiver.
//
// It reads descriptors only, never decodes, and must never know of sockets, sessions, sequence numbers or time. Payloads
// come from the network: every function takes any bytes without panicking and without allocating.
package payload

// Descriptor is what one packet's payload says about itself. A codec that does not say a thing leaves it zero.
type Descriptor struct {
	// KeyFrame with FrameStart says that a decoder may begin with this packet. Later packets of a key frame are marked
	// only where the codec marks them. Audio always begins.
	KeyFrame bool
	// FrameStart and FrameEnd mark the first and the last packet of a frame; of a layer frame where a picture has
	// spatial layers. VP8, H264 and AV1 say the end only by the RTP marker, which the caller adds.
	FrameStart, FrameEnd bool
	// Spatial and Temporal are the layer of the frame.
	Spatial, Temporal uint8
	// Sync says that the frame refers to nothing above temporal layer 0 (VP8's Y bit on a higher layer): who receives
	// the layer below may take in this layer from here on.
	Sync bool
	// SwitchUp says that no later frame of a higher temporal layer refers to such a frame before this one (VP9's U bit):
	// who receives this frame's layer may take in all higher ones after it.
	SwitchUp bool
	// Discardable says that no other frame refers to this one, as far as the payload says (VP8's N bit).
	Discardable bool
	// NotForUpper says that this and the following pictures' higher spatial layers do not refer to this layer (VP9's Z bit).
	NotForUpper bool
	// SpatialLayers is the number of spatial layers of the stream, where this packet says it (VP9's scalability
	// structure, the dependency descriptor); else 0.
	SpatialLayers uint8
	// Present and Switch come from the dependency descriptor, which says for each decode target whether it needs the
	// frame. Bit TargetBit(s, t) of Present: who watches layers up to s, t needs this frame. Of Switch: who could decode
	// this frame may watch s, t from here on. What is not produced itself is served by the nearest below. Active has the
	// bits of what is produced. All three mean nothing without HasTargets.
	Present, Switch, Active uint32
	HasTargets              bool
	// Width and Height are the size in pixels that a VP8 or VP9 key frame or an AV1 template structure announces.
	Width, Height uint16
	// HeaderLen is the length in bytes of the payload descriptor in front of the codec's own data (VP8, VP9).
	HeaderLen uint8
	// Numbers are the counters that a subscriber must see without jumps.
	Numbers Numbers
}

// Numbers are the counters inside a video payload. Package rewrite has a type with the same fields, so that one converts
// into the other: rewrite.Numbers(d.Numbers).
type Numbers struct {
	Picture     uint16 // picture id
	PictureBits uint8  // its width, 7 or 15; 0 = there is none
	TL0         uint8  // TL0PICIDX
	Key         uint8  // KEYIDX, 5 bits
	HasTL0      bool
	HasKey      bool
	// Dense says that pictures which are deliberately not sent must not leave holes in the picture ids (VP8, whose
	// receivers wait for a hole). VP9 and the dependency descriptor refer to pictures by difference: there holes must stay.
	Dense    bool
	HasFrame bool
	Frame    uint16 // frame number of the dependency descriptor
}

// TargetBit is the bit of Descriptor.Present and Switch for a watcher of layers up to spatial (0..3), temporal (0..7).
func TargetBit(spatial, temporal uint8) uint32 {
	return 1 << (uint32(spatial&3)<<3 | uint32(temporal&7))
}

// Parse reads what the payload of one RTP packet says about itself into d, which it clears first. It is false if the
// payload is empty or malformed: such a packet cannot be decoded by anyone and should not be forwarded.
func Parse(c Codec, payload []byte, d *Descriptor) bool {
	*d = Descriptor{}
	if len(payload) == 0 {
		return false
	}
	switch c {
	case Opus:
		d.KeyFrame, d.FrameStart, d.FrameEnd = true, true, true
		return true
	case RED:
		d.KeyFrame, d.FrameStart, d.FrameEnd = true, true, true
		_, _, ok := Primary(payload)
		return ok
	case VP8:
		return parseVP8(payload, d)
	case VP9:
		return parseVP9(payload, d)
	case H264:
		return parseH264(payload, d)
	case AV1:
		return parseAV1(payload, d)
	}
	return false
}

// MaxRewritten is the longest prefix that Rewrite makes.
const MaxRewritten = 6

// Rewrite writes the head of a payload with other numbers into dst and returns its length and how many bytes of the
// source it replaces: dst[:written] and then payload[replaced:] are the new payload. d is what Parse said of payload, n
// what rewrite.Rewriter made of d.Numbers. Picture ids come out 15 bits wide, so that written may be replaced+1. Both
// are 0 if there is nothing to rewrite, which is the case of all codecs but VP8 and VP9, or if dst is shorter than
// MaxRewritten: the payload then goes as it is.
func Rewrite(c Codec, dst, payload []byte, d *Descriptor, n Numbers) (written, replaced int) {
	if d.Numbers.PictureBits == 0 && !d.Numbers.HasTL0 && !d.Numbers.HasKey || len(dst) < MaxRewritten || len(payload) < int(d.HeaderLen) {
		return 0, 0
	}
	switch c {
	case VP8:
		return rewriteVP8(dst, payload, d, n)
	case VP9:
		return rewriteVP9(dst, payload, d, n)
	}
	return 0, 0
}

// putPicture writes a picture id as VP8 and VP9 have it, 15 bits wide.
func putPicture(dst []byte, id uint16) int {
	dst[0], dst[1] = 0x80|byte(id>>8), byte(id)
	return 2
}

// picture reads a picture id at the front of b into n and returns its length, 0 if b is too short.
func picture(b []byte, n *Numbers) int {
	switch {
	case len(b) >= 1 && b[0]&0x80 == 0:
		n.Picture, n.PictureBits = uint16(b[0]), 7
		return 1
	case len(b) >= 2:
		n.Picture, n.PictureBits = uint16(b[0]&0x7f)<<8|uint16(b[1]), 15
		return 2
	}
	return 0
}
