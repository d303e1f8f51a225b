package history

import "encoding/binary"

// arena is a ring of bytes that holds records of different sizes, each in one piece, oldest first. Offsets grow for ever;
// modulo the size they are places in bytes, whose length is a power of two.
type arena struct {
	bytes      []byte
	tail, head int64 // of the oldest record, and behind the newest
}

// A record begins with a header: the low 16 bits of a sequence number and the size of what follows. rest instead of the
// size says that the next record is at the beginning of bytes.
const (
	recordHeader = 4
	rest         = 0xffff
	// maxRecord is the largest packet that is kept: more than any datagram that a receive slot holds. The smallest arena
	// has room for two of them, so that one always fits into an arena that is empty, wherever its head is.
	maxRecord = 4000
)

// span is the room that a record of size bytes takes: whole headers, so that a header always fits before the end.
func span(size int) int64 { return int64(recordHeader+size+3) &^ 3 }

// gap is how many bytes at the end of bytes must be left out before a record of size can follow.
func (a *arena) gap(size int) int64 {
	left := int64(len(a.bytes)) - a.head&int64(len(a.bytes)-1)
	if span(size) <= left {
		return 0
	}
	return left
}

func (a *arena) empty() bool { return a.tail == a.head }

// fits reports whether a record of size bytes can be appended without dropping another.
func (a *arena) fits(size int) bool {
	return a.head+a.gap(size)+span(size)-a.tail <= int64(len(a.bytes))
}

// append makes a record, which must fit, and returns its offset.
func (a *arena) append(seq uint16, size int) int64 {
	if gap := a.gap(size); gap > 0 {
		binary.LittleEndian.PutUint16(a.place()[2:], rest)
		a.head += gap
	}
	offset := a.head
	header := a.place()
	binary.LittleEndian.PutUint16(header, seq)
	binary.LittleEndian.PutUint16(header[2:], uint16(size))
	a.head += span(size)
	return offset
}

func (a *arena) place() []byte { return a.bytes[a.head&int64(len(a.bytes)-1):] }

// oldest is the oldest record. The arena must not be empty.
func (a *arena) oldest() (seq uint16, offset int64) {
	header := a.bytes[a.tail&int64(len(a.bytes)-1):]
	if binary.LittleEndian.Uint16(header[2:]) == rest {
		a.tail = (a.tail | int64(len(a.bytes)-1)) + 1
		header = a.bytes
	}
	return binary.LittleEndian.Uint16(header), a.tail
}

// drop forgets the oldest record, of which oldest was called before.
func (a *arena) drop() {
	a.tail += span(int(binary.LittleEndian.Uint16(a.bytes[a.tail&int64(len(a.bytes)-1)+2:])))
}

// at is the size bytes of the record at offset.
func (a *arena) at(offset int64, size int) []byte {
	from := int(offset&int64(len(a.bytes)-1)) + recordHeader
	return a.bytes[from : from+size : from+size]
}
