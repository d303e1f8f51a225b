//go:build linux && (amd64 || arm64)

package udp

// Counters are plain numbers that belong to the loop; they only grow.
type Counters struct {
	DatagramsIn  uint64
	BytesIn      uint64 // of UDP payload
	ReceiveCalls uint64 // system calls, those that ended without a datagram included
	Truncated    uint64 // datagrams longer than SlotSize
	Overflowed   uint64 // datagrams that the kernel dropped because the receive buffer was full

	DatagramsOut uint64
	BytesOut     uint64 // of UDP payload
	SendCalls    uint64
	Messages     uint64 // handed to the kernel: a run or a single datagram
	Runs         uint64 // messages of more than one datagram
	Segments     uint64 // datagrams that left in runs
	Refused      uint64 // runs that the kernel refused and that left piece by piece
	Dropped      uint64 // datagrams lost because the send buffer stayed full, or because the kernel refused them
}

// add adds what an Outbox has counted.
func (c *Counters) add(o *Counters) {
	c.DatagramsOut += o.DatagramsOut
	c.BytesOut += o.BytesOut
	c.Messages += o.Messages
	c.Runs += o.Runs
	c.Segments += o.Segments
	c.Dropped += o.Dropped
}
