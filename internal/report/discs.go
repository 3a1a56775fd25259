package report

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// discs draws many discs of one radius. On pixels their middles are those of
// pixels, so that all have one mask, which is made once: a path of its own for each
// of ten thousand takes ten times as long. Elsewhere each is a glyph.
type discs struct {
	canvas vgdraw.Canvas
	style  vgdraw.GlyphStyle
	pixels draw.Image   // nil: no pixels
	mask   *image.Alpha // around the middle of a pixel
}

func newDiscs(c vgdraw.Canvas, style vgdraw.GlyphStyle) *discs {
	d := &discs{canvas: c, style: style}
	var on vg.Canvas = c
	for part, ok := on.(vgdraw.Canvas); ok; part, ok = on.(vgdraw.Canvas) { // of another one, cropped
		on = part.Canvas
	}
	if on, ok := on.(*vgimg.Canvas); ok {
		d.pixels, d.mask = on.Image(), discMask(style)
	}
	return d
}

// discMask draws one disc in the middle of a small image.
func discMask(style vgdraw.GlyphStyle) *image.Alpha {
	side := 2*int(math.Ceil(style.Radius.Dots(dpi))) + 3
	canvas := vgimg.NewWith(vgimg.UseImage(image.NewRGBA(image.Rect(0, 0, side, side))), vgimg.UseDPI(dpi)) // white
	style.Color = color.Black
	c := vgdraw.New(canvas)
	middle := vg.Length(float64(side)/2) * vg.Inch / dpi
	c.DrawGlyphNoClip(style, vg.Point{X: middle, Y: middle})
	mask := image.NewAlpha(image.Rect(0, 0, side, side))
	for i := range mask.Pix {
		white, _, _, _ := canvas.Image().At(i%side, i/side).RGBA()
		mask.Pix[i] = 255 - uint8(white>>8)
	}
	return mask
}

// draw draws a disc around a point, on pixels around the middle of its pixel.
func (d *discs) draw(at vg.Point, c color.Color) {
	if d.pixels == nil {
		d.style.Color = c
		d.canvas.DrawGlyphNoClip(d.style, at)
		return
	}
	half := d.mask.Rect.Dx() / 2
	x, y := int(math.Floor(at.X.Dots(dpi))), d.pixels.Bounds().Dy()-1-int(math.Floor(at.Y.Dots(dpi)))
	draw.DrawMask(d.pixels, d.mask.Rect.Add(image.Pt(x-half, y-half)), image.NewUniform(c), image.Point{}, d.mask, image.Point{}, draw.Over)
}
