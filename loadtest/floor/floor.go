//go:build linux && (amd64 || arm64)

// Package floor measures the least that an outgoing packet of an SFU can cost on this machine: to seal it (AES-128-GCM of
// crypto/cipher) and to hand it to the kernel, in runs to one destination (UDP_SEGMENT) of several lengths, with everything else
// made before. What a server needs per packet is then told as a ratio to that.
//
// It must never know a server: it measures the kernel and the processor.
//
// # Where packets go to
//
// What the kernel does with a packet depends on where it goes, so there are four targets (Config.Targets). The way to a network card
// lies between the two devices: cards with UDP segmentation (USO) take a run whole, for others, and most virtual ones, the kernel cuts
// it. A device needs a network namespace of its own and so CAP_SYS_ADMIN; without it the two over loopback remain. An unbound port is
// no target: the kernel would answer each packet with ICMP, at the sender's cost.
//
// # What it was
//
// CPU nanoseconds per packet of 1178 bytes to 29 destinations, sealed and sent; medians of three times seven rounds on two cores (AMD
// EPYC, virtual) with other work beside it, Linux 6.18, Go 1.26, the device an ifb. Sealing alone is 351. Trust ratios.
//
//	length of run     1     2     4     8    16
//	loopback       3095  2431  1678  1362  1153
//	discard        2838  2031  1322  1009   874
//	device         2272  1714  1165   900   821
//	device-uso     2296  1342   852   616   505
//
// A receiver that sleeps in recvmmsg and is woken costs the sender another 450 ns at run length 1; that is what the benchmarks of
// the server's egress call drained.
package floor

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Config says what is measured. The zero value is what a report needs.
type Config struct {
	Packet       int           // bytes of UDP payload, tag included; default 1178: RTP header and extension, 1142 of payload, tag
	Destinations int           // to each of which a turn sends one run; default 29, at most 250
	Lengths      []int         // of runs; default 1, 2, 4, 8, 16; at most 55, and 64,000 bytes
	Rounds       int           // of which the median is taken; default 7
	Slice        time.Duration // CPU time of each figure in each round; default 10 ms
	Targets      []string      // what is measured; default: all that this machine allows
}

// Names of targets.
const (
	// Loopback sends to sockets of this process that are drained. The sender pays for their receiving, as a server pays that
	// is measured by clients on its own machine. Nobody is woken: a goroutine looks every half a millisecond.
	Loopback = "loopback"
	// Discard sends over loopback to sockets whose filter refuses all. It needs no privileges.
	Discard = "discard"
	// Device sends to a device that discards and wants single datagrams, as network cards without USO: the kernel cuts runs
	// just above it.
	Device = "device"
	// DeviceUSO sends to a device that discards and takes runs whole.
	DeviceUSO = "device-uso"
)

// Targets are the names of all targets.
func Targets() []string { return []string{Loopback, Discard, Device, DeviceUSO} }

// Bounds of a Config.
const (
	leastPacket = overhead + 1
	mostPacket  = 1472 // what an Ethernet takes
	mostTo      = 250
	mostRun     = 55
	mostBytes   = 64_000
)

// Validate fills in what is not given and reports all that is wrong at once.
func (c *Config) Validate() error {
	var all []error
	usual := func(value *int, name string, usual, least, most int) {
		if *value == 0 {
			*value = usual
		}
		if *value < least || *value > most {
			all = append(all, fmt.Errorf("%s %d is not between %d and %d", name, *value, least, most))
		}
	}
	usual(&c.Packet, "packet size", 1178, leastPacket, mostPacket)
	usual(&c.Destinations, "number of destinations", 29, 1, mostTo)
	usual(&c.Rounds, "number of rounds", 7, 1, 1000)
	if c.Slice == 0 {
		c.Slice = 10 * time.Millisecond
	}
	if c.Slice < 0 || c.Slice > time.Minute {
		all = append(all, fmt.Errorf("slice of %v is not between 0 and a minute", c.Slice))
	}
	if len(c.Lengths) == 0 {
		c.Lengths = []int{1, 2, 4, 8, 16}
	}
	c.Lengths = slices.Compact(slices.Sorted(slices.Values(c.Lengths)))
	for _, n := range c.Lengths {
		if n < 1 || n > mostRun || n*c.Packet > mostBytes {
			all = append(all, fmt.Errorf("runs of %d packets are not between 1 and %d, or longer than %d bytes", n, mostRun, mostBytes))
		}
	}
	if len(c.Targets) == 0 {
		c.Targets = Targets()
	}
	for _, name := range c.Targets {
		if !slices.Contains(Targets(), name) {
			all = append(all, fmt.Errorf("no target %q; there are %v", name, Targets()))
		}
	}
	return errors.Join(all...)
}
