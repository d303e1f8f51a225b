//go:build linux && (amd64 || arm64)

package udp

import (
	"time"

	"golang.org/x/sys/unix"
)

// Pause lets the calling loop rest for d, to the kernel's precision of about 60 us. A Go timer would round a part of a
// millisecond up to a whole one. A signal may end it early.
func Pause(d time.Duration) {
	t := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil)
}
