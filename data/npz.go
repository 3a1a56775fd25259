package data

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The names that the arrays of an archive go by, in lower case.
var arrayNames = map[string]setPart{
	"x_train": {set: 0}, "train_x": {set: 0}, "train_images": {set: 0}, "train": {set: 0}, "x": {set: 0}, "data": {set: 0},
	"x_val": {set: 1}, "val_x": {set: 1}, "val_images": {set: 1}, "val": {set: 1}, "x_valid": {set: 1}, "valid": {set: 1},
	"x_test": {set: 2}, "test_x": {set: 2}, "test_images": {set: 2}, "test": {set: 2},
	"y_train": {0, true}, "train_y": {0, true}, "train_labels": {0, true}, "y": {0, true}, "labels": {0, true},
	"y_val": {1, true}, "val_y": {1, true}, "val_labels": {1, true}, "y_valid": {1, true},
	"y_test": {2, true}, "test_y": {2, true}, "test_labels": {2, true},
}

// setPart is the rows or the labels of a set: training, validation, test.
type setPart struct {
	set    int
	labels bool
}

// ReadNPZ reads an archive of NumPy arrays, as numpy.savez writes it: x_train,
// and where they are there x_val and x_test, with y_train and so on for labels;
// or train_images and train_labels and so on. A single array is the training
// set. Other arrays are left out, as Notes says.
func ReadNPZ(r io.ReaderAt, size int64, name string) (*Source, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &FormatError{File: name, Problem: "broken archive", Want: "a zip of .npy files", Got: fmt.Sprintf("%q", err), Advice: again, Err: err}
	}
	found, others, err := arrays(archive, name)
	if err != nil {
		return nil, err
	}
	s := &Source{Name: name}
	if len(others) > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: left out %s", name, strings.Join(others, ", ")))
	}
	for set, into := range []*Set{&s.Train, &s.Val, &s.Test} {
		rows, labels := found[setPart{set: set}], found[setPart{set, true}]
		if rows == nil {
			if labels != nil {
				return nil, fmt.Errorf("data: %s: labels %s without rows; put the rows there, or take the labels away", name, arrayName(labels))
			}
			continue
		}
		var notes []string
		err := inArray(rows, name, func(in io.Reader, name string) (err error) {
			into.Rows, notes, err = readNPY(in, name)
			return err
		})
		if err == nil && labels != nil {
			err = inArray(labels, name, func(in io.Reader, name string) (err error) {
				into.Labels, err = readNPYLabels(in, name)
				return err
			})
		}
		if err != nil {
			return nil, err
		}
		for _, note := range notes {
			s.Notes = append(s.Notes, arrayName(rows)+": "+note)
		}
	}
	return s, s.Validate()
}

// arrays finds the arrays of a source, and names those that are none of it.
func arrays(archive *zip.Reader, name string) (found map[setPart]*zip.File, others []string, err error) {
	found = make(map[setPart]*zip.File)
	var all []*zip.File
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".npy") {
			others = append(others, f.Name)
			continue
		}
		all = append(all, f)
		part, known := arrayNames[strings.ToLower(arrayName(f))]
		if !known {
			others = append(others, arrayName(f))
			continue
		}
		if before := found[part]; before != nil {
			return nil, nil, fmt.Errorf("data: %s: %s and %s are the same part of a data set; want one of them", name, arrayName(before), arrayName(f))
		}
		found[part] = f
	}
	train := setPart{}
	if len(all) == 1 && len(found) == 0 {
		return map[setPart]*zip.File{train: all[0]}, nil, nil
	}
	if found[train] == nil {
		for _, f := range found {
			others = append(others, arrayName(f))
		}
		slices.Sort(others)
		holds := strings.Join(others[:min(len(others), 5)], ", ") + more(max(0, len(others)-5))
		return nil, nil, fmt.Errorf("data: %s: want an array x_train or train_images, or a single one, got %s; save it with numpy.savez(name, x_train=a)",
			name, orNone(holds))
	}
	return found, others, nil
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// arrayName is what numpy.load calls an array.
func arrayName(f *zip.File) string { return strings.TrimSuffix(f.Name, ".npy") }

// inArray opens an array and has it read.
func inArray(f *zip.File, archive string, read func(in io.Reader, name string) error) error {
	name := archive + ":" + arrayName(f)
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("data: %s: %w", name, err)
	}
	err = read(in, name)
	if errors.Is(err, zip.ErrChecksum) {
		err = &FormatError{File: name, Problem: "broken archive", Want: "values with their checksum", Got: "others", Advice: again, Err: err}
	}
	return errors.Join(err, in.Close())
}
