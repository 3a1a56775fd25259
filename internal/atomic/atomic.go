// Package atomic writes files that are there whole or not at all.
package atomic

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// WriteFile replaces the file at path by what write writes (buffered). It
// does so atomically: a temporary file beside it is filled, synced and renamed.
// On an error the temporary file is removed and what was at path stays. A link is
// followed, and a file that is replaced keeps its mode. What is no file, such as a
// device or a pipe, is written to as it is.
func WriteFile(path string, write func(io.Writer) error) error {
	if err := writeTo(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeTo(path string, write func(io.Writer) error) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Replace(path, write, func(string) error { return nil })
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory; want a file")
	case !info.Mode().IsRegular():
		return through(path, write)
	}
	return Replace(path, write, func(temporary string) error { return os.Chmod(temporary, info.Mode().Perm()) })
}

// target follows a link, also one to a file that is not there yet.
func target(path string) (string, error) {
	const most = 40
	for range most {
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("too many links")
}

// through writes to a device or a pipe.
func through(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<16)
	if err := write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(b.Flush(), f.Close())
}

// Replace replaces what is at path as WriteFile does a file, with a function that is called with the path of the
// temporary file when it is whole, and may refuse to have it renamed.
func Replace(path string, write func(io.Writer) error, ready func(temporary string) error) (err error) {
	f, err := CreateTemp(path)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed { // also where write panics
			// A second Close only says so; the first error is the one that counts.
			_ = f.Close()
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	b := bufio.NewWriterSize(f, 1<<16)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil { // before the rename: Windows moves no open file
		return err
	}
	if err := ready(f.Name()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return nil
}

// CreateTemp makes a new file beside path. Unlike that of os.CreateTemp its
// mode follows the umask, because it becomes the file that others read.
func CreateTemp(path string) (*os.File, error) {
	const tries = 100
	dir, base := filepath.Split(path)
	for try := 1; ; try++ {
		name := fmt.Sprintf("%s.%s.%08x.tmp", dir, base, rand.Uint32())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || !errors.Is(err, fs.ErrExist) || try == tries {
			return f, err
		}
	}
}
