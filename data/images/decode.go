package images

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"aegis/data"
)

// picture is a decoded image as it is stored.
type picture struct {
	header
	image.Image // nil where there are planes
	planar      // of grey, and of brightness and colours
}

// largePixels is from where on images are decoded one at a time, so that memory
// holds one of them.
const largePixels = 1 << 24

var large sync.Mutex

// bytesPerPixel is what a decoder may take at most: a progressive JPEG has
// coefficients of 4 bytes in three planes beside the planes, a PNG 8 bytes.
const bytesPerPixel = 16

// decodeImage decodes the pixels of a file with a header, for rows of a form.
func decodeImage(h header, file []byte, form data.ImageForm) (p picture, err error) {
	p.header = h
	if err := fits(p.width * p.height * bytesPerPixel); err != nil {
		return p, err
	}
	if at := place(h, form); h.kind == jpegKind {
		by := reduction(at, at.stored(h.orientation))
		if by > 1 {
			if m, ok := reducedJPEG(file, size{h.height, h.width}, by, form.Channels == 1); ok {
				p.planar = m
				return p, nil
			}
		}
	}
	decode := map[kind]func(io.Reader) (image.Image, error){
		pngKind: png.Decode, jpegKind: jpeg.Decode, gifKind: gif.Decode,
		bmpKind: bmp.Decode, webpKind: webp.Decode, tiffKind: tiff.Decode,
	}[p.kind]
	if p.Image, err = decode(bytes.NewReader(file)); err != nil {
		return p, ended(err)
	}
	whole := image.Rect(0, 0, p.width, p.height)
	if p.kind == gifKind && p.Bounds() != whole { // a frame may be a part of its canvas
		p.Image = canvas{p.Image, whole}
	}
	if b := p.Bounds(); b.Dx() != p.width || b.Dy() != p.height {
		return p, fmt.Errorf("%d×%d pixels, where the header says %d×%d", b.Dy(), b.Dx(), p.height, p.width)
	}
	switch m := p.Image.(type) {
	case *image.YCbCr:
		p.planar = planarOf(m, p.kind == webpKind)
	case *image.Gray:
		p.planar = planar{planes: [3]plane{{m.Pix, m.Stride, p.width, p.height, 1, 1}}, count: 1}
	}
	return p, nil
}

// canvas is an image on a larger one that is transparent.
type canvas struct {
	image.Image
	bounds image.Rectangle
}

func (c canvas) Bounds() image.Rectangle { return c.bounds }

func (c canvas) At(x, y int) color.Color {
	if (image.Point{X: x, Y: y}).In(c.Image.Bounds()) {
		return c.Image.At(x, y)
	}
	return color.NRGBA{}
}
