package images

import (
	"bytes"
	"errors"
	"image"
	"image/color/palette"
	"testing"

	"golang.org/x/image/tiff"

	"aegis/data"
)

// FuzzDecode feeds files to all decoders: each is an error or a row, never a
// panic, whatever it claims to be.
func FuzzDecode(f *testing.F) {
	small := paint(image.NewNRGBA(image.Rect(0, 0, 8, 6)), quadrants)
	few := paint(image.NewPaletted(small.Rect, palette.Plan9), quadrants)
	for _, file := range [][]byte{
		pngOf(f, small), pngOf(f, few), jpegOf(f, small), gifOf(f, few), bmpOf(f, small), orientedPNG(pngOf(f, few), 3),
		tiffOf(f, small, tiff.Deflate), tiffOf(f, few, tiff.Uncompressed), orientedJPEG(jpegOf(f, small), 6),
		testFile(f, "lossless.webp"), testFile(f, "lossy.webp"), testFile(f, "alpha.webp"), testFile(f, "turned.webp"),
		testFile(f, "turned.tiff"), testFile(f, "cmyk.jpg"), testFile(f, "progressive.jpg"),
		testFile(f, "wave420.jpg"), testFile(f, "waverestart.jpg"),
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		const most = 1 << 22 // pixels: more only try what memory there is
		var h header
		err := safely(func() (err error) { h, err = readHeader(bytes.NewReader(file)); return err })
		if err == nil && h.width*h.height > most {
			return
		}
		for _, form := range []data.ImageForm{{Channels: 3, Height: 5, Width: 3, Fit: data.FitCrop}, {Channels: 1, Height: 2, Width: 4, Fit: data.FitPad}} {
			_, err := rowOf(file, form)
			var failed *panicError
			if errors.As(err, &failed) {
				t.Error(err)
			}
		}
	})
}
