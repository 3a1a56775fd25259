package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// below gives every file another place and name.
func below(t *testing.T, rename func(string) string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, file := range small(t) {
		files[rename(name)] = file
	}
	return files
}

func TestReadBelow(t *testing.T) {
	qmnist := strings.NewReplacer("t10k", "test", "train", "train", "idx1-ubyte", "idx2-int")
	cases := []struct {
		name   string
		rename func(string) string
		note   string
	}{
		{name: "a folder", rename: func(s string) string { return "fashion/" + s }, note: "the dataset lies in small/fashion"},
		{name: "torchvision", rename: func(s string) string { return "MNIST/raw/" + s }, note: "the dataset lies in small/MNIST/raw"},
		{name: "prefix", rename: func(s string) string { return "kuzushiji-" + s }},
		{name: "QMNIST", rename: func(s string) string { return "qmnist-" + qmnist.Replace(s) }},
		{name: "capitals", rename: strings.ToUpper},
		{name: "prefix below", rename: func(s string) string { return "a/b/my-own-" + s }, note: "the dataset lies in small/a/b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := Read(mapFS(below(t, c.rename)), "small")
			if err != nil {
				t.Fatal(err)
			}
			checkSmall(t, d, "small", true)
			if want := strings.Fields(c.note); len(want) > 0 && !slices.Equal(d.Notes, []string{c.note}) || len(want) == 0 && d.Notes != nil {
				t.Errorf("notes %q, want %q", d.Notes, c.note)
			}
		})
	}
}

func TestReadPrefersTheFolderItself(t *testing.T) {
	files := small(t)
	for name := range small(t) {
		files["emnist-letters-"+name] = []byte("not to be read")
		files["old/"+name] = []byte("not to be read")
	}
	d, err := Read(mapFS(files), "small")
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d, "small", true)
}

func TestReadWithoutTestSet(t *testing.T) {
	files := small(t)
	delete(files, testImagesFile)
	delete(files, testLabelsFile)
	d, err := Read(mapFS(files), "small")
	if err != nil || d.Train.Len() != 5 || !d.Test.empty() {
		t.Errorf("dataset %+v, error %v", d, err)
	}
}

// EMNIST's images are stored column by column.
func TestReadEMNIST(t *testing.T) {
	files := map[string][]byte{}
	for name, file := range small(t) {
		if strings.Contains(name, "images") {
			m := counting(5, 20, 32)
			if name == testImagesFile {
				m = counting(2, 20, 32)
			}
			m.upright()
			file = imageFile(t, m)
		}
		files["emnist-letters-"+name] = file
	}
	d, err := Read(mapFS(files), "small")
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d, "small", true)
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "turned upright") {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestSeveralDatasets(t *testing.T) {
	dir := t.TempDir()
	for name, file := range small(t) {
		for _, prefix := range []string{"kmnist-", "own-"} {
			if err := os.WriteFile(filepath.Join(dir, prefix+name), file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := Open(dir)
	if want := "2 datasets lie there; want one: give " + filepath.ToSlash(dir) + "/kmnist, or "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	d, err := Open(filepath.Join(dir, "own"))
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d, "own", true)
	if _, err := Open(filepath.Join(dir, "other")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such prefix: %v", err)
	}
}

func TestLinksAreFollowed(t *testing.T) {
	real, root := t.TempDir(), t.TempDir()
	for name, file := range small(t) {
		if err := os.WriteFile(filepath.Join(real, name), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(real, filepath.Join(root, "link")); err != nil {
		t.Skipf("no links here: %v", err)
	}
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d, filepath.Base(root), true)
}

func TestOtherFormats(t *testing.T) {
	pickle := zipped(t, []byte("\x80\x04\x95 and so on"))
	cases := []struct {
		name, want string
		files      map[string][]byte
	}{
		{name: "nothing", want: "got no file; "},
		{name: "npz", files: map[string][]byte{"blood.npz": []byte("PK\x03\x04")}, want: "got blood.npz (a zip archive or npz); "},
		{name: "pickle", files: map[string][]byte{"mnist.pkl.gz": pickle}, want: "got mnist.pkl.gz (gzip of a Python pickle); "},
		{
			name:  "folders of PNG",
			files: map[string][]byte{"0/1.png": []byte("\x89PNG"), "0/2.png": []byte("\x89PNG"), "1/3.png": []byte("\x89PNG"), "1/4.png": nil},
			want:  "got 0/1.png (a PNG image), 0/2.png (a PNG image), 1/3.png (a PNG image) and 1 more; ",
		},
		{name: "CSV", files: map[string][]byte{"t.csv": []byte("label,1x1,1x2\n5,0,0\n")}, want: "got t.csv (CSV); "},
		{name: "unknown", files: map[string][]byte{"data_batch_1.bin": make([]byte, 3073)}, want: "got data_batch_1.bin; "},
		{name: "too deep", files: map[string][]byte{"a/b/c/train-images-idx3-ubyte": nil}, want: "got no file; "},
	}
	for _, c := range cases {
		_, err := Read(mapFS(c.files), "here")
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLook(t *testing.T) {
	for start, want := range map[string]string{
		"":                               "an empty file",
		"<!DOCTYPE html>\n<html>":        "an HTML page",
		"  <html lang=en>":               "an HTML page",
		"<?xml version='1.0'?>":          "XML",
		"{\"a\": 1, \"b\": 2}          ": "JSON",
		"one, two\n3, 4\n":               "CSV",
		"Übung macht den Meister":        "text",
		"\xff\xd8\xff\xe0":               "a JPEG image",
		"\x93NUMPY\x01\x00":              "a NumPy array",
		"\x03\x08\x00\x00\x40":           "IDX with its bytes in the wrong order",
		"\x00\x00\x0d\x03":               "3-dimensional IDX of float32",
		"\x1f\x8b":                       "gzip",
		"\x01\x02\x03\x04\x05\x06":       "",
		"text, then\x00binary":           "",
		strings.Repeat("\x00", 257) + "ustar" + strings.Repeat("\x00", 200): "a tar archive",
	} {
		if got := Look([]byte(start)); got != want {
			t.Errorf("%q looks like %q, want %q", start[:min(20, len(start))], got, want)
		}
	}
	if got := Look(zipped(t, []byte("a,b\nc,d\n"))); got != "gzip of CSV" {
		t.Errorf("zipped CSV looks like %q", got)
	}
}
