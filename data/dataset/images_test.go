package dataset

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aegis/data"
	"aegis/data/images"
)

// dots writes a grey PNG of one value.
func dots(t *testing.T, path string, value uint8) string {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 4, 2))
	for i := range m.Pix {
		m.SetGray(i%4, i/4, color.Gray{Y: value})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return write(t, path, b.Bytes())
}

func TestImages(t *testing.T) {
	dir := t.TempDir()
	one := dots(t, filepath.Join(dir, "train", "a", "1.txt"), 10)
	dots(t, filepath.Join(dir, "train", "b", "2.png"), 20)
	dots(t, filepath.Join(dir, "test", "a", "3.png"), 30)
	dots(t, filepath.Join(dir, "test", "b", "4.png"), 40)
	if !images.Holds(dir) {
		t.Skip("package images does not read images yet")
	}
	s, err := Open(t.Context(), dir, Options{})
	shape := data.Shape{C: 1, H: 2, W: 4}
	if err != nil || s.Train.N != 2 || s.Test.N != 2 || s.Train.Shape != shape || s.Train.Bytes[8] != 20 || !slices.Equal(s.Classes, []string{"a", "b"}) {
		t.Fatalf("%+v, %v", s, err)
	}
	small := data.Shape{C: 1, H: 1, W: 2}
	for name, c := range map[string]struct {
		what, set string
		opt       Options
		first     []byte // of each row
		labels    []byte
		names     []string
	}{
		"test":   {what: dir, opt: Options{Form: &s.Form, Shape: shape}, first: []byte{30, 40}, labels: []byte{0, 1}, names: []string{"test/a/3.png", "test/b/4.png"}},
		"train":  {what: dir, set: "train", opt: Options{Form: &s.Form, Shape: shape}, first: []byte{10, 20}, labels: []byte{0, 1}, names: []string{"train/a/1.txt", "train/b/2.png"}},
		"all":    {what: dir, set: "all", opt: Options{Form: &s.Form, Shape: shape}, first: []byte{10, 20, 30, 40}, labels: []byte{0, 1, 0, 1}, names: []string{"train/a/1.txt", "train/b/2.png", "test/a/3.png", "test/b/4.png"}},
		"one":    {what: one, opt: Options{Form: &s.Form, Shape: shape}, first: []byte{10}},
		"arrays": {what: filepath.Join(dir, "test"), opt: Options{Shape: small, Fit: data.FitStretch}, first: []byte{30, 40}, labels: []byte{0, 1}, names: []string{"a/3.png", "b/4.png"}},
	} {
		r, err := NewReader(t.Context(), c.what, c.set, c.opt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		set, names, err := data.ReadAll(r)
		var first []byte
		for i := range set.N {
			first = append(first, set.ByteRow(i)[0])
		}
		if err != nil || set.Shape != c.opt.Shape || !bytes.Equal(first, c.first) || !bytes.Equal(set.Labels, c.labels) || c.names != nil && !slices.Equal(names, c.names) {
			t.Errorf("%s: %+v, rows that begin with %v, names %q, %v", name, set, first, names, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for want, opt := range map[string]Options{
		"the model reads 7 values":            {Shape: data.Shape{W: 7}},
		"does not go with a window":           {Window: 2},
		"the model has its own a size, a fit": {Form: &s.Form, Shape: shape, Height: 1, Width: 1, Fit: data.FitPad},
	} {
		if _, err := NewReader(t.Context(), dir, "", opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	if _, err := NewReader(t.Context(), dir, "val", Options{}); err == nil || !strings.Contains(err.Error(), "there is no val set") {
		t.Errorf("%v", err)
	}
}
