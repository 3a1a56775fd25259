package run

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"aegis/internal/atomic"
)

// Folder is a directory that several runs lie in, a directory each, locked until
// Close. Its methods are called from one goroutine at a time.
type Folder struct {
	path string
	made bool // by this process
	lock lock
}

// MakeFolder makes a directory for runs, parents too, and locks it. One that
// another process has locked is refused.
func MakeFolder(dir string) (*Folder, error) {
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	return lockFolder(dir, made)
}

// MakeNewFolder makes a directory of its own for runs, named as [CreateNew] does.
func MakeNewFolder(base string) (*Folder, error) {
	dir, err := makeNew(base)
	if err != nil {
		return nil, err
	}
	return lockFolder(dir, true)
}

func lockFolder(dir string, made bool) (*Folder, error) {
	if err := Busy(dir); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{path: dir, made: made, lock: lock}, nil
}

// Path returns where the folder is.
func (f *Folder) Path() string { return f.path }

// WriteFile replaces a file of the folder atomically.
func (f *Folder) WriteFile(name string, write func(io.Writer) error) error {
	if err := f.lock.check(); err != nil {
		return err
	}
	if err := atomic.WriteFile(filepath.Join(f.path, name), write); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// Link makes a name in the folder a link to something else in it, in place of an
// earlier link, at once. Not every system and disk has links.
func (f *Folder) Link(name, to string) error {
	if err := f.lock.check(); err != nil {
		return err
	}
	temporary := filepath.Join(f.path, fmt.Sprintf(".%s.%08x.tmp", name, rand.Uint32()))
	err := os.Symlink(to, temporary)
	if err == nil {
		if err = os.Rename(temporary, filepath.Join(f.path, name)); err != nil {
			err = errors.Join(err, os.Remove(temporary))
		}
	}
	if err != nil {
		return fmt.Errorf("run: link to %s: %w", filepath.Join(f.path, to), err)
	}
	return nil
}

// Unlink removes a link of the folder; that there is none is well.
func (f *Folder) Unlink(name string) error {
	if err := f.lock.check(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(f.path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// Close unlocks the folder, and removes one that was made for runs of which
// there is none.
func (f *Folder) Close() error {
	entries, err := os.ReadDir(f.path)
	empty := f.made && err == nil && len(entries) == 1 && entries[0].Name() == lockFile && f.lock.check() == nil
	if err := f.lock.file.Close(); err != nil || !empty {
		return err
	}
	return errors.Join(os.Remove(filepath.Join(f.path, lockFile)), os.Remove(f.path))
}
