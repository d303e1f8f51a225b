package packet

// Before reports whether sequence number a precedes b, modulo 2^16 (RFC 3550 appendix A.1). Numbers 2^15 apart have no
// order (RFC 1982 section 3.2): Before is then true both ways round.
func Before(a, b uint16) bool { return int16(a-b) < 0 }
