package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// Open reads the dataset in a directory and names it after the directory. It
// looks for the files that [Read] lists.
func Open(dir string) (*Dataset, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", dir, err)
	}
	info, err := os.Stat(whole)
	switch {
	case err != nil:
		return nil, fmt.Errorf("data: open dataset: %w; give a directory of IDX files", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data: open dataset: %s is a file; give the directory of its IDX files", dir)
	}
	return folder{fsys: os.DirFS(whole), place: filepath.ToSlash(dir)}.read(filepath.Base(whole))
}

// Read reads the dataset at the root of fsys:
//
//	train-images-idx3-ubyte  train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
//
// each plain or with .gz behind it, or with a dot before "idx" as some
// archives have it. Labels may be missing. Errors call the files name/file.
func Read(fsys fs.FS, name string) (*Dataset, error) {
	return folder{fsys: fsys, place: name}.read(name)
}

// folder is where the files of a dataset are; place is what errors call it.
type folder struct {
	fsys  fs.FS
	place string
}

// read decodes the four files at once: inflating them is most of the time.
func (f folder) read(name string) (*Dataset, error) {
	d := &Dataset{Name: f.place}
	var errs [4]error // in the order of the files, so that a run repeats its error
	var wg sync.WaitGroup
	wg.Go(func() { d.Train.Images, errs[0] = f.images("train-images-idx3-ubyte") })
	wg.Go(func() { d.Train.Labels, errs[1] = f.labels("train-labels-idx1-ubyte") })
	wg.Go(func() { d.Test.Images, errs[2] = f.images("t10k-images-idx3-ubyte") })
	wg.Go(func() { d.Test.Labels, errs[3] = f.labels("t10k-labels-idx1-ubyte") })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	d.Name = name
	return d, nil
}

func (f folder) images(file string) (m Images, err error) {
	in, name, err := f.open(file)
	if err != nil {
		return Images{}, err
	}
	defer closing(in, name, &err)
	return ReadImages(in, name)
}

// labels returns nil where there is no file.
func (f folder) labels(file string) (labels []byte, err error) {
	in, name, err := f.open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closing(in, name, &err)
	return ReadLabels(in, name)
}

// closing closes a file, for defer. An earlier error stays the one reported.
func closing(in fs.File, name string, err *error) {
	if closed := in.Close(); closed != nil && *err == nil {
		*err = fmt.Errorf("data: %s: close: %w", name, closed)
	}
}

// open finds a file under one of its names and returns it with the name for
// errors. Directories do not count: some archives unpack to
// train-images-idx3-ubyte/train-images-idx3-ubyte beside the file itself.
func (f folder) open(file string) (in fs.File, name string, err error) {
	dotted := strings.Replace(file, "-idx", ".idx", 1)
	for _, candidate := range []string{file, file + ".gz", dotted, dotted + ".gz"} {
		info, err := fs.Stat(f.fsys, candidate)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			continue
		}
		name := path.Join(f.place, candidate)
		if err != nil {
			return nil, name, fmt.Errorf("data: %s: %w", name, err)
		}
		if in, err = f.fsys.Open(candidate); err != nil {
			return nil, name, fmt.Errorf("data: %s: %w", name, err)
		}
		return in, name, nil
	}
	return nil, "", fmt.Errorf("data: %s: want %s or %s, with or without .gz, got neither: %w; put the file there",
		f.place, file, dotted, fs.ErrNotExist)
}
