package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// ErrLost is wrapped by the error of a run whose directory was removed, or
// whose lock file: another run may have the directory by now.
var ErrLost = errors.New("the directory is this run's no more")

// lock is a directory's lock file, locked. A lock is on the file and not on its
// name: who removes the name lets another run in.
type lock struct {
	file *flock.Flock
	info fs.FileInfo // of the file that is locked
}

// takeLock locks a directory, or says that another run has.
func takeLock(dir string) (lock, error) {
	const patience, pause = 100 * time.Millisecond, 5 * time.Millisecond // beside one that only asks
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	path := filepath.Join(dir, lockFile)
	for {
		l := lock{file: flock.New(path, flock.SetPermissions(0o666))}
		_, err := l.file.TryLockContext(ctx, pause)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return lock{}, errBusy(dir)
		case errors.Is(err, fs.ErrPermission):
			return lock{}, errNotMine(dir, err)
		case err != nil && !errors.Is(err, errors.ErrUnsupported): // a network's file system may know no locks
			return lock{}, takesNone(dir, err)
		}
		if l.info, err = l.file.Stat(); err == nil {
			err = l.check()
		}
		if err == nil {
			return l, nil
		}
		_ = l.file.Close() // nothing was written
		if !errors.Is(err, ErrLost) {
			return lock{}, fmt.Errorf("run: %s: %w; choose another directory", path, err)
		}
		// It was removed after it was opened: another is there now, or will be.
	}
}

// check says whether the lock file in the directory is still the one that is
// locked.
func (l lock) check() error {
	path := l.file.Path()
	now, err := os.Stat(path)
	if err == nil && os.SameFile(now, l.info) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("run: %w", err)
	}
	return fmt.Errorf("run: %w: %s was removed or replaced while the run lived; nothing more is written there", ErrLost, path)
}

// held does something in the directory as long as it is this run's.
func (d *Dir) held(do func() error) error {
	if err := d.check(); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	if lost := d.check(); lost != nil {
		return lost // which is why it failed
	}
	return err
}

// check is the lock's, and remembers that the directory is lost: it is not
// come back to.
func (d *Dir) check() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.checked()
}

func (d *Dir) checked() error {
	if d.lost != nil {
		return d.lost
	}
	err := d.lock.check()
	if errors.Is(err, ErrLost) {
		d.lost = err
	}
	return err
}

// Lost returns the error that the directory is this run's no more, where that
// was found; nil else.
func (d *Dir) Lost() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// Busy says whether a run has locked a directory. For the moment that it takes
// to ask, no run can lock it: see takeLock.
func Busy(dir string) error {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	file := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := file.TryRLock()
	_ = file.Close() // nothing was written
	switch {
	case errors.Is(err, fs.ErrPermission):
		return errNotMine(dir, err)
	case err == nil && !free:
		return errBusy(dir)
	}
	return nil
}

func errBusy(dir string) error {
	return fmt.Errorf("run: another run is writing to %s; wait for it or choose another directory", dir)
}

func errNotMine(dir string, err error) error {
	return fmt.Errorf("run: %s is another user's, or a run of theirs is writing to it: %w; choose another directory", dir, err)
}

// takesNone says why a directory takes no files.
func takesNone(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("run: %s is on a read-only file system; choose another directory", dir)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("run: %s takes no files: its disk, or the table of files on it, is full (%w); free some or choose another directory", dir, err)
	}
	return fmt.Errorf("run: %s takes no files: %w; choose another directory", dir, err)
}
