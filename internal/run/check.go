package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Check says why Create would refuse a directory now. It makes and changes
// nothing.
func Check(dir string, force bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.IsDir():
		return notDir(dir)
	}
	if err := foreign(dir); err != nil {
		return err
	}
	if busy(dir) {
		return errBusy(dir)
	}
	_, err = admitted(dir, force)
	return err
}

// busy says whether a run has locked a directory. For the moment that it takes
// to ask, no run can lock it: see takeLock.
func busy(dir string) bool {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	_ = lock.Close() // nothing was written
	return err == nil && !free
}

func errBusy(dir string) error {
	return fmt.Errorf("run: another run is writing to %s; wait for it or choose another directory", dir)
}

func notDir(dir string) error {
	return fmt.Errorf("run: %s is a file, want a directory; choose another one", dir)
}

// admitted returns what the mark knows of a directory, and says why no run may
// start there.
func admitted(dir string, force bool) (mark, error) {
	old, err := earlier(dir)
	if err != nil {
		return mark{}, err
	}
	m, err := readMark(dir)
	if err != nil {
		return mark{}, err
	}
	if err := m.check(filepath.Join(dir, ConfigFile)); err != nil {
		return mark{}, err
	}
	if len(old) > 0 && !force {
		return mark{}, fmt.Errorf("run: %s holds %w (%s); choose another directory, or replace it by force",
			dir, ErrExists, filepath.Base(old[0]))
	}
	m.replaces = len(old) > 0
	return m, nil
}
