//go:build linux && (amd64 || arm64)

package udp

import "net/netip"

// Addr is a UDP address as the loop compares it: an IPv4 address is kept in its IPv6-mapped form, so that the same
// client has the same Addr whichever family the socket has. It is comparable and holds no pointer, which keeps a map
// keyed by it cheap and out of the garbage collector's sight. The zone of a link-local address is not kept.
type Addr struct {
	IP   [16]byte
	Port uint16
}

// AddrOf converts from netip's form.
func AddrOf(a netip.AddrPort) Addr {
	return Addr{IP: a.Addr().As16(), Port: a.Port()}
}

// AddrPort converts to netip's form; a mapped IPv4 address comes out as IPv4.
func (a Addr) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.IP).Unmap(), a.Port)
}

// IsValid reports whether a can be sent to: it has an address and a port.
func (a Addr) IsValid() bool { return a.Port != 0 && a.IP != [16]byte{} }

// Is4 reports whether a is an IPv4 address.
func (a Addr) Is4() bool { return [12]byte(a.IP[:12]) == [12]byte{10: 0xff, 11: 0xff} }

// String is "192.0.2.1:5000" or "[2001:db8::1]:5000".
func (a Addr) String() string { return a.AddrPort().String() }
