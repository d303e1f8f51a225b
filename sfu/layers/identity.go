package layers

import "tarasul/sfu/payload"

// identity is the number of a frame, or of a picture with all its spatial layers, as far as the payload has one.
type identity struct {
	number uint16
	width  uint8 // bits; 0 = there is none
}

func identify(d *payload.Descriptor) identity {
	switch n := &d.Numbers; {
	case n.HasFrame:
		return identity{n.Frame, 16}
	case n.PictureBits != 0:
		return identity{n.Picture, n.PictureBits}
	}
	return identity{}
}

// before reports whether a frame precedes another one by so little (a second or two) that it only came late. What is
// further back is of a sender who began anew.
func (a identity) before(b identity) bool {
	if a.width == 0 || a.width != b.width {
		return false
	}
	distance := (b.number - a.number) << (16 - a.width) >> (16 - a.width)
	return distance > 0 && distance <= min(256, uint16(1)<<(a.width-2))
}
