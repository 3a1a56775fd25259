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

// Open reads the data in a directory, named after it, or in a file: a .npy
// array, as [ReadNPY] does, or a .npz archive, as [ReadNPZ]. An array larger than
// memory stays in its file, and [Source.Close] lets go of it. In a directory it
// looks for the files that [Read] lists. Where several lie in one directory,
// dir is the directory and the prefix of one: emnist/emnist-letters.
func Open(dir string) (*Source, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", dir, err)
	}
	f := folder{fsys: os.DirFS(whole), place: filepath.ToSlash(dir)}
	info, err := os.Stat(whole)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent := folder{
			fsys: os.DirFS(filepath.Dir(whole)), place: path.Dir(f.place), prefix: filepath.Base(whole),
		}
		if sets, _, _, listed := parent.list("."); listed != nil || len(sets) == 0 {
			return nil, fmt.Errorf("data: open dataset: %w; give a directory of IDX files, a .npy or a .npz file", err)
		}
		f = parent
	case err != nil:
		return nil, fmt.Errorf("data: open dataset: %w; give a directory of IDX files, a .npy or a .npz file", err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("data: %s is a pipe or a device; want a file, since it is read more than once: save it first", dir)
	case !info.IsDir():
		return OpenFile(dir, nil)
	}
	return f.read(filepath.Base(whole))
}

// Read reads the dataset at the root of fsys, or one or two folders below:
//
//	train-images-idx3-ubyte  train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
//
// each plain or with .gz behind it, or with a dot before "idx" as some archives
// have it; "test" may stand for "t10k", and a prefix such as emnist-letters-
// before all. Labels and the test set may be missing. Images of EMNIST are
// turned upright. Errors call the files name/file, and Notes say what was
// decided.
func Read(fsys fs.FS, name string) (*Source, error) {
	return folder{fsys: fsys, place: name}.read(name)
}

// folder is where the files of a dataset are; place is what errors call it.
type folder struct {
	fsys   fs.FS
	place  string
	prefix string // of the files to take, empty: any
}

// read decodes the files at once: inflating them is most of the time.
func (f folder) read(name string) (*Source, error) {
	found, err := f.find()
	if err != nil {
		return nil, err
	}
	if name, p := found.folder(); name != "" {
		return nil, fmt.Errorf("data: %s is a folder; want a file of %s there, or no such name", path.Join(f.place, name), p)
	}
	if found.name[testLabels] != "" && found.name[testImages] == "" {
		return nil, missing(fmt.Sprintf("data: %s: labels of a test set, %s, without its images; put the images there, or take the labels away",
			f.place, found.name[testLabels]))
	}
	d := &Source{Name: f.place}
	var dims []int
	var errs [parts]error // in the order of the files, so that a run repeats its error
	var wg sync.WaitGroup
	wg.Go(func() { d.Train.Rows, dims, errs[trainImages] = f.images(found.name[trainImages]) })
	wg.Go(func() { d.Train.Labels, errs[trainLabels] = f.labels(found.name[trainLabels]) })
	wg.Go(func() { d.Test.Rows, _, errs[testImages] = f.images(found.name[testImages]) })
	wg.Go(func() { d.Test.Labels, errs[testLabels] = f.labels(found.name[testLabels]) })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if found.dir != "." {
		d.Notes = append(d.Notes, "the dataset lies in "+path.Join(f.place, found.dir))
	}
	if len(dims) == mostRank {
		d.Notes = append(d.Notes, path.Base(found.name[trainImages])+": "+arranged(dims))
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.ToLower(found.prefix), "emnist") {
		d.Train.upright()
		d.Test.upright()
		d.Notes = append(d.Notes, "EMNIST stores its images mirrored and on their side: they are turned upright")
	}
	d.Name = name
	return d, nil
}

// images returns no image where there is no file.
func (f folder) images(file string) (m Rows, dims []int, err error) {
	if file == "" {
		return Rows{}, nil, nil
	}
	in, name, err := f.open(file)
	if err != nil {
		return Rows{}, nil, err
	}
	defer closing(in, name, &err)
	return readImages(in, name)
}

// labels returns nil where there is no file.
func (f folder) labels(file string) (labels []byte, err error) {
	if file == "" {
		return nil, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w; or leave the labels out: without the file it trains all the same", err)
		}
	}()
	in, name, err := f.open(file)
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

// open opens a file and returns it with the name for errors.
func (f folder) open(file string) (in fs.File, name string, err error) {
	name = path.Join(f.place, file)
	if in, err = f.fsys.Open(file); err != nil {
		return nil, name, fmt.Errorf("data: %s: %w", name, err)
	}
	return in, name, nil
}
