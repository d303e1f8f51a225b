//go:build linux && (amd64 || arm64)

// Package floor measures the least that an outgoing packet of an SFU can cost on this machine: to seal it (AES-128-GCM of
// crypto/cipher) and to hand it to the kernel, in runs to one destination (UDP_SEGMENT) of several lengths, with everything else
// made before. What a server needs per packet is then told as a ratio to that.
//
// It must never know a server: it measures the kernel and the processor.
package floor

import "time"

// Config says what is measured. The zero value is what a report needs.
type Config struct {
	Packet       int           // bytes of UDP payload, tag included; default 1178: 1150 of payload, RTP header, extension and tag
	Destinations int           // to which a turn sends one run each; default 29
	Lengths      []int         // of runs; default 1, 2, 4, 8, 16
	Rounds       int           // of which the median is taken; default 7
	Slice        time.Duration // CPU time of each figure in each round; default 10 ms
	// Targets are the names of those to be measured, all that this machine allows by default.
	Targets []string
}

// Names of targets.
const (
	// Loopback sends to sockets of this process that are drained. The sender pays for their receiving, as a server pays that
	// is measured by clients on its own machine.
	Loopback = "loopback"
	// Discard sends over loopback to a socket whose filter refuses all. It needs no privileges.
	Discard = "discard"
	// Device sends to a device that discards and wants single datagrams, as network cards without USO: the kernel cuts runs
	// just above it.
	Device = "device"
	// DeviceUSO sends to a device that discards and takes runs whole.
	DeviceUSO = "device-uso"
)

// Result is what was found. All figures are CPU nanoseconds of the sending thread, user and system, per packet.
type Result struct {
	Packet       int      `json:"packet_bytes"`
	Destinations int      `json:"destinations"`
	Rounds       int      `json:"rounds"`
	Seal         float64  `json:"seal_ns"` // alone
	Targets      []Target `json:"targets"`
	Missing      []string `json:"missing,omitempty"` // targets that this machine does not allow, with the reason
}

// Target is where packets were sent to.
type Target struct {
	Name string `json:"name"`
	Runs []Run  `json:"runs"`
	// Lost is the share of packets that a drained socket had no room for: above a few percent the figures are too low.
	Lost float64 `json:"lost"`
}

// Run is what runs of one length cost.
type Run struct {
	Length   int     `json:"length"`
	Send     float64 `json:"send_ns"`      // alone
	SealSend float64 `json:"seal_send_ns"` // the floor
	Least    float64 `json:"least_ns"`     // of the rounds of SealSend
	Most     float64 `json:"most_ns"`
}
