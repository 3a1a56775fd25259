package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"aegis/internal/report"
	"aegis/model"
)

// Write writes one image of a network, of bytes (C,H,W), as PNG: grey of one
// channel, colours of three; of others the first.
func Write(w io.Writer, spec model.Spec, pixels []byte) error {
	c, height, width := spec.Image[0], spec.Image[1], spec.Image[2]
	if c == 0 || len(pixels) != c*height*width {
		return fmt.Errorf("aegis: write an image of %d bytes; want %d × %d × %d of a model of images", len(pixels), c, height, width)
	}
	plane := height * width
	if c != 3 {
		return png.Encode(w, &image.Gray{Pix: pixels[:plane], Stride: width, Rect: image.Rect(0, 0, width, height)})
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range plane {
		img.SetRGBA(i%width, i/width, color.RGBA{R: pixels[i], G: pixels[plane+i], B: pixels[2*plane+i], A: 0xff})
	}
	return png.Encode(w, img)
}

// Sheet says how images lie on one picture.
type Sheet struct {
	Title   string // empty: none
	Columns int
	// Captions of the columns, above, and of the lines, at the left; nil: none.
	ColumnCaptions, LineCaptions []string
}

// WriteSheet writes images of a network, of bytes (n,C,H,W), line by line on one
// picture as PNG, at most 1,024 of them.
func WriteSheet(w io.Writer, spec model.Spec, pixels []byte, s Sheet) error {
	c, height, width := spec.Image[0], spec.Image[1], spec.Image[2]
	size := c * height * width
	if size == 0 || len(pixels)%size != 0 {
		return fmt.Errorf("aegis: a sheet of %d bytes; want whole images of %d × %d × %d", len(pixels), c, height, width)
	}
	sheet := report.Sheet{
		Pixels: report.Pixels{C: c, H: height, W: width, Lo: 0, Hi: 255}, Title: s.Title, Columns: s.Columns,
		ColumnCaptions: s.ColumnCaptions, LineCaptions: s.LineCaptions,
	}
	for ; len(pixels) > 0; pixels = pixels[size:] {
		img := make([]float32, size)
		for i, v := range pixels[:size] {
			img[i] = float32(v)
		}
		sheet.Images = append(sheet.Images, img)
	}
	return report.Images(w, sheet)
}
