package dataset

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"aegis/data"
)

// Labels are by the classes of a model, whatever classes the data have: those of
// folders, of each set, and of a table's column. One that the model has not is
// an error that names it.
func TestModelClasses(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"flat/b/1.png", "flat/c/2.png", "sets/Train/c/1.png", "sets/test/b/2.png", "other/b/1.png", "other/dog/2.png"} {
		dots(t, filepath.Join(dir, filepath.FromSlash(name)), uint8(i))
	}
	write(t, filepath.Join(dir, "flat.csv"), []byte("x,y,kind\n1,2,b\n3,4,c\n"))
	write(t, filepath.Join(dir, "other.csv"), []byte("x,y,kind\n1,2,b\n3,4,dog\n"))
	classes := []string{"a", "b", "c"}
	images := data.Shape{C: 1, H: 2, W: 4}
	ofImages := Options{Form: &data.Form{Classes: classes, Images: &data.ImageForm{Channels: 1, Height: 2, Width: 4, Fit: data.FitCrop}}, Shape: images}
	ofArrays := Options{Form: &data.Form{Classes: classes}, Shape: images}
	ofTable := Options{Form: &data.Form{Classes: classes, Table: &data.TableForm{Fields: []data.Field{{Name: "x"}, {Name: "y"}}, Label: "kind"}}, Shape: data.Shape{W: 2}}
	for name, c := range map[string]struct {
		what, set string
		opt       Options
		want      []byte // labels, of all sets
		wrong     string
	}{
		"folders":                  {what: "flat", opt: ofImages, want: []byte{1, 2}},
		"folders, model of arrays": {what: "flat", opt: ofArrays, want: []byte{1, 2}},
		"sets":                     {what: "sets", set: "all", opt: ofImages, want: []byte{2, 1}},
		"sets, no model":           {what: "sets", set: "all", want: []byte{1, 0}},
		"table":                    {what: "flat.csv", opt: ofTable, want: []byte{1, 2}},
		"unknown folder":           {what: "other", opt: ofImages, wrong: `"dog"`},
		"unknown folder, arrays":   {what: "other", opt: ofArrays, wrong: `"dog"`},
		"unknown in a table":       {what: "other.csv", opt: ofTable, wrong: `"dog"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, c.what)
			var got data.Set
			r, err := NewReader(t.Context(), path, c.set, c.opt)
			if err == nil {
				got, _, err = data.ReadAll(r)
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			check(t, "reader", got.Labels, err, c.want, c.wrong)
			s, err := Open(t.Context(), path, c.opt)
			if err == nil {
				got = s.Train
				got.Labels = append(got.Labels[:len(got.Labels):len(got.Labels)], s.Test.Labels...)
				defer func() { _ = s.Close() }()
			}
			check(t, "source", got.Labels, err, c.want, c.wrong)
		})
	}
}

func check(t *testing.T, what string, labels []byte, err error, want []byte, wrong string) {
	t.Helper()
	switch {
	case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)):
		t.Errorf("%s: %v, want an error that names %s", what, err, wrong)
	case wrong == "" && (err != nil || !bytes.Equal(labels, want)):
		t.Errorf("%s: labels %v, %v; want %v", what, labels, err, want)
	}
}
