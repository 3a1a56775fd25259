package report

import (
	"bytes"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/png"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TestDiscs: discs from one mask look as glyphs that are drawn one by one, at
// the borders too.
func TestDiscs(t *testing.T) {
	const width, height = 90, 70
	points := []vg.Point{{X: 3, Y: 4}, {X: 0, Y: 0}, {X: 9, Y: 11}, {X: 9.4, Y: 11.2}, {X: px(width), Y: px(height)}, {X: 12, Y: 20}}
	colors := []color.Color{color.NRGBA{R: 200, A: 153}, color.NRGBA{G: 90, B: 250, A: 191}}
	picture := func(paint func(c draw.Canvas, style draw.GlyphStyle)) []byte {
		var b bytes.Buffer
		style := draw.GlyphStyle{Radius: 1.7, Shape: draw.CircleGlyph{}}
		if err := render(&b, PNG, width, height, func(c draw.Canvas) { paint(c, style) }); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one := picture(func(c draw.Canvas, style draw.GlyphStyle) {
		for i, p := range points {
			style.Color = colors[i%2]
			c.DrawGlyphNoClip(style, snap(p))
		}
	})
	mask := picture(func(c draw.Canvas, style draw.GlyphStyle) {
		d := newDiscs(c, style)
		for i, p := range points {
			d.draw(snap(p), colors[i%2])
		}
	})
	a, b := decoded(t, one), decoded(t, mask)
	ink, other := 0.0, 0.0
	for i, v := range a.Pix {
		ink += float64(255 - v)
		other += math.Abs(float64(v) - float64(b.Pix[i])) // masks have eight bits
	}
	if ink == 0 || other > 0.03*ink {
		t.Errorf("%.1f %% of the ink is elsewhere", 100*other/ink)
	}
}

func decoded(t *testing.T, file []byte) *image.RGBA {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	rgba := image.NewRGBA(picture.Bounds())
	stddraw.Draw(rgba, rgba.Rect, picture, image.Point{}, stddraw.Src)
	return rgba
}

func BenchmarkLatent(b *testing.B) {
	const n, z = 10000, 12
	c := Codes{N: n, Z: z, Values: make([]float32, n*z), Labels: make([]byte, n)}
	for i := range c.Values {
		c.Values[i] = float32((i*7919+i/z*i%z*31)%1009) / 1009
	}
	for i := range c.Labels {
		c.Labels[i] = byte(i % 10)
	}
	for b.Loop() {
		var file bytes.Buffer
		if err := Latent(&file, c); err != nil {
			b.Fatal(err)
		}
	}
}
