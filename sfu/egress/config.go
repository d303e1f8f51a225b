//go:build linux && (amd64 || arm64)

package egress

import (
	"errors"
	"fmt"

	"tarasul/sfu/udp"
)

// PacketMax is the size in bytes, sealed, of the largest packet that is sent. What does not fit an Ethernet frame as one
// datagram, 1472 bytes over IPv4 and 1452 over IPv6, is sent alone and unpadded, and IP takes it apart.
const PacketMax = 1500

// Config is how a Sender forms runs. 0 means the default.
type Config struct {
	PaddingMax  int // most bytes of RTP padding that a packet gets to fit into a run, up to 255; default 40, -1 for none
	SegmentsMax int // most datagrams in a run, up to 64; default 40, 1 for no runs
	BytesMax    int // most bytes in a run, from PacketMax to 65000; default 60000
}

// Validate fills in the defaults and reports all mistakes at once.
func (c *Config) Validate() error {
	if c.PaddingMax == 0 {
		c.PaddingMax = 40
	}
	if c.SegmentsMax == 0 {
		c.SegmentsMax = 40
	}
	if c.BytesMax == 0 {
		c.BytesMax = 60000
	}
	var wrong []error
	if c.PaddingMax < -1 || c.PaddingMax > 255 {
		wrong = append(wrong, fmt.Errorf("padding of %d bytes, want -1 to 255", c.PaddingMax))
	}
	if c.SegmentsMax < 1 || c.SegmentsMax > udp.SegmentsMax {
		wrong = append(wrong, fmt.Errorf("runs of %d datagrams, want 1 to %d", c.SegmentsMax, udp.SegmentsMax))
	}
	if c.BytesMax < PacketMax || c.BytesMax > 65000 {
		wrong = append(wrong, fmt.Errorf("runs of %d bytes, want %d to 65000", c.BytesMax, PacketMax))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("egress: %w", errors.Join(wrong...))
	}
	return nil
}
