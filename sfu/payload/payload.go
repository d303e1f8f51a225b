// Package payload reads what a selective forwarder must know of a media payload: may a decoder begin here, which layer
// is it, where does a frame begin and end, and which counters does it carry that must stay continuous for a receiver.
//
// It reads descriptors only, never decodes, and must never know of sockets, sessions, sequence numbers or time. Payloads
// come from the network: every function takes any bytes without panicking and without allocating.
package payload

// Descriptor is what one packet's payload says about itself. A codec that does not say a thing leaves it zero.
type Descriptor struct {
	// KeyFrame says that the packet belongs to the start of a key frame: with FrameStart, a decoder may begin here.
	// Audio is always one.
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
	// frame. Bit TargetBit(s, t) of Present: who watches layers up to s, t needs this frame. Of Switch: who received this
	// frame may watch s, t from here on. Both are 0 without a dependency descriptor.
	Present, Switch uint32
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
// payload is malformed: such a packet cannot be decoded by anyone and should not be forwarded.
func Parse(c Codec, payload []byte, d *Descriptor) bool {
	*d = Descriptor{}
	return false
}

// MaxRewritten is the longest prefix that Rewrite makes.
const MaxRewritten = 40

// Rewrite writes a payload descriptor with other numbers into dst and returns its length and how many bytes of the
// source payload it replaces: dst[:n] followed by payload[replaced:] is the new payload. d is what Parse said of payload.
// VP8 and VP9 picture ids of 7 bits become 15 bits wide, so n may be replaced+1. For codecs whose payload has no counters, or without counters in
// this packet, both are 0: the payload goes as it is. dst should have MaxRewritten bytes; if it is too short both are 0.
func Rewrite(c Codec, dst []byte, payload []byte, d *Descriptor, n Numbers) (written, replaced int) {
	return 0, 0
}
