package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/fashion"
)

// npy is a .npy file.
func npy(descr, shape string, values any) []byte {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	text += strings.Repeat(" ", 64-(len(text)+11)%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), 0)
	b, err := binary.Append(append(b, text...), binary.LittleEndian, values)
	if err != nil {
		panic(err)
	}
	return b
}

func npz(t *testing.T, arrays map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, file := range arrays {
		w, err := z.Create(name + ".npy")
		if err == nil {
			_, err = w.Write(file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t *testing.T, file []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(file)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// idx writes IDX files, three for training and one for a test, of a folder.
func idx(t *testing.T, dir string) {
	t.Helper()
	for name, n := range map[string]int{"train": 3, "t10k": 1} {
		var b bytes.Buffer
		err := data.WriteImages(&b, data.Rows{N: n, Shape: data.Shape{C: 1, H: 1, W: 2}, Bytes: []byte{1, 2, 3, 4, 5, 6}[:2*n]})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+"-images-idx3-ubyte"), b.Bytes())
	}
}

// temporary has temporary files in a folder, and says that none is left.
func temporary(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
}

var (
	counted = npy("<f4", "(3, 2)", []float32{1, 2, 3, 4, 5, 6})
	pixels  = npy("|u1", "(3, 1, 2)", []byte{1, 2, 3, 4, 5, 6})
)

// all reads a reader to its end.
func all(t *testing.T, r data.Reader) (data.Set, error) {
	t.Helper()
	n := data.Len(r)
	set, _, err := data.ReadAll(r)
	if err == nil && n >= 0 && n != set.N {
		t.Errorf("%d rows were said, %d came", n, set.N)
	}
	return set, errors.Join(err, r.Close())
}

// Each kind is the same, opened to train on or read, as a file or a stream.
func TestKinds(t *testing.T) {
	temporary(t)
	few := npz(t, map[string][]byte{"x": counted})
	for name, file := range map[string][]byte{
		"npy": counted, "npy.gz": packed(t, counted), "npz": few, "npz.gz": packed(t, few),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "a.png"), file)
			for _, what := range []string{path, "-"} {
				opt := Options{Stdin: bytes.NewReader(file)}
				s, err := Open(t.Context(), what, opt)
				if err != nil || !slices.Equal(s.Train.Floats, []float32{1, 2, 3, 4, 5, 6}) || s.Name == "" {
					t.Fatalf("open %s: %+v, %v", what, s, err)
				}
				opt.Stdin = bytes.NewReader(file)
				r, err := NewReader(t.Context(), what, "", opt)
				if err != nil {
					t.Fatal(err)
				}
				set, err := all(t, r)
				if err != nil || set.Shape != s.Train.Shape || !slices.Equal(set.Floats, s.Train.Floats) {
					t.Errorf("read %s: %+v, %v", what, set, err)
				}
			}
		})
	}
}

func TestSets(t *testing.T) {
	dir := t.TempDir()
	idx(t, filepath.Join(dir, "idx"))
	mixed := write(t, filepath.Join(dir, "mixed"), npz(t, map[string][]byte{"a": pixels, "b": npy("|u1", "(1, 1, 2)", []byte{9, 9}), "y": npy("|u1", "(3,)", []byte{1, 2, 3})}))
	keys := data.Keys{"train": "a", "train_labels": "y", "test": "b"}
	single := write(t, filepath.Join(dir, "single"), pixels)
	for _, c := range []struct {
		what, set string
		keys      data.Keys
		rows      int
		labels    int
		want      string
	}{
		{what: filepath.Join(dir, "idx"), rows: 1},
		{what: filepath.Join(dir, "idx"), set: "all", rows: 4},
		{what: filepath.Join(dir, "idx"), set: "train", rows: 3},
		{what: filepath.Join(dir, "idx"), set: "val", want: "there is no val set"},
		{what: mixed, keys: keys, rows: 1},
		{what: mixed, keys: keys, set: "train", rows: 3, labels: 3},
		{what: mixed, want: "labels y without rows; it holds"},
		{what: single, rows: 3},
		{what: single, set: "train", rows: 3},
		{what: single, set: "test", want: "is one set: there is no test set"},
		{what: single, set: "tests", want: "want one of train, val, test and all"},
		{what: "", rows: 10_000, labels: 10_000},
		{what: "mnist", set: "train", rows: 60_000, labels: 60_000},
	} {
		r, err := NewReader(t.Context(), c.what, c.set, Options{Keys: c.keys})
		var got data.Set
		if err == nil {
			got, err = all(t, r)
		}
		if c.want == "" && (err != nil || got.N != c.rows || len(got.Labels) != c.labels) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %q: %d rows, error %v, want %q", c.what, c.set, got.N, err, c.want)
		}
	}
	s, err := Open(t.Context(), mixed, Options{Keys: keys})
	if err != nil || s.Train.N != 3 || s.Test.N != 1 || len(s.Train.Labels) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A folder that is called as a data set is taken before it.
func TestNames(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := Open(t.Context(), "mnist", Options{})
	if err != nil || s.Train.N != 60_000 || len(s.Notes) != 0 {
		t.Fatalf("%v", err)
	}
	idx(t, "mnist")
	s, err = Open(t.Context(), "mnist", Options{})
	if err != nil || s.Train.N != 3 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "mnist is read from the path of this name") {
		t.Errorf("%+v, %v", s, err)
	}
	r, err := NewReader(t.Context(), "mnist", "", Options{})
	if err != nil || len(r.(Noted).Notes()) != 1 || r.Close() != nil {
		t.Errorf("%v", err)
	}
	idx(t, "more")
	for _, name := range []string{"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"} {
		if err := os.Rename(filepath.Join("more", name), filepath.Join("more", "some-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := Open(t.Context(), "more/some", Options{}); err != nil || s.Train.N != 3 {
		t.Errorf("a prefix: %+v, %v", s, err)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string { return write(t, filepath.Join(dir, name), content) }
	array := file("a.npy", counted)
	picture := file("p.npy", []byte("\x89PNG\r\n\x1a\n and so on"))
	idx(t, filepath.Join(dir, "idx"))
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	cut := packed(t, npz(t, map[string][]byte{"a": counted}))
	cut = cut[:len(cut)-20]
	form := data.Form{Images: &data.ImageForm{Channels: 1, Height: 1, Width: 2, Fit: data.FitPad}}
	for name, c := range map[string]struct {
		what  string
		opt   Options
		stdin string
		want  string
	}{
		"missing":       {what: filepath.Join(dir, "none"), want: `no such file or folder; give one, "mnist" or "fashion-mnist" by name, or "-" for the standard input`},
		"empty folder":  {what: filepath.Join(dir, "empty"), want: "got no file; put IDX files there: data.WriteImages makes them of bytes, or image files"},
		"empty file":    {what: file("e", nil), want: "is an empty file; want a table (CSV, TSV or Parquet), a .npy or .npz file"},
		"HDF5":          {what: file("h.csv", []byte("\x89HDF\r\n\x1a\n")), want: "is HDF5; want"},
		"unknown":       {what: file("u", []byte{1, 2, 3, 0xff, 0}), want: "is of no known kind; want"},
		"gzip of a PDF": {what: file("g", packed(t, []byte("%PDF-1.4 and so on"))), want: "is gzip of PDF; want"},
		"empty stream":  {what: "-", want: "standard input is an empty file; want"},
		"stream":        {what: "-", stdin: "\x89HDF", want: "standard input is HDF5"},
		"one picture":   {what: picture, want: "is a PNG image, and one is not enough to train on"},
		"cut gzip":      {what: file("cut", cut), want: "cut: broken gzip: unexpected EOF; the file is damaged"},
		"bad gzip":      {what: file("bad.csv.gz", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff")), want: "bad.csv.gz: broken gzip: flate: corrupt input before offset 1; the file is damaged; get it again"},
		"short gzip":    {what: file("s.csv.gz", packed(t, []byte("a,b\n1,2\n"))[:12]), want: "s.csv.gz: broken gzip: unexpected EOF; the file is damaged"},
		"gzip header":   {what: "-", stdin: "\x1f\x8b\x07\x00", want: "standard input: broken gzip: "},
		"wide header":   {what: file("r.csv", []byte("a,b,\n1,2\n3,4\n")), want: "r.csv: line 2: want 3 columns, as in the first line, got 2; correct the line"},
		"broken npz":    {what: file("z", []byte("PK\x03\x04 and so on")), want: "broken archive"},
		"a size":        {what: array, opt: Options{Height: 3, Width: 3, Keys: data.Keys{"train": "a"}}, want: "is a file of NumPy arrays, which does not go with a size, names of arrays; leave"},
		"a window":      {what: filepath.Join(dir, "idx"), opt: Options{Window: 3}, want: "is a folder of IDX files, which does not go with a window"},
		"columns":       {what: "mnist", opt: Options{Columns: []string{"a"}, Label: "x"}, want: "mnist is a data set with a name, which does not go with columns, a label column"},
		"shape":         {what: array, opt: Options{Shape: data.Shape{W: 3}}, want: "want rows of 3 values, which the model reads, got rows of 2 values"},
		"model's size":  {what: array, opt: Options{Shape: data.Shape{C: 1, H: 1, W: 2}, Form: &form, Height: 3}, want: "does not go with a size"},
	} {
		t.Run(name, func(t *testing.T) {
			c.opt.Stdin = strings.NewReader(c.stdin)
			_, err := Open(t.Context(), c.what, c.opt)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("open: %v\nwant %q", err, c.want)
			}
			if name == "one picture" || name == "wide header" { // which goes as far as it can be read
				return
			}
			c.opt.Stdin = strings.NewReader(c.stdin)
			if _, err = NewReader(t.Context(), c.what, "", c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("read: %v\nwant %q", err, c.want)
			}
		})
	}
	if err := (Options{Height: 1, Form: &form}).allow("a", "images", ofImages); err == nil || !strings.Contains(err.Error(), "a: the model has its own a size") {
		t.Errorf("%v", err)
	}
}

// What is downloaded is asked for where the options say, and told of.
func TestFashion(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	opt := Options{Fashion: fashion.Options{Dir: t.TempDir(), Addresses: []string{s.URL + "/"}}}
	for name, open := range map[string]func() error{
		"open": func() error { _, err := Open(t.Context(), "fashion-mnist", opt); return err },
		"read": func() error { _, err := NewReader(t.Context(), "fashion-mnist", "", opt); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), s.URL+"/train-images-idx3-ubyte.gz: the server says 404 Not Found") || !strings.Contains(err.Error(), opt.Fashion.Dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a model reads is given to it in its shape.
func TestShapes(t *testing.T) {
	vector, grey, colour := data.Shape{W: 6}, data.Shape{C: 1, H: 2, W: 3}, data.Shape{C: 3, H: 1, W: 2}
	for _, c := range []struct {
		got, want data.Shape
		ok        bool
	}{
		{vector, data.Shape{}, true},
		{vector, vector, true},
		{vector, grey, true},
		{grey, vector, true},
		{colour, colour, true},
		{vector, colour, false}, // which values are of one pixel?
		{colour, vector, false},
		{grey, data.Shape{C: 1, H: 3, W: 2}, false},
		{vector, data.Shape{W: 5}, false},
	} {
		got, err := fit("a", c.got, c.want)
		if (err == nil) != c.ok || c.ok && c.want != (data.Shape{}) && got != c.want {
			t.Errorf("%v for %v: %v, %v", c.got, c.want, got, err)
		}
	}
	path := write(t, filepath.Join(t.TempDir(), "a"), npy("|u1", "(2, 6)", []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}))
	opt := Options{Shape: grey}
	s, err := Open(t.Context(), path, opt)
	if err != nil || s.Train.Shape != grey || s.Validate() != nil {
		t.Errorf("%+v, %v", s, err)
	}
	r, err := NewReader(t.Context(), path, "", opt)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Next(1)
	if err != nil || r.Shape() != grey || c.Shape != grey || c.N != 1 || r.Close() != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

// The standard input may be endless, and silent.
func TestStandardInput(t *testing.T) {
	out, in := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	type opened struct {
		r   data.Reader
		err error
	}
	done := make(chan opened)
	go func() {
		r, err := NewReader(ctx, "-", "", Options{Stdin: out})
		done <- opened{r, err}
	}()
	head := npy("<f4", "(1000, 100)", make([]float32, 3*100))
	if _, err := in.Write(head); err != nil {
		t.Fatal(err)
	}
	o := <-done
	if o.err != nil || data.Len(o.r) != 1000 {
		t.Fatal(o.err)
	}
	if c, err := o.r.Next(2); err != nil || c.N != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	go cancel() // while it waits for more
	if _, err := o.r.Next(2); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := errors.Join(o.r.Close(), in.Close()); err != nil {
		t.Error(err)
	}
}
