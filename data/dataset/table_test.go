package dataset

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/table"
)

const lines = "a;b;kind\n1,5;2;x\n3,5;4;y\n5,5;6;x\n"

// A table is the same as a file, in gzip, and from a stream; a model has it
// read as the one that it was trained on.
func TestTables(t *testing.T) {
	temporary(t)
	if !table.Is([]byte(lines)) {
		t.Skip("package table does not read tables yet")
	}
	for name, file := range map[string][]byte{"plain": []byte(lines), "gzip": packed(t, []byte(lines))} {
		path := write(t, filepath.Join(t.TempDir(), "a.npy"), file)
		for _, what := range []string{path, "-"} {
			opt := Options{Stdin: bytes.NewReader(file), Label: "kind"}
			s, err := Open(t.Context(), what, opt)
			if err != nil || !slices.Equal(s.Train.Floats, []float32{1.5, 2, 3.5, 4, 5.5, 6}) ||
				!slices.Equal(s.Train.Labels, []byte{0, 1, 0}) || !slices.Equal(s.Columns, []string{"a", "b"}) || strings.Contains(s.Name, "aegis-") {
				t.Fatalf("%s %s: %+v, %v", name, what, s, err)
			}
			opt = Options{Stdin: bytes.NewReader(file), Form: &s.Form, Shape: s.Train.Shape}
			r, err := NewReader(t.Context(), what, "", opt)
			if err != nil {
				t.Fatalf("%s %s: %v", name, what, err)
			}
			set, err := all(t, r)
			if err != nil || !slices.Equal(set.Floats, s.Train.Floats) {
				t.Errorf("%s %s: %+v, %v", name, what, set, err)
			}
			opt.Stdin, opt.Window, opt.Columns = bytes.NewReader(file), 2, []string{"a"}
			if _, err := NewReader(t.Context(), what, "", opt); err == nil || !strings.Contains(err.Error(), "the model has its own columns, a window") {
				t.Errorf("a window beside a model's: %v", err)
			}
		}
	}
	path := write(t, filepath.Join(t.TempDir(), "a"), []byte("1,2\n3,4\n"))
	for want, opt := range map[string]Options{
		"is a table, which does not go with a size":            {Height: 3, Width: 3},
		"is a table, which does not go with strict reading":    {Strict: true},
		"is a table, which does not go with names of arrays":   {Keys: data.Keys{"train": "a"}},
		"want rows of 3 values, which the model reads, got":    {Shape: data.Shape{W: 3}},
		"want rows of 1×3, which the model reads, got rows of": {Shape: data.Shape{C: 1, H: 1, W: 3}},
	} {
		if _, err := NewReader(t.Context(), path, "", opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
}
