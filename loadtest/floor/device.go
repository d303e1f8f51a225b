//go:build linux && (amd64 || arm64)

package floor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deviceName is that of the device in its own namespace; its network is 10.9.0.0/24.
const deviceName = "floor0"

// discarding are the kinds of devices that drop what they are given, without looking at it; kernels have one or the other.
var discarding = []string{"dummy", "ifb"}

// openDevice makes a device that discards in a network namespace of its own. The namespace goes when the socket is closed.
func openDevice(name string, destinations int) (*target, error) {
	fd, err := socketInNamespace(func() error { return makeDevice(name == DeviceUSO) })
	if err != nil {
		return nil, err
	}
	t := &target{name: name, fd: fd, close: func() { _ = unix.Close(fd) }}
	for i := range destinations {
		t.to = append(t.to, sockaddr([4]byte{10, 9, 0, byte(i + 2)}, 9))
	}
	return t, nil
}

// socketInNamespace opens a socket in a new network namespace that prepare has filled. A namespace is a thread's, so the thread goes
// back to its own before others may use it; if it cannot, it ends.
func socketInNamespace(prepare func() error) (fd int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		own, failed := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if failed != nil {
			err = os.NewSyscallError("open the network namespace", failed)
			runtime.UnlockOSThread()
			return
		}
		defer unix.Close(own)
		if failed := unix.Unshare(unix.CLONE_NEWNET); failed != nil {
			err = fmt.Errorf("it needs a network namespace: %w", failed)
			runtime.UnlockOSThread()
			return
		}
		defer func() {
			if unix.Setns(own, unix.CLONE_NEWNET) == nil {
				runtime.UnlockOSThread()
			}
		}()
		if err = prepare(); err == nil {
			fd, err = socket()
		}
	}()
	<-done
	return fd, err
}

// makeDevice makes the device, gives it its address and says whether it takes runs whole.
func makeDevice(uso bool) error {
	var refused []error
	made := false
	for _, kind := range discarding {
		err := addLink(kind)
		if err == nil {
			made = true
			break
		}
		refused = append(refused, fmt.Errorf("make a device of kind %s: %w", kind, err))
	}
	if !made {
		return errors.Join(refused...)
	}
	control, err := socket()
	if err != nil {
		return err
	}
	defer unix.Close(control)
	if err := setFeature(control, "tx-udp-segmentation", uso); err != nil {
		return err
	}
	for _, address := range []struct {
		request uint
		ip      []byte
	}{{unix.SIOCSIFADDR, []byte{10, 9, 0, 1}}, {unix.SIOCSIFNETMASK, []byte{255, 255, 255, 0}}} {
		r, err := unix.NewIfreq(deviceName)
		if err == nil {
			err = r.SetInet4Addr(address.ip)
		}
		if err == nil {
			err = unix.IoctlIfreq(control, address.request, r)
		}
		if err != nil {
			return fmt.Errorf("set the device's address: %w", err)
		}
	}
	r, err := unix.NewIfreq(deviceName)
	if err == nil {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_NOARP)
		err = unix.IoctlIfreq(control, unix.SIOCSIFFLAGS, r)
	}
	if err != nil {
		return fmt.Errorf("set the device up: %w", err)
	}
	return nil
}

// addLink asks for a new device (rtnetlink, RTM_NEWLINK) and waits for the answer.
func addLink(kind string) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	var body []byte
	body = append(body, make([]byte, unix.SizeofIfInfomsg)...)
	body = append(body, attribute(unix.IFLA_IFNAME, []byte(deviceName+"\x00"))...)
	body = append(body, attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte(kind)))...)
	request := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(body))
	h := (*unix.NlMsghdr)(unsafe.Pointer(&request[0]))
	h.Len = uint32(unix.SizeofNlMsghdr + len(body))
	h.Type = unix.RTM_NEWLINK
	h.Flags = unix.NLM_F_REQUEST | unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_EXCL
	h.Seq = 1
	if err := unix.Sendto(fd, append(request, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if n < unix.SizeofNlMsghdr+4 || (*unix.NlMsghdr)(unsafe.Pointer(&answer[0])).Type != unix.NLMSG_ERROR {
		return errors.New("the kernel's answer is no acknowledgement")
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

// attribute is a netlink attribute, padded.
func attribute(kind uint16, value []byte) []byte {
	b := make([]byte, (unix.SizeofRtAttr+len(value)+3)&^3)
	binary.NativeEndian.PutUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	copy(b[unix.SizeofRtAttr:], value)
	return b
}

// Sizes of ethtool's structures (linux/ethtool.h).
const (
	stringSize  = 32 // ETH_GSTRING_LEN
	featureSets = 4  // ETH_SS_FEATURES
)

// ethtool makes one request, whose structure is words and then bytes, all in b; the first word is the request.
func ethtool(fd int, b []byte) error {
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&b[0])}
	copy(request.name[:], deviceName)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

// setFeature turns an offload of the device on or off, and looks whether the kernel has done so.
func setFeature(fd int, name string, on bool) error {
	word := binary.NativeEndian
	info := make([]byte, 4+4+8+4) // ethtool_sset_info: request, reserved, mask, one length
	word.PutUint32(info, unix.ETHTOOL_GSSET_INFO)
	word.PutUint64(info[8:], 1<<featureSets)
	if err := ethtool(fd, info); err != nil {
		return fmt.Errorf("count the device's features: %w", err)
	}
	count := int(word.Uint32(info[16:]))
	names := make([]byte, 12+count*stringSize) // ethtool_gstrings: request, set, length, the strings
	word.PutUint32(names, unix.ETHTOOL_GSTRINGS)
	word.PutUint32(names[4:], featureSets)
	word.PutUint32(names[8:], uint32(count))
	if err := ethtool(fd, names); err != nil {
		return fmt.Errorf("list the device's features: %w", err)
	}
	bit := -1
	for i := range count {
		if text, _, _ := bytes.Cut(names[12+i*stringSize:12+(i+1)*stringSize], []byte{0}); string(text) == name {
			bit = i
		}
	}
	if bit < 0 {
		return fmt.Errorf("the kernel has no feature %s", name)
	}
	blocks := (count + 31) / 32
	set := make([]byte, 8+blocks*8) // ethtool_sfeatures: request, blocks, and for each valid and requested
	word.PutUint32(set, unix.ETHTOOL_SFEATURES)
	word.PutUint32(set[4:], uint32(blocks))
	word.PutUint32(set[8+bit/32*8:], 1<<(bit%32))
	if on {
		word.PutUint32(set[8+bit/32*8+4:], 1<<(bit%32))
	}
	if err := ethtool(fd, set); err != nil {
		return fmt.Errorf("set the device's %s: %w", name, err)
	}
	get := make([]byte, 8+blocks*16) // ethtool_gfeatures: request, blocks, and for each available, requested, active, never changed
	word.PutUint32(get, unix.ETHTOOL_GFEATURES)
	word.PutUint32(get[4:], uint32(blocks))
	if err := ethtool(fd, get); err != nil {
		return fmt.Errorf("read the device's features: %w", err)
	}
	if active := word.Uint32(get[8+bit/32*16+8:])>>(bit%32)&1 == 1; active != on {
		return fmt.Errorf("the device's %s stayed as it was", name)
	}
	return nil
}
