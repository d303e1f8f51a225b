package payload

// Codec is a media format that the core can carry.
type Codec uint8

// The codecs. None is the zero value: nothing negotiated.
const (
	None Codec = iota
	Opus
	RED // RFC 2198 around Opus
	VP8
	VP9
	H264
	AV1
	Codecs // how many there are, None included
)

// String is the encoding name of the codec's rtpmap.
func (c Codec) String() string {
	switch c {
	case Opus:
		return "opus"
	case RED:
		return "red"
	case VP8:
		return "VP8"
	case VP9:
		return "VP9"
	case H264:
		return "H264"
	case AV1:
		return "AV1"
	}
	return "none"
}

// ClockRate is the RTP clock of the codec in ticks per second, 0 for None.
func (c Codec) ClockRate() uint32 {
	switch c {
	case Opus, RED:
		return 48000
	case VP8, VP9, H264, AV1:
		return 90000
	}
	return 0
}

// Video reports whether the codec carries pictures.
func (c Codec) Video() bool { return c >= VP8 && c <= AV1 }
