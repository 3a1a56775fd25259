package data

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	trainImagesFile = "train-images-idx3-ubyte"
	trainLabelsFile = "train-labels-idx1-ubyte"
	testImagesFile  = "t10k-images-idx3-ubyte"
	testLabelsFile  = "t10k-labels-idx1-ubyte"
)

func labelFile(t testing.TB, labels ...byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteLabels(&out, labels); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// small is a dataset of 20x32: five training and two test images.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		trainImagesFile: imageFile(t, counting(5, 20, 32)),
		trainLabelsFile: labelFile(t, 3, 1, 4, 1, 5),
		testImagesFile:  imageFile(t, counting(2, 20, 32)),
		testLabelsFile:  labelFile(t, 9, 2),
	}
}

func mapFS(files map[string][]byte) fstest.MapFS {
	m := fstest.MapFS{}
	for name, file := range files {
		m[name] = &fstest.MapFile{Data: file}
	}
	return m
}

func checkSmall(t *testing.T, d *Source, name string, labelled bool) {
	t.Helper()
	if d.Name != name {
		t.Errorf("name %q, want %q", d.Name, name)
	}
	want := Source{
		Train: Set{Rows: counting(5, 20, 32), Labels: []byte{3, 1, 4, 1, 5}},
		Test:  Set{Rows: counting(2, 20, 32), Labels: []byte{9, 2}},
	}
	for _, s := range []struct {
		name      string
		got, want Set
	}{{name: "train", got: d.Train, want: want.Train}, {name: "test", got: d.Test, want: want.Test}} {
		if s.got.Len() != s.want.Len() || s.got.C != 1 || s.got.H != 20 || s.got.W != 32 {
			t.Errorf("%s: shape (%d,%d,%d,%d)", s.name, s.got.N, s.got.C, s.got.H, s.got.W)
		}
		if !bytes.Equal(s.got.Bytes, s.want.Bytes) {
			t.Errorf("%s: other pixels", s.name)
		}
		switch {
		case labelled && !bytes.Equal(s.got.Labels, s.want.Labels):
			t.Errorf("%s: labels %v, want %v", s.name, s.got.Labels, s.want.Labels)
		case !labelled && s.got.Labels != nil:
			t.Errorf("%s: labels %v, want nil", s.name, s.got.Labels)
		}
	}
}

func TestReadNames(t *testing.T) {
	dotted := func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }
	cases := []struct {
		name   string
		rename func(string) string
		gzip   bool
	}{
		{name: "plain", rename: func(s string) string { return s }},
		{name: "gz", rename: func(s string) string { return s + ".gz" }, gzip: true},
		{name: "dotted", rename: dotted},
		{name: "dotted gz", rename: func(s string) string { return dotted(s) + ".gz" }, gzip: true},
		{name: "gzip without gz", rename: func(s string) string { return s }, gzip: true},
		{name: "gz without gzip", rename: func(s string) string { return s + ".gz" }},
	}
	for _, c := range cases {
		for _, labelled := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				files := map[string][]byte{}
				for name, file := range small(t) {
					if !labelled && strings.Contains(name, "labels") {
						continue
					}
					if c.gzip {
						file = zipped(t, file)
					}
					files[c.rename(name)] = file
				}
				d, err := Read(mapFS(files), "small")
				if err != nil {
					t.Fatal(err)
				}
				checkSmall(t, d, "small", labelled)
			})
		}
	}
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "faces")
	// A directory of the file's name, as some archives unpack, is passed over.
	if err := os.MkdirAll(filepath.Join(dir, trainImagesFile), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, file := range small(t) {
		if err := os.WriteFile(filepath.Join(dir, name+".gz"), zipped(t, file), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, dir + string(filepath.Separator)} {
		got, err := Open(d)
		if err != nil {
			t.Fatal(err)
		}
		checkSmall(t, got, "faces", true)
	}
	t.Chdir(dir)
	got, err := Open(".")
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, got, "faces", true)
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, dir, fragment string }{
		{name: "nothing", dir: filepath.Join(dir, "nothing"), fragment: "give a directory of IDX files"},
		{name: "file", dir: file, fragment: file + " is a file (an empty file); give a .npy or .npz file, or the directory"},
		{name: "empty", dir: dir, fragment: "want train-images-idx3-ubyte, plain or .gz"},
	}
	for _, c := range cases {
		if _, err := Open(c.dir); err == nil || !strings.Contains(err.Error(), c.fragment) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fragment)
		}
	}
}

func TestReadSetErrors(t *testing.T) {
	cases := []struct {
		name     string
		change   func(files map[string][]byte)
		fragment string
		missing  bool
	}{
		{
			name: "no training images", change: func(f map[string][]byte) { delete(f, trainImagesFile) }, missing: true,
			fragment: "data: small: want train-images-idx3-ubyte, plain or .gz, there or up to two folders below, " +
				"got t10k-images-idx3-ubyte (3-dimensional IDX of unsigned byte), ",
		},
		{
			name: "no test images", change: func(f map[string][]byte) { delete(f, testImagesFile) }, missing: true,
			fragment: "data: small: labels of a test set, t10k-labels-idx1-ubyte, without its images; ",
		},
		{
			name:     "training labels",
			change:   func(f map[string][]byte) { f[trainLabelsFile] = labelFile(t, 1, 2) },
			fragment: "data: small: training labels: want 5, one a row, got 2; ",
		},
		{
			name:     "test labels",
			change:   func(f map[string][]byte) { f[testLabelsFile] = labelFile(t, 1, 2, 3) },
			fragment: "data: small: test labels: want 2, one a row, got 3; ",
		},
		{
			name:     "sizes",
			change:   func(f map[string][]byte) { f[testImagesFile] = imageFile(t, counting(2, 32, 20)) },
			fragment: "data: small: test rows: want 20×32 as in training, got 32×20; ",
		},
		{
			name:     "broken",
			change:   func(f map[string][]byte) { f[testLabelsFile] = f[testLabelsFile][:9] },
			fragment: "data: small/t10k-labels-idx1-ubyte: truncated: want 10 bytes, got 9; the file is damaged; get it again; or leave the labels out",
		},
		{
			name: "two broken, the first is told",
			change: func(f map[string][]byte) {
				f[trainLabelsFile], f[testLabelsFile] = f[trainLabelsFile][:9], f[testLabelsFile][:9]
			},
			fragment: "data: small/train-labels-idx1-ubyte: truncated: want 13 bytes, got 9; ",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := small(t)
			c.change(files)
			d, err := Read(mapFS(files), "small")
			if err == nil || !strings.Contains(err.Error(), c.fragment) {
				t.Fatalf("error %v, want %q", err, c.fragment)
			}
			if d != nil {
				t.Error("a dataset came with the error")
			}
			if errors.Is(err, fs.ErrNotExist) != c.missing {
				t.Errorf("error %v is fs.ErrNotExist: %t, want %t", err, !c.missing, c.missing)
			}
		})
	}
}

// denied fails to look at or to open one file.
type denied struct {
	fs.FS
	file string
	stat bool // when looked at; else when opened
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.file {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func (d denied) Stat(name string) (fs.FileInfo, error) {
	if name == d.file && d.stat {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrPermission}
	}
	return fs.Stat(d.FS, name)
}

// Labels that are there but cannot be read are an error, not missing.
func TestReadDenied(t *testing.T) {
	for _, file := range []string{trainImagesFile, testLabelsFile} {
		for _, stat := range []bool{true, false} {
			_, err := Read(denied{FS: mapFS(small(t)), file: file, stat: stat}, "small")
			if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), "data: small/"+file+": ") {
				t.Errorf("%s denied: error %v", file, err)
			}
		}
	}
}
