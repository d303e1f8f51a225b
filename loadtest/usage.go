//go:build linux && (amd64 || arm64)

package loadtest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of /proc/PID/stat (USER_HZ, 100 on every architecture that Go runs on).
const clockTick = 10 * time.Millisecond

// usage is what a process has used so far.
type usage struct {
	user, system time.Duration
	resident     int64 // bytes
	peak         int64 // bytes
}

// readUsage reads /proc/PID. The times are of all its threads, the dead ones included.
func readUsage(pid int) (u usage, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The second field is the command's name in parentheses, and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return u, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	ticks := func(s string) time.Duration {
		n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes numbers
		return time.Duration(n) * clockTick
	}
	u.user, u.system = ticks(fields[11]), ticks(fields[12])
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	u.resident, u.peak = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	return u, nil
}

func kilobytes(status []byte, key string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // the kernel writes numbers
			return n << 10
		}
	}
	return 0
}

// ownTime is the CPU time that the tester itself has used.
func ownTime() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// machineTime is how long all of the machine's CPUs together were idle, out of how long, since it was booted.
func machineTime() (idle, total time.Duration) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, f := range strings.Fields(line)[1:] {
		n, _ := strconv.ParseInt(f, 10, 64) // the kernel writes numbers
		d := time.Duration(n) * clockTick
		const idleField, waitField, guestField = 3, 4, 8
		if i == idleField || i == waitField {
			idle += d
		}
		if i < guestField { // guests are counted in user already
			total += d
		}
	}
	return idle, total
}

// socketDrops is how many datagrams the kernel had no room for, in this machine's UDP sockets with the ports of the addresses.
func socketDrops(addresses []netip.AddrPort) (n uint64) {
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		raw, err := os.ReadFile(table)
		if err != nil {
			continue // without IPv6 there is no second table
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) < 13 || !slices.ContainsFunc(addresses, func(a netip.AddrPort) bool { return strings.HasSuffix(f[1], fmt.Sprintf(":%04X", a.Port())) }) {
				continue
			}
			if drops, err := strconv.ParseUint(f[len(f)-1], 10, 64); err == nil {
				n += drops
			}
		}
	}
	return n
}

// Machine is what a run was made on.
type Machine struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}
