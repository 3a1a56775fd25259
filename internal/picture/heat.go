package picture

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"aegis/data"
	"aegis/internal/detect"
	"aegis/internal/infer"
	"aegis/internal/report"
	"aegis/model"
)

// heatColour is that of a heat from 0 to 1: black, red, yellow, white.
func heatColour(v float32) color.RGBA {
	part := func(from float32) uint8 { return uint8(255 * min(max(3*v-from, 0), 1)) }
	return color.RGBA{R: part(0), G: part(1), B: part(2), A: 0xff}
}

// WriteHeat writes one map of heat, as a detector gives it (H,W), as PNG: black
// where nothing is strange, then red, yellow and white.
func WriteHeat(w io.Writer, spec model.Spec, heat []float32) error {
	height, width := spec.Image[1], spec.Image[2]
	if len(heat) != height*width {
		return fmt.Errorf("aegis: a map of %d values; want %d × %d", len(heat), height, width)
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i, v := range heat {
		img.SetRGBA(i%width, i/width, heatColour(v))
	}
	return png.Encode(w, img)
}

// WriteHeatSheet writes images on one picture as PNG: above each, what the model
// rebuilds of it below, and at the bottom where it is strange. Captions, nil or one
// an image, stand above.
func WriteHeatSheet(ctx context.Context, w io.Writer, d *detect.Detector, m *infer.Model, rows data.Rows, captions []string, labels ...byte) error {
	heat, err := d.Heat(ctx, m, rows, labels...)
	if err != nil {
		return err
	}
	rebuilt, err := m.Reconstruct(ctx, rows, labels...)
	if err != nil {
		return err
	}
	below, err := m.Bytes(rebuilt)
	if err != nil {
		return err
	}
	above := rows.Bytes
	if !rows.IsBytes() {
		if above, err = m.Bytes(rows.Floats); err != nil {
			return err
		}
	}
	sheet := report.Sheet{
		Pixels: report.Pixels{C: 3, H: rows.H, W: rows.W, Lo: 0, Hi: 255}, Columns: rows.N,
		ColumnCaptions: captions, LineCaptions: []string{"image", "rebuilt", "heat"},
	}
	for _, pixels := range [][]byte{above, below} {
		for i := range rows.N {
			sheet.Images = append(sheet.Images, coloured(pixels[i*rows.Size():][:rows.Size()], rows.Shape))
		}
	}
	plane := rows.H * rows.W
	for i := range rows.N {
		img := make([]float32, 3*plane)
		for at, v := range heat[i*plane:][:plane] {
			c := heatColour(v)
			img[at], img[plane+at], img[2*plane+at] = float32(c.R), float32(c.G), float32(c.B)
		}
		sheet.Images = append(sheet.Images, img)
	}
	return report.Images(w, sheet)
}

// coloured is an image of three channels: a grey one has them alike, of more the
// first three are taken.
func coloured(pixels []byte, s data.Shape) []float32 {
	plane := s.H * s.W
	img := make([]float32, 3*plane)
	for c := range 3 {
		from := c
		if s.C < 3 {
			from = 0
		}
		for i, v := range pixels[from*plane:][:plane] {
			img[c*plane+i] = float32(v)
		}
	}
	return img
}
