package payload

import (
	"bytes"
	"testing"
)

// two redundant blocks of 3 and 0 bytes, and a primary of 2
var red = []byte{0x80 | 111, 0x1e, 0x00, 3, 0x80 | 111, 0x0f, 0x00, 0, 111, 1, 2, 3, 8, 9}

func TestREDBlocksAreReadOldestFirst(t *testing.T) {
	blocks := Blocks(nil, red)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for i, want := range []Block{
		{PayloadType: 111, Offset: 1920, Data: []byte{1, 2, 3}},
		{PayloadType: 111, Offset: 960, Data: []byte{}},
		{PayloadType: 111, Primary: true, Data: []byte{8, 9}},
	} {
		got := blocks[i]
		if got.PayloadType != want.PayloadType || got.Offset != want.Offset || got.Primary != want.Primary || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("block %d: %+v", i, got)
		}
	}
	if primary, pt, ok := Primary(red); !ok || pt != 111 || !bytes.Equal(primary, []byte{8, 9}) {
		t.Errorf("%v %d %v", primary, pt, ok)
	}
	if primary, pt, ok := Primary([]byte{63, 7}); !ok || pt != 63 || !bytes.Equal(primary, []byte{7}) {
		t.Errorf("primary alone: %v %d %v", primary, pt, ok)
	}
}

func TestREDPayloadTypesAreRewritten(t *testing.T) {
	dst := make([]byte, 9)
	if n := RewriteBlocks(dst, red, 96); n != 9 || !bytes.Equal(dst, []byte{0x80 | 96, 0x1e, 0x00, 3, 0x80 | 96, 0x0f, 0x00, 0, 96}) {
		t.Errorf("%d % x", n, dst)
	}
	if n := RewriteBlocks(dst[:8], red, 96); n != 0 {
		t.Errorf("%d bytes into 8", n)
	}
}

func TestMalformedREDIsRefused(t *testing.T) {
	for _, b := range [][]byte{
		nil, {0x80}, {0x80, 0, 0, 0}, {0x80, 0, 0, 1, 111}, {0x80, 0, 3, 255, 111, 1}, bytes.Repeat([]byte{0x80, 0, 0, 0}, MaxBlocks+1),
	} {
		_, _, ok := Primary(b)
		if ok || len(Blocks(nil, b)) != 0 || RewriteBlocks(make([]byte, 100), b, 1) != 0 {
			t.Errorf("% x was read", b)
		}
	}
	if _, _, ok := Primary([]byte{111}); ok {
		t.Error("an empty primary was taken")
	}
}

func FuzzRED(f *testing.F) {
	f.Add(red)
	f.Add([]byte{63, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		var array [MaxBlocks]Block
		blocks := Blocks(array[:0], b)
		primary, pt, ok := Primary(b)
		if ok && (len(blocks) == 0 || !bytes.Equal(blocks[len(blocks)-1].Data, primary) || blocks[len(blocks)-1].PayloadType != pt) {
			t.Fatalf("primary % x, blocks %+v", primary, blocks)
		}
		size := 0
		for i, block := range blocks {
			size += len(block.Data)
			if block.Primary != (i == len(blocks)-1) {
				t.Fatalf("block %d of %d: %+v", i, len(blocks), block)
			}
		}
		dst := make([]byte, 4*MaxBlocks)
		n := RewriteBlocks(dst, b, 77)
		if (n > 0) != (len(blocks) > 0) || n > 0 && n+size != len(b) {
			t.Fatalf("headers of %d and data of %d in %d", n, size, len(b))
		}
		for i, block := range Blocks(nil, append(dst[:n:n], b[n:]...)) {
			if n > 0 && (block.PayloadType != 77 || !bytes.Equal(block.Data, blocks[i].Data)) {
				t.Fatalf("block %d became %+v", i, block)
			}
		}
	})
}
