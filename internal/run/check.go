package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Check says why Create would refuse a directory now. It makes and changes
// nothing.
func Check(dir string, force bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return takesNone(dir, err)
	case !info.IsDir():
		return notDir(dir)
	}
	if err := refused(dir); err != nil {
		return err
	}
	_, err = admitted(dir, force)
	return err
}

// CheckReopen says why Reopen would refuse a directory now. It makes and changes
// nothing.
func CheckReopen(dir string) error {
	if err := Busy(dir); err != nil {
		return err
	}
	_, err := adopted(dir)
	return err
}

// adopted returns what a run that goes on takes over, and refuses what no run
// makes, such as a link: its target is somebody's own.
func adopted(dir string) (map[string]string, error) {
	found, err := identify(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range FileNames() {
		if found[name] == noFile {
			return nil, fmt.Errorf("run: %s is a link or a device, want a file or nothing; put a file in its place", filepath.Join(dir, name))
		}
	}
	return found, nil
}

func notDir(dir string) error {
	return fmt.Errorf("run: %s is a file, want a directory; choose another one", dir)
}

// refused says why no run may have a directory, whatever is in it.
func refused(dir string) error {
	if err := Busy(dir); err != nil {
		return err
	}
	_, _, err := known(dir)
	return err
}

// admitted returns what the mark knows of a directory, and says why no run may
// start there.
func admitted(dir string, force bool) (mark, error) {
	m, found, err := known(dir)
	if err != nil {
		return mark{}, err
	}
	m.replaces, m.Files = false, make(map[string][]string)
	for _, name := range FileNames() {
		id, there := found[name]
		if !there {
			continue
		}
		if !force {
			return mark{}, fmt.Errorf("run: %s holds %w (%s); choose another directory, or replace it by force", dir, ErrExists, name)
		}
		m.Files[name] = []string{id}
		m.replaces = m.replaces || name != ConfigFile && name != MetricsFile // of a run that came to nothing nobody misses anything
	}
	return m, nil
}
