//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// barWidth is that of the filled part, in characters.
const barWidth = 32

// bar shows on a terminal how far a run has come; elsewhere it shows nothing.
type bar struct {
	w        io.Writer
	terminal bool

	mu    sync.Mutex // guards the rest, and the line on the terminal
	stage string
	shown time.Time
}

func newBar(w io.Writer) *bar {
	b := &bar{w: w}
	if f, ok := w.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		b.terminal = err == nil
	}
	return b
}

// show is a loadtest.Progress.
func (b *bar) show(stage string, done, total float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.terminal || stage == b.stage && time.Since(b.shown) < 50*time.Millisecond {
		return
	}
	b.stage, b.shown = stage, time.Now()
	fraction := 0.0
	if total > 0 {
		fraction = min(max(done/total, 0), 1)
	}
	filled := int(fraction * barWidth)
	fmt.Fprintf(b.w, "\r\033[K%-20s [%s%s] %3.0f %%", stage, strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), fraction*100)
}

// clear takes the bar away.
func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.terminal {
		fmt.Fprint(b.w, "\r\033[K")
	}
}
