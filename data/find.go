package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// part is what a file of a dataset holds.
type part int

const (
	trainImages part = iota
	trainLabels
	testImages
	testLabels
	parts
)

func (p part) String() string {
	return [...]string{"training images", "training labels", "test images", "test labels"}[p]
}

// idxName is the name of a file of a dataset: MNIST's own names, a dot before
// "idx" as some archives have it, a prefix such as EMNIST's.
var idxName = regexp.MustCompile(`(?i)^(?:(.*)[-_.])?(train|t10k|test)[-_.](images|labels)([-_.])idx[1-4]-[a-z0-9]+(\.gz)?$`)

// classify says which part a file is by its name, and of which dataset. The
// better of two files with one part is the one with the lower rank.
func classify(name string) (prefix string, p part, rank int, ok bool) {
	m := idxName.FindStringSubmatch(name)
	if m == nil {
		return "", 0, 0, false
	}
	p = trainImages
	switch strings.ToLower(m[2]) {
	case "test":
		p, rank = testImages, 4
	case "t10k":
		p = testImages
	}
	if strings.EqualFold(m[3], "labels") {
		p++
	}
	if m[4] == "." {
		rank += 2
	}
	if m[5] != "" {
		rank++
	}
	return m[1], p, rank, true
}

// files are the files of one dataset, empty where one is missing.
type files struct {
	dir, prefix string // within the folder
	name        [parts]string
	rank        [parts]int
	folders     [parts]string // that have the name of a file
}

// folder names a folder where the file of a part should be, empty where there
// is none.
func (f files) folder() (name string, p part) {
	for p, name := range f.folders {
		if name != "" && f.name[p] == "" {
			return name, part(p)
		}
	}
	return "", 0
}

// path is where the dataset lies, as Open takes it.
func (f files) path() string { return path.Join(f.dir, f.prefix) }

func (f *files) add(name string, p part, rank int) {
	if f.name[p] == "" || rank < f.rank[p] {
		f.name[p], f.rank[p] = path.Join(f.dir, name), rank
	}
}

const (
	deepest     = 2    // folders below that are searched; torchvision has MNIST/raw
	mostFolders = 2000 // that are searched
)

// find looks for the files of a dataset: here, else a folder below, else two.
// One without a prefix in the folder itself is taken before others.
func (f folder) find() (files, error) {
	level, seen := []string{"."}, []string(nil)
	for depth := 0; depth <= deepest; depth++ {
		var here []files
		var below []string
		for _, dir := range level {
			sets, others, folders, err := f.list(dir)
			if err != nil && depth == 0 {
				return files{}, fmt.Errorf("data: %s: %w", f.place, err)
			}
			here, seen, below = append(here, sets...), append(seen, others...), append(below, folders...)
		}
		if len(here) > 0 {
			return f.choose(here)
		}
		level = below[:min(mostFolders, len(below))]
	}
	return files{}, f.nothing(seen)
}

// list returns the datasets in a folder that have training images, what other
// files there are, and the folders. What cannot be looked at counts as a file:
// opening it says why.
func (f folder) list(dir string) (sets []files, others, folders []string, err error) {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil {
		return nil, nil, nil, err
	}
	byPrefix := map[string]*files{}
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		isFolder := f.isFolder(at, e)
		if isFolder {
			folders = append(folders, at)
		} else {
			others = append(others, at)
		}
		prefix, p, rank, ok := classify(e.Name())
		if !ok || f.prefix != "" && prefix != f.prefix {
			continue
		}
		set := byPrefix[prefix]
		if set == nil {
			set = &files{dir: dir, prefix: prefix}
			byPrefix[prefix] = set
		}
		if isFolder {
			set.folders[p] = at
		} else {
			set.add(e.Name(), p, rank)
		}
	}
	for _, set := range byPrefix {
		if set.name[trainImages] != "" {
			sets = append(sets, *set)
		}
	}
	slices.SortFunc(sets, func(a, b files) int { return strings.Compare(a.prefix, b.prefix) })
	return sets, others, folders, nil
}

// isFolder also follows links.
func (f folder) isFolder(at string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := fs.Stat(f.fsys, at)
	return err == nil && info.IsDir()
}

// HoldsIDX says that [Open] finds IDX files in a folder.
func HoldsIDX(dir string) bool {
	_, err := folder{fsys: os.DirFS(dir), place: dir}.find()
	return !errors.Is(err, fs.ErrNotExist)
}

func (f folder) choose(sets []files) (files, error) {
	if len(sets) == 1 || sets[0].path() == "." {
		return sets[0], nil
	}
	const most = 12
	var names []string
	for _, s := range sets[:min(most, len(sets))] {
		names = append(names, path.Join(f.place, s.path()))
	}
	return files{}, fmt.Errorf("data: %s: %d datasets lie there; want one: give %s%s",
		f.place, len(sets), strings.Join(names, ", or "), more(len(sets)-len(names)))
}

// nothing is the error of a folder without training images: it says what is
// there instead.
func (f folder) nothing(seen []string) error {
	const most = 3
	holds := "no file"
	var names []string
	for _, name := range seen[:min(most, len(seen))] {
		if kind := f.lookAtFile(name); kind != "" {
			name += " (" + kind + ")"
		}
		names = append(names, name)
	}
	if len(names) > 0 {
		holds = strings.Join(names, ", ") + more(len(seen)-len(names))
	}
	return missing(fmt.Sprintf("data: %s: want train-images-idx3-ubyte, plain or .gz, there or up to two folders below, "+
		"got %s; put IDX files there: data.WriteImages makes them of bytes", f.place, holds))
}

// missing is an error that is fs.ErrNotExist.
type missing string

func (m missing) Error() string { return string(m) }

func (m missing) Unwrap() error { return fs.ErrNotExist }

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// lookAtFile guesses what a regular file is, empty where it cannot.
func (f folder) lookAtFile(name string) string {
	info, err := fs.Stat(f.fsys, name)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	in, err := f.fsys.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = in.Close() }()
	return lookAtStart(in)
}
