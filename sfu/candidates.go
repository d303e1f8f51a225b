package sfu

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"tarasul/sfu/transport"
)

// advertised is what browsers are told to reach us by: the configured addresses, else the
// one that is bound, else those of the machine's interfaces. Private and loopback
// addresses are as good as any: this network has no others. Loopback comes last.
func advertised(bound netip.Addr, configured []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range configured {
		ip, err := netip.ParseAddr(a)
		if err != nil {
			return nil, fmt.Errorf("advertise %q: %w", a, err)
		}
		out = append(out, ip)
	}
	if len(out) > 0 {
		return out, nil
	}
	if !bound.IsUnspecified() {
		return []netip.Addr{bound}, nil
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("addresses of this machine: %w", err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue // the interface has gone since it was listed
		}
		for _, a := range addresses {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			ip := prefix.Addr().Unmap()
			if ip.IsLinkLocalUnicast() || ip.IsMulticast() || (bound.Is4() && !ip.Is4()) {
				continue
			}
			out = append(out, ip)
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	if len(out) == 0 {
		return nil, fmt.Errorf("this machine has no address; set media.advertise")
	}
	return out, nil
}

func rank(a netip.Addr) int {
	switch {
	case a.IsLoopback():
		return 2
	case a.Is6():
		return 1
	}
	return 0
}

// candidates are the addresses with a shard's port: UDP first, then TCP.
func candidates(addresses []netip.Addr, port uint16, tcp bool) []transport.Candidate {
	var out []transport.Candidate
	for _, a := range addresses {
		out = append(out, transport.Candidate{Addr: netip.AddrPortFrom(a, port)})
	}
	if tcp {
		for _, a := range addresses {
			out = append(out, transport.Candidate{Addr: netip.AddrPortFrom(a, port), TCP: true})
		}
	}
	return out
}
