package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// received is one frame and the stream that it came on.
type received struct {
	frame  []byte
	stream *Stream
}

// listen starts a listener on loopback that hands frames and ends to channels.
func listen(t *testing.T, cfg TCPConfig) (*TCPListener, chan received, chan *Stream) {
	t.Helper()
	frames, closed := make(chan received, 1000), make(chan *Stream, 100)
	cfg.Deliver = func(frame []byte, s *Stream) { frames <- received{slices.Clone(frame), s} }
	cfg.Closed = func(s *Stream) { closed <- s }
	l, err := ListenTCP(netip.MustParseAddrPort("127.0.0.1:0"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return l, frames, closed
}

func dial(t *testing.T, l *TCPListener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func framed(datagrams ...[]byte) []byte {
	var b []byte
	for _, d := range datagrams {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(d))), d...)
	}
	return b
}

func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the other side to close the connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil && !strings.Contains(err.Error(), "reset by peer") {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}

func TestStreamCarriesDatagramsBothWays(t *testing.T) {
	l, frames, closed := listen(t, TCPConfig{})
	c := dial(t, l)
	send(t, c, framed(check(t, 0)))
	first := <-frames
	if !bytes.Equal(first.frame, check(t, 0)) {
		t.Errorf("got %x", first.frame)
	}
	s := first.stream
	if got, want := s.Remote().String(), c.LocalAddr().String(); got != want {
		t.Errorf("remote %s, want %s", got, want)
	}
	s.Admit()
	s.Admit()
	media := []byte{0x80, 1, 2, 3}
	for _, b := range framed(media, nil, media) { // byte by byte, with an empty frame between
		send(t, c, []byte{b})
	}
	for _, want := range [][]byte{media, {}, media} {
		if got := <-frames; !bytes.Equal(got.frame, want) || got.stream != s {
			t.Errorf("got %x, want %x", got.frame, want)
		}
	}
	if !s.Write(media) || !s.Write([]byte("more")) {
		t.Error("an empty queue refused")
	}
	got := make([]byte, len(framed(media, []byte("more"))))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, framed(media, []byte("more"))) {
		t.Errorf("the client read %x, %v", got, err)
	}
	c.Close()
	if got := <-closed; got != s {
		t.Error("another stream closed")
	}
	if s.Write(media) || s.Dropped() != 1 {
		t.Errorf("a closed stream took a datagram; dropped %d", s.Dropped())
	}
}

func TestNothingButSTUNBeforeAdmission(t *testing.T) {
	l, frames, closed := listen(t, TCPConfig{})
	c := dial(t, l)
	send(t, c, framed([]byte{0x80, 1, 2, 3}, record(22, 1), []byte("GET / HTTP/1.1")))
	c.Close()
	c = dial(t, l)
	send(t, c, framed([]byte{0x80, 1, 2, 3}, check(t, 0), []byte{0x80, 1, 2, 3}))
	got := <-frames
	if !IsSTUN(got.frame) {
		t.Errorf("%x was delivered", got.frame)
	}
	c.Close()
	if s := <-closed; s != got.stream {
		t.Error("the end of a stream that delivered nothing was told")
	}
	l.Close()
	if len(frames) != 0 || len(closed) != 0 {
		t.Errorf("%d more frames, %d more ends", len(frames), len(closed))
	}
}

func TestStreamThatIsNotAdmittedInTimeEnds(t *testing.T) {
	l, frames, _ := listen(t, TCPConfig{Admission: 50 * time.Millisecond})
	silent, stranger, admitted := dial(t, l), dial(t, l), dial(t, l)
	send(t, admitted, framed(check(t, 0)))
	(<-frames).stream.Admit()
	send(t, stranger, framed(check(t, badSign)))
	ended(t, silent)
	ended(t, stranger)
	send(t, admitted, framed([]byte("still here")))
	for got := range frames {
		if string(got.frame) == "still here" {
			break
		}
	}
}

func TestFrameThatIsTooLongEndsTheStream(t *testing.T) {
	l, frames, closed := listen(t, TCPConfig{})
	c := dial(t, l)
	send(t, c, framed(check(t, 0)))
	s := (<-frames).stream
	s.Admit()
	send(t, c, framed(make([]byte, maxFrame)))
	if got := <-frames; len(got.frame) != maxFrame {
		t.Errorf("%d bytes", len(got.frame))
	}
	send(t, c, framed(make([]byte, maxFrame+1)))
	if got := <-closed; got != s {
		t.Error("another stream closed")
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	for name, cfg := range map[string]TCPConfig{"from one address": {PerAddress: 2}, "in all": {Total: 2}} {
		l, frames, closed := listen(t, cfg)
		first, second := dial(t, l), dial(t, l)
		for _, c := range []net.Conn{first, second} {
			send(t, c, framed(check(t, 0)))
			(<-frames).stream.Admit()
		}
		ended(t, dial(t, l)) // one too many
		first.Close()
		<-closed
		third := dial(t, l)
		send(t, third, framed(check(t, 0)))
		if got := <-frames; got.stream.Remote().String() != third.LocalAddr().String() {
			t.Errorf("%s: the place that became free was not given", name)
		}
		second.Close()
	}
}

func TestSlowReaderLosesItsOwnDatagrams(t *testing.T) {
	const queue = 64 << 10
	l, frames, _ := listen(t, TCPConfig{Queue: queue})
	c := dial(t, l)
	send(t, c, framed(check(t, 0)))
	s := (<-frames).stream
	s.Admit()
	datagram := make([]byte, 1000)
	written := uint32(0)
	for s.Dropped() < 100 { // until the kernel's buffers and the queue are full
		binary.BigEndian.PutUint32(datagram, written)
		if s.Write(datagram) {
			written++
		}
	}
	s.mu.Lock()
	waiting := len(s.pending)
	s.mu.Unlock()
	if waiting > queue {
		t.Errorf("%d bytes wait, want at most %d", waiting, queue)
	}
	// What was taken arrives whole and in order.
	b := make([]byte, 2+len(datagram))
	for i := range written {
		if n, err := readFrame(c, b); err != nil || n != len(datagram) || binary.BigEndian.Uint32(b) != i {
			t.Fatalf("frame %d of %d: %d bytes, number %d, %v", i, written, n, binary.BigEndian.Uint32(b), err)
		}
	}
	if s.Write(make([]byte, 0x10000)) {
		t.Error("a datagram longer than a frame was taken")
	}
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	l, frames, closed := listen(t, TCPConfig{})
	c := dial(t, l)
	send(t, c, framed(check(t, 0)))
	s := (<-frames).stream
	s.Admit()
	for range 50 {
		s.Write([]byte("the last words"))
	}
	s.Close()
	s.Close()
	all, err := io.ReadAll(c)
	if want := bytes.Repeat(framed([]byte("the last words")), 50); err != nil || !bytes.Equal(all, want) {
		t.Errorf("the client read %d bytes, %v; want %d", len(all), err, len(want))
	}
	if <-closed != s {
		t.Error("another stream closed")
	}
}

func TestListenersEndEndsItsStreams(t *testing.T) {
	l, frames, closed := listen(t, TCPConfig{})
	admitted, waiting, stuck := dial(t, l), dial(t, l), dial(t, l)
	send(t, admitted, framed(check(t, 0)))
	(<-frames).stream.Admit()
	send(t, stuck, framed(check(t, 0)))
	s := (<-frames).stream
	s.Admit()
	for s.Write(make([]byte, 1000)) {
	}
	begun := time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 2*flushTime {
		t.Errorf("it took %v", took)
	}
	ended(t, admitted)
	ended(t, waiting)
	if len(closed) != 2 {
		t.Errorf("%d ends reported, want 2", len(closed))
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	l, _, _ := listen(t, TCPConfig{})
	_, err := ListenTCP(l.Addr(), TCPConfig{})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(framed([]byte("one"), nil, []byte("two")))
	f.Add([]byte{0xff, 0xff, 1})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		in, frame := bytes.NewReader(b), make([]byte, maxFrame)
		var again []byte
		for {
			n, err := readFrame(in, frame)
			if err != nil {
				break
			}
			again = append(again, framed(frame[:n])...)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}
