package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strings"
	"testing"
)

// run of two epochs, for tests.
func runCurve(name string, train ...float64) RunCurve {
	c := RunCurve{Name: name, Train: train}
	for i := range train {
		c.Epoch = append(c.Epoch, float64(i+1))
	}
	return c
}

// charts draws one small picture of each kind of this file.
func charts(f Format) map[string]func(io.Writer) error {
	val := runCurve("first", 3, 2)
	val.Val, val.Test = []float64{4, 3}, []float64{math.NaN(), 3}
	return map[string]func(io.Writer) error{
		"runs": func(w io.Writer) error {
			return Runs(w, RunCurves{Format: f, Runs: []RunCurve{val, runCurve("second", 2, 1)}})
		},
		"filters": func(w io.Writer) error {
			return Signed(w, Filters{Format: f, H: 1, W: 2, Columns: 2, Images: [][]float32{{1, -2}, {0, 2}}, Label: "weight", Captions: []string{"1", "2"}})
		},
		"heat": func(w io.Writer) error {
			return HeatMap(w, Heat{Format: f, Lines: []string{"a", "b"}, Columns: 2, Values: []float32{1, 0, -1, 0}, Label: "weight"})
		},
		"charts": func(w io.Writer) error {
			return Charts(w, Panels{Format: f, Columns: 2, Panels: []Panel{{Name: "a", Lines: []Line{{Label: "given", X: []float64{0, 1}, Y: []float64{1, 2}}}}}})
		},
		"codes": func(w io.Writer) error { c := scattered(40, 9, 3); c.Format = f; return Latent(w, c) },
		"reconstructions": func(w io.Writer) error {
			return Reconstructions(w, Grid{Format: f, Pixels: Pixels{C: 1, H: 1, W: 2, Hi: 1}, Originals: [][]float32{{0, 1}}, Rebuilt: [][]float32{{1, 0}}})
		},
		"sheet": func(w io.Writer) error {
			return Images(w, Sheet{Format: f, Pixels: Pixels{C: 1, H: 1, W: 2, Hi: 1}, Columns: 1, Images: [][]float32{{0, 1}}})
		},
	}
}

// TestFormats: every picture is a PNG or an SVG, the same bytes each time.
func TestFormats(t *testing.T) {
	for f, start := range map[Format]string{"": "\x89PNG", PNG: "\x89PNG", SVG: "<?xml"} {
		for name, draw := range charts(f) {
			var first, second bytes.Buffer
			if err := draw(&first); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_ = draw(&second)
			if !strings.HasPrefix(first.String(), start) || !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("%s as %q begins with %.9q, the same twice: %v", name, f, first.String(), bytes.Equal(first.Bytes(), second.Bytes()))
			}
		}
	}
	for name, draw := range charts("gif") {
		if err := draw(io.Discard); err == nil || !strings.Contains(err.Error(), `format "gif"; want one of`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestRuns: each run has its colour, and many names are several lines.
func TestRuns(t *testing.T) {
	var c RunCurves
	for i := range MaxRuns {
		c.Runs = append(c.Runs, runCurve(fmt.Sprintf("a run of a long name, number %d", i), float64(i+2), float64(i+1)))
	}
	c.Runs[0].Train[0] = 60 // the others lie below
	img := picture(t, func(b *bytes.Buffer) error { return Runs(b, c) })
	if img.Bounds().Dy() <= 900 {
		t.Errorf("%v has no room for the legend", img.Bounds())
	}
	below := image.Rect(150, 400, 1400, img.Bounds().Max.Y)
	for i := range MaxRuns {
		if count(img, below, classColor(byte(i))) == 0 {
			t.Errorf("no line of run %d", i)
		}
	}
}

// TestSigned: 0 is white, and the largest value in size has the full colour.
func TestSigned(t *testing.T) {
	f := Filters{H: 1, W: 3, Columns: 1, Images: [][]float32{{-0.5, 0, 0.25}}}
	img := picture(t, func(b *bytes.Buffer) error { return Signed(b, f) })
	body := image.Rect(0, 0, img.Bounds().Max.X-barRoomPx, img.Bounds().Max.Y)
	for _, want := range []color.NRGBA{classColor(0), mix(white(), classColor(3), 0.5)} {
		if count(img, body, want) < 100 {
			t.Errorf("no field of %v", want)
		}
	}
	if count(img, body, classColor(3)) != 0 {
		t.Error("half of the largest value has the full colour")
	}
}

func TestChartErrors(t *testing.T) {
	nan := float32(math.NaN())
	x := []float64{1}
	for want, err := range map[string]error{
		"runs: 0 runs; want 1 to 12":              Runs(io.Discard, RunCurves{}),
		"runs: a: no finite value":                Runs(io.Discard, RunCurves{Runs: []RunCurve{runCurve("a", math.NaN())}}),
		"filters: 0 images; want 1 to 100":        Signed(io.Discard, Filters{H: 1, W: 1, Columns: 1}),
		"image 0: value 0 is NaN; want finite":    Signed(io.Discard, Filters{H: 1, W: 1, Columns: 1, Images: [][]float32{{nan}}}),
		"image 0 has 1 values; want 2 × 1":        Signed(io.Discard, Filters{H: 2, W: 1, Columns: 1, Images: [][]float32{{1}}}),
		"1 captions of 2 images":                  Signed(io.Discard, Filters{H: 1, W: 1, Columns: 1, Images: [][]float32{{1}, {2}}, Captions: []string{"a"}}),
		"heat map: no values":                     HeatMap(io.Discard, Heat{}),
		"heat map: 1 values; want 2 × 1":          HeatMap(io.Discard, Heat{Lines: []string{"a", "b"}, Columns: 1, Values: []float32{1}}),
		"charts: 0 panels":                        Charts(io.Discard, Panels{Columns: 1}),
		"charts: a: no finite value":              Charts(io.Discard, Panels{Columns: 1, Panels: []Panel{{Name: "a"}}}),
		"charts: a: 0 values at 1 places; want a": Charts(io.Discard, Panels{Columns: 1, Panels: []Panel{{Name: "a", Lines: []Line{{X: x}}}}}),
	} {
		wantError(t, err, want)
	}
}
