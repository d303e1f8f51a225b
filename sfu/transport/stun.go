package transport

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"hash/crc32"

	"github.com/pion/stun/v4"

	"tarasul/sfu/udp"
)

// The wire format of STUN (RFC 8489 section 5). The numbers are pion/stun's; the parsing is
// not, because its integrity check writes into the datagram and beyond its end, where in a
// receive buffer the next datagram begins, and because a check shall not allocate.
const (
	stunHeader      = 20
	stunCookie      = 0x2112A442
	attributeHeader = 4
	integritySize   = 20 // HMAC-SHA1
	fingerprintSize = 4
	fingerprintXOR  = 0x5354554e // RFC 8489 section 14.7

	bindingRequest = 0x0001
	bindingSuccess = 0x0101
	bindingError   = 0x0111

	roleConflict     = 487 // RFC 8445 section 7.3.1.1
	unknownAttribute = 420 // RFC 8489 section 6.3.1

	maxUnknown = 8 // that many attributes are named in a 420
)

// IsSTUN reports whether a datagram is a STUN message (RFC 7983; RFC 8489 section 5).
func IsSTUN(datagram []byte) bool {
	return len(datagram) >= stunHeader && datagram[0] < 4 && binary.BigEndian.Uint32(datagram[4:]) == stunCookie
}

// Username returns the local ufrag, which is the first half of the USERNAME of a binding
// request, as a part of msg. The loop finds the agent by it; nothing is verified yet.
func Username(msg []byte) (ufrag []byte, ok bool) {
	if !IsSTUN(msg) || binary.BigEndian.Uint16(msg) != bindingRequest {
		return nil, false
	}
	for b := msg[stunHeader:]; ; {
		kind, value, rest, ok := attribute(b)
		if !ok {
			return nil, false
		}
		if kind == stun.AttrUsername {
			for i, c := range value {
				if c == ':' {
					return value[:i], true
				}
			}
			return nil, false
		}
		b = rest
	}
}

// attribute takes the first attribute off b; values are padded to four bytes.
func attribute(b []byte) (kind stun.AttrType, value, rest []byte, ok bool) {
	if len(b) < attributeHeader {
		return 0, nil, nil, false
	}
	size := int(binary.BigEndian.Uint16(b[2:]))
	end := attributeHeader + (size+3)&^3
	if end > len(b) {
		return 0, nil, nil, false
	}
	return stun.AttrType(binary.BigEndian.Uint16(b)), b[attributeHeader : attributeHeader+size], b[end:], true
}

// request is what a connectivity check says (RFC 8445 section 7.1).
type request struct {
	username     []byte
	integrity    []byte // the value of MESSAGE-INTEGRITY
	signed       int    // how many bytes of the message it covers
	useCandidate bool
	controlled   bool // the peer believes itself to be controlled
	unknown      [maxUnknown]stun.AttrType
	unknowns     int
}

// parse reads a binding request. What stands behind MESSAGE-INTEGRITY is not covered by it
// and is not read, except for FINGERPRINT, which if present must be last and right.
func (r *request) parse(msg []byte) bool {
	if int(binary.BigEndian.Uint16(msg[2:])) != len(msg)-stunHeader {
		return false
	}
	for at := stunHeader; at < len(msg); {
		kind, value, rest, ok := attribute(msg[at:])
		if !ok {
			return false
		}
		switch {
		case kind == stun.AttrFingerprint:
			return len(rest) == 0 && len(value) == fingerprintSize &&
				binary.BigEndian.Uint32(value) == crc32.ChecksumIEEE(msg[:at])^fingerprintXOR
		case r.integrity != nil:
		case kind == stun.AttrMessageIntegrity:
			if len(value) != integritySize {
				return false
			}
			r.integrity, r.signed = value, at
		case kind == stun.AttrUsername:
			r.username = value
		case kind == stun.AttrUseCandidate:
			r.useCandidate = true
		case kind == stun.AttrICEControlled:
			r.controlled = true
		case !understood(kind) && r.unknowns < maxUnknown:
			r.unknown[r.unknowns] = kind
			r.unknowns++
		}
		at = len(msg) - len(rest)
	}
	return true
}

// understood reports whether an attribute may stand in a request that we answer: it can be
// ignored (RFC 8489 section 14), or we know what it means.
func understood(kind stun.AttrType) bool {
	switch kind {
	case stun.AttrPriority, stun.AttrMessageIntegritySHA256, stun.AttrMappedAddress, stun.AttrXORMappedAddress, stun.AttrErrorCode,
		stun.AttrUnknownAttributes, stun.AttrRealm, stun.AttrNonce, stun.AttrUserhash, stun.AttrPasswordAlgorithm:
		return true
	}
	return kind >= 0x8000
}

// signature is the HMAC of the first signed bytes of a message, its header's length counting
// the MESSAGE-INTEGRITY that follows (RFC 8489 section 14.5). scratch keeps what is handed
// to the hash off the heap; the result lies in it.
type signature struct {
	mac     hash.Hash
	scratch [stunHeader + integritySize]byte
}

func (s *signature) of(msg []byte) []byte {
	s.mac.Reset()
	header := s.scratch[:stunHeader]
	copy(header, msg)
	binary.BigEndian.PutUint16(header[2:], uint16(len(msg)-stunHeader+attributeHeader+integritySize))
	s.mac.Write(header)
	s.mac.Write(msg[stunHeader:])
	return s.mac.Sum(s.scratch[stunHeader:stunHeader])
}

// verify reports whether the request is signed with the password.
func (s *signature) verify(msg []byte, r *request) bool {
	return hmac.Equal(s.of(msg[:r.signed]), r.integrity)
}

// begin starts a response to request: its header, with its transaction id.
func begin(to, request []byte, kind uint16) []byte {
	to = binary.BigEndian.AppendUint16(to, kind)
	to = append(to, 0, 0)
	return append(to, request[4:stunHeader]...)
}

// finish signs a response, adds its fingerprint and fills in its length.
func (s *signature) finish(msg []byte) []byte {
	sum := s.of(msg)
	msg = append(binary.BigEndian.AppendUint32(msg, uint32(stun.AttrMessageIntegrity)<<16|integritySize), sum...)
	length := len(msg) - stunHeader + attributeHeader + fingerprintSize
	binary.BigEndian.PutUint16(msg[2:], uint16(length))
	sumCRC := crc32.ChecksumIEEE(msg) ^ fingerprintXOR
	msg = binary.BigEndian.AppendUint32(msg, uint32(stun.AttrFingerprint)<<16|fingerprintSize)
	return binary.BigEndian.AppendUint32(msg, sumCRC)
}

// appendXORMapped tells the peer the address that its request came from (RFC 8489 section 14.2):
// XORed with the cookie and the transaction id, so that no middlebox rewrites it.
func appendXORMapped(to, request []byte, a udp.Addr) []byte {
	const v4, v6 = 1, 2
	ip, family := a.IP[:], byte(v6)
	if addr := a.AddrPort().Addr(); addr.Is4() {
		ip, family = a.IP[12:], v4
	}
	to = binary.BigEndian.AppendUint32(to, uint32(stun.AttrXORMappedAddress)<<16|uint32(4+len(ip)))
	to = append(to, 0, family)
	to = binary.BigEndian.AppendUint16(to, a.Port^stunCookie>>16)
	for i, x := range ip {
		to = append(to, x^request[4+i])
	}
	return to
}

// appendError adds an ERROR-CODE (RFC 8489 section 14.8).
func appendError(to []byte, code int, reason string) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(stun.AttrErrorCode)<<16|uint32(4+len(reason)))
	to = append(to, 0, 0, byte(code/100), byte(code%100))
	to = append(to, reason...)
	return pad(to)
}

// appendUnknown adds UNKNOWN-ATTRIBUTES (RFC 8489 section 14.13).
func appendUnknown(to []byte, kinds []stun.AttrType) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(stun.AttrUnknownAttributes)<<16|uint32(2*len(kinds)))
	for _, k := range kinds {
		to = binary.BigEndian.AppendUint16(to, uint16(k))
	}
	return pad(to)
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
