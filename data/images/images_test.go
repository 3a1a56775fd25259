package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/internal/advice"
)

// plain is a PNG of 4×4 of one grey.
func plain(t testing.TB, v byte) string {
	m := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range m.Pix {
		m.Pix[i] = v
	}
	return string(pngOf(t, m))
}

// folderOf writes files, by their paths.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil {
			err = os.WriteFile(path, []byte(content), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// firsts are the first values of rows.
func firsts(rows data.Rows) []byte {
	var v []byte
	for i := range rows.N {
		v = append(v, rows.ByteRow(i)[0])
	}
	return v
}

// Folders become sets, classes and rows in sorted order; what is no image is
// left out with a note.
func TestOpen(t *testing.T) {
	colour := string(pngOf(t, paint(image.NewNRGBA(image.Rect(0, 0, 4, 4)), [4]color.NRGBA{{9, 1, 2, 255}, {9, 1, 2, 255}, {9, 1, 2, 255}, {9, 1, 2, 255}})))
	grey := func(v byte) string { return plain(t, v) }
	cases := []struct {
		name             string
		files            map[string]string
		opt              Options
		train, val, test []byte // first values
		labels, tests    []byte
		classes          []string
		shape            data.Shape
		notes            []string
	}{
		{
			name:  "no classes, names do not matter",
			files: map[string]string{"b.png": grey(2), "a.txt": grey(1), "c": grey(3)},
			train: []byte{1, 2, 3}, shape: data.Shape{C: 1, H: 4, W: 4},
		},
		{
			name:  "classes, deeper ones too",
			files: map[string]string{"cat/2.png": grey(2), "cat/1.png": grey(1), "ape/x/y/3.png": grey(3), "notes.txt": "BMI,height,weight", ".hidden/1.png": grey(9), "cat/Thumbs.db": "x"},
			train: []byte{3, 1, 2}, labels: []byte{0, 1, 1}, classes: []string{"ape", "cat"}, shape: data.Shape{C: 1, H: 4, W: 4},
			notes: []string{"files that are no images are left out, 3 of them"},
		},
		{
			name:  "sets",
			files: map[string]string{"train/1.png": grey(1), "test/2.png": grey(2), "valid/3.png": grey(3)},
			train: []byte{1}, val: []byte{3}, test: []byte{2}, shape: data.Shape{C: 1, H: 4, W: 4},
		},
		{
			name:  "sets of classes, one of them in the test set alone",
			files: map[string]string{"train/b/1.png": grey(1), "test/a/2.png": grey(2), "test/b/3.png": grey(3)},
			train: []byte{1}, test: []byte{2, 3}, labels: []byte{1}, tests: []byte{0, 1}, classes: []string{"a", "b"}, shape: data.Shape{C: 1, H: 4, W: 4},
		},
		{
			name:  "one image of colour",
			files: map[string]string{"1.png": grey(7), "2.png": colour}, opt: Options{Height: 2, Width: 3},
			train: []byte{7, 9}, shape: data.Shape{C: 3, H: 2, W: 3},
		},
		{
			name:  "grey",
			files: map[string]string{"1.png": grey(7), "2.png": colour}, opt: Options{Gray: true},
			train: []byte{7, 4}, shape: data.Shape{C: 1, H: 4, W: 4},
		},
		{
			name:  "broken ones",
			files: map[string]string{"1.png": grey(7), "2.png": "a note", "3.jpg": "", "4.png": grey(8)[:50], "5.png": grey(5), "x/": ""}, opt: Options{Height: 4, Width: 4},
			train: []byte{7, 5}, shape: data.Shape{C: 1, H: 4, W: 4},
			notes: []string{"broken files are left out, 3 of 5: 2.png (this is no PNG, JPEG, GIF, BMP, WebP or TIFF image), 3.jpg (the file is empty), 4.png (png: invalid format: not enough pixel data)"},
		},
		{
			name:  "broken ones keep labels right",
			files: map[string]string{"a/1.png": "?", "b/1.png": grey(5), "b/2.png": "?", "c/1.png": grey(6)},
			train: []byte{5, 6}, labels: []byte{1, 2}, classes: []string{"a", "b", "c"}, shape: data.Shape{C: 1, H: 4, W: 4},
			notes: []string{"broken files are left out, 2 of 4: a/1.png (this is no PNG, JPEG, GIF, BMP, WebP or TIFF image), b/2.png (this is no PNG, JPEG, GIF, BMP, WebP or TIFF image)"},
		},
		{
			name:  "a model's classes",
			files: map[string]string{"dog/1.png": grey(5)}, opt: Options{Form: &data.ImageForm{Channels: 1, Height: 1, Width: 1, Fit: data.FitPad}, Classes: []string{"cat", "dog"}},
			train: []byte{5}, labels: []byte{1}, classes: []string{"cat", "dog"}, shape: data.Shape{C: 1, H: 1, W: 1},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			delete(c.files, "x/")
			s, err := Open(t.Context(), folderOf(t, c.files), c.opt)
			if err != nil {
				t.Fatal(err)
			}
			got := []any{firsts(s.Train.Rows), firsts(s.Val.Rows), firsts(s.Test.Rows), s.Train.Labels, s.Test.Labels, s.Classes, s.Train.Shape, s.Notes}
			want := []any{c.train, c.val, c.test, c.labels, c.tests, c.classes, c.shape, c.notes}
			for i := range want {
				if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
					t.Errorf("value %d: got %v, want %v", i, got[i], want[i])
				}
			}
			if s.Images == nil || s.Images.Shape() != c.shape || s.Mapped() {
				t.Errorf("form %v, mapped %v", s.Images, s.Mapped())
			}
		})
	}
}

// What cannot be read is one clear line.
func TestOpenErrors(t *testing.T) {
	wide := string(pngOf(t, image.NewGray(image.Rect(0, 0, 8, 2))))
	many := map[string]string{}
	for i := range 257 {
		many[fmt.Sprintf("%03d/1.png", i)] = plain(t, 1)
	}
	form := &data.ImageForm{Channels: 1, Height: 4, Width: 4, Fit: data.FitCrop}
	cases := []struct {
		name  string
		files map[string]string
		opt   Options
		want  string
	}{
		{"empty folder", nil, Options{}, "no image among 0 files; want PNG"},
		{"no images", map[string]string{"a.csv": "1,2", "b.txt": ""}, Options{}, "no image among 2 files; want PNG"},
		{"other sizes", map[string]string{"a.png": plain(t, 1), "b.png": wide}, Options{}, "images of 2 sizes, from 2×8 to 4×4; want one: choose a height and a width for all"},
		{"all broken", map[string]string{"a.png": "x", "b.png": "y"}, Options{}, "all 2 image files are broken, such as a.png (this is no PNG"},
		{"all of a set broken", map[string]string{"a.png": "x"}, Options{Height: 2, Width: 2}, "all 1 image files of a set are broken, such as a.png (this"},
		{"strict", map[string]string{"a.png": plain(t, 1), "b.png": "x"}, Options{Strict: true}, "b.png: this is no PNG"},
		{"a mixture", map[string]string{"a.png": plain(t, 1), "b/c.png": plain(t, 1)}, Options{}, "1 images, such as a.png, beside 1 folders of images, such as b; want"},
		{"many classes", many, Options{}, "257 folders of images; want at most 256"},
		{"no training set", map[string]string{"test/a.png": plain(t, 1)}, Options{}, "no training images"},
		{"another class", map[string]string{"a/a.png": plain(t, 1)}, Options{Form: form, Classes: []string{"b"}}, `folder "a"; want those of the model's classes, ["b"]`},
		{"a form and a shape", map[string]string{"a.png": plain(t, 1)}, Options{Form: form, Height: 2}, "a model's form, and a shape"},
		{"a height alone", nil, Options{Height: 2}, "2×0; want a height and a width"},
		{"too large a shape", nil, Options{Height: 1 << 20, Width: 1 << 20}, "want a height and a width of at least 1 and at most 268435456 pixels"},
		{"another fit", nil, Options{Fit: "zoom"}, `fit "zoom"; want one of`},
		{"workers", nil, Options{Workers: -1}, "-1 workers"},
		{"no cache", map[string]string{"a.png": plain(t, 1), "b.png": plain(t, 1)}, Options{budget: 20}, "2 images of 4×4 are 0.00 GB, more than the 0.00 GB that fit into memory; give a folder for a cache"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(t.Context(), folderOf(t, c.files), c.opt)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A folder's name that is no UTF-8, which not every file system has, is no
// class: a model's file could not name it.
func TestClassNoUTF8(t *testing.T) {
	for name, ok := range map[string]bool{"kät": true, "k\xe4t": false} {
		for _, known := range [][]string{nil, {name}} {
			l := &listing{place: "pets", files: []file{{name: name + "/1.png", class: name}}}
			err := l.classify(known)
			if ok && err != nil || !ok && (err == nil || !strings.Contains(err.Error(), `images: pets: folder "k\xe4t"; want a name in UTF-8`) || !strings.Contains(err.Error(), "rename the folder")) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

// Images of several sizes are helped by the option of one.
func TestSizesAdvice(t *testing.T) {
	wide := string(pngOf(t, image.NewGray(image.Rect(0, 0, 8, 2))))
	_, err := Open(t.Context(), folderOf(t, map[string]string{"a.png": plain(t, 1), "b.png": wide}), Options{})
	if got := advice.Of(err); !slices.Equal(got, []string{"size 64x64"}) {
		t.Errorf("advice %q with %v", got, err)
	}
}

// Links to files are followed; loops of links end, and a broken one is a broken
// image where it is called one.
func TestLinks(t *testing.T) {
	dir := folderOf(t, map[string]string{"a.png": plain(t, 1)})
	for name, to := range map[string]string{"b.png": "a.png", "c.png": "c.png", "loop": ".", "d.png": "nothing"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(s.Notes, "\n")
	if !bytes.Equal(firsts(s.Train.Rows), []byte{1, 1}) || !strings.Contains(notes, "left out, 2 of 4: c.png (") || !strings.Contains(notes, "links to folders are not followed, 1 of them") {
		t.Errorf("rows %v, notes %s", firsts(s.Train.Rows), notes)
	}
}

// Rows do not depend on the number of workers, and a reader gives those of Open.
func TestReader(t *testing.T) {
	files := map[string]string{"a/broken.png": "x", "c/note.txt": "x"}
	for i := range 50 {
		m := paint(image.NewNRGBA(image.Rect(0, 0, 5+i, 60-i)), [4]color.NRGBA{{byte(i), 1, 2, 255}, {9, byte(3 * i), 7, 255}, {0, 0, byte(5 * i), 255}, {9, 8, 7, byte(4 * i)}})
		files[fmt.Sprintf("%c/%d.png", 'a'+i%3, i)] = string(pngOf(t, m))
	}
	dir := folderOf(t, files)
	var want *data.Source
	for _, workers := range []int{1, 2, 7, 0} {
		opt := Options{Height: 6, Width: 7, Workers: workers}
		last := 0
		opt.Progress = func(done, of int) {
			if done != last+1 || of != 51 {
				t.Errorf("progress %d of %d after %d", done, of, last)
			}
			last = done
		}
		s, err := Open(t.Context(), dir, opt)
		if err != nil || last != 51 {
			t.Fatal(last, err)
		}
		if want == nil {
			want = s
		}
		if !reflect.DeepEqual(s.Train, want.Train) || !slices.Equal(s.Notes, want.Notes) {
			t.Errorf("%d workers give other rows", workers)
		}
		last = 0
		r, err := NewReader(t.Context(), dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		set, names, err := data.ReadAll(r)
		if err != nil || !reflect.DeepEqual(set, want.Train) || len(names) != 50 || names[0] != "a/0.png" || names[49] != "c/8.png" {
			t.Errorf("%d workers: read %d rows, names %v, error %v", workers, set.N, names, err)
		}
		if notes := r.(interface{ Notes() []string }).Notes(); !slices.Equal(notes, want.Notes) {
			t.Errorf("notes %v, want %v", notes, want.Notes)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A reader takes one image too, and a model's form.
func TestReadOne(t *testing.T) {
	dir := folderOf(t, map[string]string{"a.png": plain(t, 7), "note.txt": "x"})
	r, err := NewReader(t.Context(), filepath.Join(dir, "a.png"), Options{Form: &data.ImageForm{Channels: 3, Height: 1, Width: 2, Fit: data.FitPad}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := r.Next(10)
	if err != nil || !bytes.Equal(c.Bytes, []byte{7, 0, 7, 0, 7, 0}) || !slices.Equal(c.Names, []string{"a.png"}) || c.Labels != nil {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := r.Next(1); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
	if _, err := NewReader(t.Context(), filepath.Join(dir, "note.txt"), Options{}); err == nil || !strings.Contains(err.Error(), "note.txt: this is no PNG") {
		t.Errorf("text: %v", err)
	}
}

// What is cancelled ends with the context's error and leaves no half file.
func TestCancelled(t *testing.T) {
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("%d.png", i)] = plain(t, 1)
	}
	dir, cache := folderOf(t, files), t.TempDir()
	for name, budget := range map[string]uint64{"memory": 0, "cache": 1} {
		ctx, cancel := context.WithCancel(t.Context())
		opt := Options{Height: 4, Width: 4, Cache: cache, budget: budget, Progress: func(done, of int) {
			if done == 3 {
				cancel()
			}
		}}
		if _, err := Open(ctx, dir, opt); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
		if left, err := os.ReadDir(cache); err != nil || len(left) != 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := NewReader(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(1); !errors.Is(err, context.Canceled) {
		t.Errorf("reader: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A folder holds images by their content, up to two folders below.
func TestHolds(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"none":          {map[string]string{"a.png": "text", "b.csv": "BMI,1"}, false},
		"another name":  {map[string]string{"a.dat": plain(t, 1)}, true},
		"two below":     {map[string]string{"a/b/c": plain(t, 1)}, true},
		"three below":   {map[string]string{"a/b/c/d": plain(t, 1)}, false},
		"hidden folder": {map[string]string{".a/d.png": plain(t, 1)}, false},
	} {
		if got := Holds(folderOf(t, c.files)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if Holds(filepath.Join(t.TempDir(), "none")) {
		t.Error("a folder that is not there")
	}
}
