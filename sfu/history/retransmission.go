package history

import "encoding/binary"

// OSN splits the payload of a retransmission (RFC 4588 section 4) into the original sequence number and the original
// payload, which aliases it. It is false if nothing was retransmitted: senders probe for bandwidth with empty ones.
func OSN(payload []byte) (seq uint16, original []byte, ok bool) {
	if len(payload) <= 2 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(payload), payload[2:], true
}
