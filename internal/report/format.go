package report

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Format is how a picture is written; empty: as PNG.
type Format string

// The formats. In an SVG lines and text are drawn by whoever shows it, in
// Liberation Sans where that is there; images lie in it pixel by pixel.
const (
	PNG Format = "png"
	SVG Format = "svg"
)

// Formats returns all, the default first.
func Formats() []Format { return []Format{PNG, SVG} }

// render writes a white picture with what paint draws on it. A panic of the
// plotting library becomes an error: a picture is never worth a training run.
func render(w io.Writer, f Format, widthPx, heightPx int, paint func(c draw.Canvas)) error {
	var b bytes.Buffer
	if err := encode(&b, f, widthPx, heightPx, paint); err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func encode(b *bytes.Buffer, f Format, widthPx, heightPx int, paint func(c draw.Canvas)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("draw: %v", r)
		}
	}()
	switch f {
	case PNG, "":
		c := vgimg.NewWith(vgimg.UseImage(image.NewRGBA(image.Rect(0, 0, widthPx, heightPx))), vgimg.UseDPI(dpi))
		paint(draw.New(c))
		// The best compression takes twice as long and saves a twentieth.
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(b, c.Image())
	case SVG:
		c := vgsvg.New(px(widthPx), px(heightPx))
		d := draw.New(c)
		d.SetColor(white())
		d.Fill(d.Rectangle.Path())
		paint(d)
		_, err = c.WriteTo(b)
	default:
		return fmt.Errorf("format %q; want one of %q", f, Formats())
	}
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return nil
}

// place draws an image into a rectangle, which is given in pixels from the upper
// left of a picture of a height.
func place(c draw.Canvas, heightPx int, to image.Rectangle, from image.Image, scaler xdraw.Scaler) {
	if pixels, ok := c.Canvas.(*vgimg.Canvas); ok {
		scaler.Scale(pixels.Image(), to, from, from.Bounds(), xdraw.Src, nil)
		return
	}
	scaled := image.NewRGBA(image.Rectangle{Max: to.Size()})
	scaler.Scale(scaled, scaled.Bounds(), from, from.Bounds(), xdraw.Src, nil)
	c.DrawImage(vg.Rectangle{
		Min: vg.Point{X: px(to.Min.X), Y: px(heightPx - to.Max.Y)},
		Max: vg.Point{X: px(to.Max.X), Y: px(heightPx - to.Min.Y)},
	}, scaled)
}
