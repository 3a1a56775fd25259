package report

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"
)

// A sheet has its images line by line, counted from the lower right corner.
func TestImages(t *testing.T) {
	grey := func(v uint8) color.RGBA { return color.RGBA{R: v, G: v, B: v, A: 255} }
	for _, c := range []struct {
		name  string
		sheet Sheet
		tile  image.Point
	}{
		{name: "plain", sheet: Sheet{Pixels: Pixels{C: 1, H: 28, W: 28, Hi: 1}}, tile: image.Pt(84, 84)},
		{
			name: "with captions", tile: image.Pt(84, 84),
			sheet: Sheet{
				Pixels: Pixels{C: 1, H: 28, W: 28, Hi: 1}, Title: "samples", XLabel: "z1", YLabel: "z2",
				ColumnCaptions: []string{"0", "1"}, LineCaptions: []string{"a", "b", "c"},
			},
		},
		{name: "large images", sheet: Sheet{Pixels: Pixels{C: 1, H: 200, W: 100, Hi: 1}}, tile: image.Pt(56, 112)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.sheet
			s.Columns = 2
			for i := range 6 {
				s.Images = append(s.Images, plain(s.H, s.W, float32(i)/5))
			}
			img := picture(t, func(b *bytes.Buffer) error { return Images(b, s) })
			const edge = 25 // pixels right and below
			end := img.Bounds().Size().Sub(image.Pt(edge, edge))
			for i := range 6 {
				at := end.Sub(image.Pt((2-i%2)*(c.tile.X+sheetGapPx)-sheetGapPx, (3-i/2)*(c.tile.Y+sheetGapPx)-sheetGapPx))
				area := image.Rectangle{Min: at, Max: at.Add(c.tile)}
				if n := count(img, area, grey(uint8(51*i))); n != c.tile.X*c.tile.Y {
					t.Errorf("image %d: %d pixels of its grey, want %d", i, n, c.tile.X*c.tile.Y)
				}
			}
		})
	}
}

func TestImagesErrors(t *testing.T) {
	one, pixel := [][]float32{{0}}, Pixels{C: 1, H: 1, W: 1, Hi: 1}
	for _, c := range []struct {
		sheet Sheet
		want  string
	}{
		{Sheet{Pixels: Pixels{C: 1, H: 1, W: 1}, Columns: 1, Images: one}, "report: images: pixels from 0 to 0"},
		{Sheet{Pixels: pixel, Columns: 1}, "0 images"},
		{Sheet{Pixels: pixel, Columns: 1, Images: make([][]float32, maxSheet+1)}, "1025 images"},
		{Sheet{Pixels: pixel, Images: one}, "lines of 0"},
		{Sheet{Pixels: pixel, Columns: 2, Images: one}, "want whole lines"},
		{Sheet{Pixels: pixel, Columns: 1, Images: one, ColumnCaptions: []string{"", ""}}, "2 captions of 1 columns"},
		{Sheet{Pixels: pixel, Columns: 1, Images: one, LineCaptions: []string{"", ""}}, "2 captions of 1 lines"},
		{Sheet{Pixels: pixel, Columns: 1, Images: one, XLabel: "z1"}, "a label without captions"},
		{Sheet{Pixels: pixel, Columns: 1, Images: [][]float32{{0, 1}}}, "image 0 has 2 values"},
		{Sheet{Pixels: pixel, Columns: 1, Images: [][]float32{{float32(math.NaN())}}}, "is NaN"},
	} {
		wantError(t, Images(&bytes.Buffer{}, c.sheet), c.want)
	}
}

// Each term has a panel of its own, of the same height.
func TestTerms(t *testing.T) {
	term := func(name string, v float64) Term {
		return Term{Name: name, Train: []float64{2 * v, v}, Test: []float64{v, v}}
	}
	heights := make(map[int]int)
	for n := 1; n <= 3; n++ {
		c := TermCurves{Title: "terms", Unit: "nats", Epoch: []float64{1, 2}}
		for i := range n {
			c.Terms = append(c.Terms, term("kl", math.Pow(1000, float64(i))))
		}
		img := picture(t, func(b *bytes.Buffer) error { return Terms(b, c) })
		heights[n] = img.Bounds().Dy()
		for i := range n {
			bottom := heights[n] - termHeightPx*(n-1-i)
			area := image.Rect(200, bottom-termHeightPx, 1400, bottom)
			if count(img, area, classColor(0)) == 0 || count(img, area, classColor(2)) == 0 {
				t.Errorf("%d terms: number %d lacks a line", n, i)
			}
		}
	}
	if heights[2]-heights[1] != termHeightPx || heights[3]-heights[2] != termHeightPx {
		t.Errorf("heights %v, want steps of %d", heights, termHeightPx)
	}
}

func TestTermsErrors(t *testing.T) {
	for _, c := range []struct {
		curves TermCurves
		want   string
	}{
		{TermCurves{}, "report: terms: 0 terms"},
		{TermCurves{Epoch: []float64{1}, Terms: []Term{{Name: "kl"}}}, "kl: no finite value"},
		{TermCurves{Epoch: []float64{1}, Terms: []Term{{Name: "kl", Train: []float64{1, 2}}}}, "kl, train: 2 values at 1 places"},
	} {
		wantError(t, Terms(&bytes.Buffer{}, c.curves), c.want)
	}
}
