package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrInUse is returned by Open when another process (or this one) has the database.
// Two servers on one database would each believe that they own all meetings.
var ErrInUse = errors.New("the data directory is in use")

// lock is a file that is locked as long as its process lives: the kernel lets go of it
// even when the process is killed, so it cannot be left behind.
type lock struct{ file *os.File }

func takeLock(dir string) (*lock, error) {
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("store: lock %s: %w", path, err)
		}
		pid := make([]byte, 32)
		n, _ := file.ReadAt(pid, 0) // only to be helpful: an empty answer will do
		if id := strings.TrimSpace(string(pid[:n])); id != "" {
			return nil, fmt.Errorf("store: %w: %s is held by process %s", ErrInUse, dir, id)
		}
		return nil, fmt.Errorf("store: %w: %s is held by another process", ErrInUse, dir)
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: lock %s: %w", path, err), file.Close())
	}
	return &lock{file}, nil
}

// release gives the lock back. The file stays: removing it would let two processes lock
// two files of the same name.
func (l *lock) release() { _ = l.file.Close() }
