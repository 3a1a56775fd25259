package data

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// The names that the arrays of an archive go by, in lower case, without what
// stands for a set, which comes before or behind: train_images, x_train.
var (
	setNames    = map[string]int{"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}
	rowNames    = []string{"", "x", "images", "data", "features", "inputs"}
	labelsNames = []string{"y", "labels", "label", "targets"}
)

// setPart is the rows or the labels of a set: training, validation, test.
type setPart struct {
	set    int
	labels bool
}

// parts of a set by what [Keys] call them.
var keyParts = map[string]setPart{
	"train": {}, "val": {set: 1}, "test": {set: 2},
	"train_labels": {0, true}, "val_labels": {1, true}, "test_labels": {2, true},
}

// guess says which part an array is by its name.
func guess(name string) (p setPart, ok bool) {
	name = strings.ToLower(name)
	what := name
	for set, n := range setNames {
		if rest, found := strings.CutPrefix(name, set); found && (rest == "" || rest[0] == '_') {
			what, p.set = strings.TrimPrefix(rest, "_"), n
		} else if rest, found := strings.CutSuffix(name, "_"+set); found {
			what, p.set = rest, n
		}
	}
	p.labels = slices.Contains(labelsNames, what)
	return p, name != "" && (p.labels || slices.Contains(rowNames, what))
}

// Keys name the arrays of an archive: of train, val and test, and of
// train_labels, val_labels and test_labels, which are left out where there are
// none. An archive read without keys is searched for the usual names.
type Keys map[string]string

// ParseKeys reads keys as in train=images_a,train_labels=y1.
func ParseKeys(text string) (Keys, error) {
	keys := Keys{}
	for pair := range strings.SplitSeq(text, ",") {
		part, array, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, known := keyParts[part]; !ok || !known || array == "" || keys[part] != "" {
			return nil, fmt.Errorf("data: keys %q: %q; want part=array, the parts %s, each once", text, pair, strings.Join(slices.Sorted(maps.Keys(keyParts)), ", "))
		}
		keys[part] = array
	}
	return keys, nil
}

// ReadNPZ reads an archive of NumPy arrays, as numpy.savez writes it: those
// that keys name, or x_train, and where they are there x_val and x_test, with
// y_train and so on for labels; or train_images and train_labels and so on. A
// single array is the training set. Other arrays are left out, as Notes says.
func ReadNPZ(r io.ReaderAt, size int64, name string, keys Keys) (*Source, error) {
	a, err := openArchive(r, size, name, keys)
	if err != nil {
		return nil, err
	}
	if a.found[setPart{}] == nil {
		return nil, a.unclear("no array is known as the training set")
	}
	s := &Source{Name: name}
	if len(a.others) > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: left out %s", name, strings.Join(a.others, ", ")))
	}
	for set, into := range []*Set{&s.Train, &s.Val, &s.Test} {
		notes, err := a.read(set, into)
		if err != nil {
			return nil, err
		}
		s.Notes = append(s.Notes, notes...)
	}
	return s, s.Validate()
}

// archive is a zip of arrays.
type archive struct {
	name   string
	files  []*zip.File
	found  map[setPart]*zip.File
	others []string // that are none of the data
}

// openArchive finds the arrays of a source.
func openArchive(r io.ReaderAt, size int64, name string, keys Keys) (*archive, error) {
	if r == nil {
		return nil, noReader(name)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &FormatError{File: name, Problem: "broken archive", Want: "a zip of .npy files", Got: fmt.Sprintf("%q", err), Advice: again, Err: err}
	}
	a := &archive{name: name, found: map[setPart]*zip.File{}}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".npy") {
			a.files = append(a.files, f)
		} else {
			a.others = append(a.others, f.Name)
		}
	}
	if len(keys) > 0 {
		err = a.take(keys)
	} else {
		err = a.search()
	}
	for _, f := range a.files {
		if !slices.Contains(slices.Collect(maps.Values(a.found)), f) {
			a.others = append(a.others, arrayName(f))
		}
	}
	for set := range 3 {
		if labels := a.found[setPart{set, true}]; err == nil && labels != nil && a.found[setPart{set: set}] == nil {
			err = a.unclear(fmt.Sprintf("labels %s without rows", arrayName(labels)))
		}
	}
	return a, err
}

// take finds the arrays that keys name.
func (a *archive) take(keys Keys) error {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		array := keys[key]
		part, known := keyParts[key]
		if !known {
			return fmt.Errorf("data: %s: no part of a source is called %q; want %s", a.name, key, strings.Join(slices.Sorted(maps.Keys(keyParts)), ", "))
		}
		at := slices.IndexFunc(a.files, func(f *zip.File) bool { return arrayName(f) == array })
		if at < 0 {
			return a.unclear(fmt.Sprintf("no array is called %q", array))
		}
		a.found[part] = a.files[at]
	}
	return nil
}

// search finds arrays by their usual names.
func (a *archive) search() error {
	for _, f := range a.files {
		part, known := guess(arrayName(f))
		if !known {
			continue
		}
		if before := a.found[part]; before != nil {
			return a.unclear(fmt.Sprintf("%s and %s could be the same part of a data set", arrayName(before), arrayName(f)))
		}
		a.found[part] = f
	}
	if len(a.files) == 1 && len(a.found) == 0 {
		a.found = map[setPart]*zip.File{{}: a.files[0]}
	}
	return nil
}

// unclear is an error that lists what the archive holds.
func (a *archive) unclear(problem string) error {
	const most = 12
	var holds []string
	for _, f := range a.files[:min(most, len(a.files))] {
		holds = append(holds, arrayName(f)+" "+a.describe(f))
	}
	text := strings.Join(holds, ", ") + more(len(a.files)-len(holds))
	if text == "" {
		text = strings.Join(a.others[:min(most, len(a.others))], ", ")
	}
	return fmt.Errorf("data: %s: %s; it holds %s; name the arrays of the training, validation and test set and of their labels, or save them with numpy.savez(name, x_train=a)",
		a.name, problem, orNone(text))
}

// describe says what an array is by its header.
func (a *archive) describe(f *zip.File) string {
	text := "(broken)"
	_ = a.open(f, func(in io.Reader, name string) error { // what cannot be read is broken
		s, err := newStream(in, name)
		if err != nil {
			return err
		}
		h, err := s.npyHead()
		if err == nil {
			text = tuple(h.shape) + " " + cmp.Or(h.element().name, h.descr)
		}
		return err
	})
	return text
}

// read reads a set where there is one.
func (a *archive) read(set int, into *Set) (notes []string, err error) {
	rows := a.found[setPart{set: set}]
	if rows == nil {
		return nil, nil
	}
	err = a.open(rows, func(in io.Reader, name string) (err error) {
		into.Rows, notes, err = readNPY(in, name)
		return err
	})
	if err == nil {
		into.Labels, err = a.labels(set)
	}
	for i := range notes {
		notes[i] = arrayName(rows) + ": " + notes[i]
	}
	return notes, err
}

// labels reads those of a set, nil where there are none.
func (a *archive) labels(set int) (labels []byte, err error) {
	f := a.found[setPart{set, true}]
	if f == nil {
		return nil, nil
	}
	err = a.open(f, func(in io.Reader, name string) (err error) {
		labels, err = readNPYLabels(in, name)
		return err
	})
	return labels, err
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// arrayName is what numpy.load calls an array.
func arrayName(f *zip.File) string { return strings.TrimSuffix(f.Name, ".npy") }

// open opens an array and has it read.
func (a *archive) open(f *zip.File, read func(in io.Reader, name string) error) error {
	name := a.name + ":" + arrayName(f)
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("data: %s: %w", name, err)
	}
	return errors.Join(checksum(read(in, name), name), in.Close())
}

// checksum makes of the error of an archive's checksum one of its file.
func checksum(err error, name string) error {
	if errors.Is(err, zip.ErrChecksum) {
		return &FormatError{File: name, Problem: "broken archive", Want: "values with their checksum", Got: "others", Advice: again, Err: err}
	}
	return err
}
