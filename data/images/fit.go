package images

import (
	"image"
	"math"

	"aegis/data"
	"aegis/data/memory"
)

// fits returns an error where there is no memory for so many bytes.
func fits(bytes int) error { return memory.Fits(uint64(bytes)) }

// placement is which part of an image becomes which part of a row.
type placement struct {
	left, right, top, bottom float64 // of the image, as it is stored
	size                     size    // that it becomes, upright
	x, y                     int     // where it lies in the row
}

// place fits an image of a size into a form.
func place(h header, form data.ImageForm) placement {
	from := h.upright()
	p := placement{right: float64(from.width), bottom: float64(from.height), size: size{form.Height, form.Width}}
	across, down := float64(form.Width)/p.right, float64(form.Height)/p.bottom
	switch form.Fit {
	case data.FitStretch:
	case data.FitPad:
		scale := min(across, down)
		p.size.width = min(max(1, int(math.Round(p.right*scale))), form.Width)
		p.size.height = min(max(1, int(math.Round(p.bottom*scale))), form.Height)
		p.x, p.y = (form.Width-p.size.width)/2, (form.Height-p.size.height)/2
	default:
		scale := max(across, down)
		width, height := float64(form.Width)/scale, float64(form.Height)/scale
		p.left, p.right = (p.right-width)/2, (p.right+width)/2
		p.top, p.bottom = (p.bottom-height)/2, (p.bottom+height)/2
	}
	if h.orientation > 4 { // what is cut off is alike at both ends
		p.left, p.right, p.top, p.bottom = p.top, p.bottom, p.left, p.right
	}
	return p
}

// stored is the size before the image is turned upright.
func (p placement) stored(orientation int) size {
	if orientation > 4 {
		return size{p.size.width, p.size.height}
	}
	return p.size
}

// fitter makes rows of images and keeps its memory for the next one.
type fitter struct {
	form    data.ImageForm
	buf     []byte // a row of pixels
	line    []float32
	planes  [3][]float32 // Y, Cb and Cr, or grey or colours in the first
	colours []byte       // of a pixel after the other
}

// room returns a slice of n values, made anew where it is too small.
func room[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// fit makes dst, (C,H,W), of an image.
func (f *fitter) fit(dst []byte, p picture) {
	at := place(p.header, f.form)
	to := at.stored(p.orientation)
	count := to.height * to.width
	values := room(&f.colours, count*f.form.Channels)
	if p.count > 0 {
		f.planar(values, p.planar, at, to)
	} else {
		px := p.pixelsOf(f.form.Channels == 1, room(&f.buf, 3*p.width))
		for i, v := range f.resample(0, px, at, to, plane{width: p.width, height: p.height, across: 1, down: 1}) {
			values[i] = toByte(v)
		}
	}
	f.put(dst, values, at, p.orientation)
}

// resample makes number i of the planes of a row, from pixels that lie as those
// of a plane do.
func (f *fitter) resample(i int, px pixels, at placement, to size, p plane) []float32 {
	x := axis(at.left/p.across, at.right/p.across, to.width, p.width)
	y := axis(at.top/p.down, at.bottom/p.down, to.height, p.height)
	out := room(&f.planes[i], to.height*to.width*px.n)
	px.resample(x, y, out, room(&f.line, to.width*px.n))
	return out
}

// planar resamples brightness and colour by themselves, and makes red, green and
// blue of the few pixels that are left. Grey is the brightness alone.
func (f *fitter) planar(values []byte, m planar, at placement, to size) {
	var planes [3][]float32
	for i, p := range m.planes[:min(m.count, f.form.Channels)] {
		px := pixels{1, func(y int) []byte { return p.pix[y*p.stride:][:p.width] }}
		planes[i] = f.resample(i, px, at, to, p)
	}
	for i, y := range planes[0] {
		cb, cr := float32(128), float32(128)
		if planes[1] != nil {
			cb, cr = planes[1][i], planes[2][i]
		}
		r, g, b := toRGB(y, cb, cr, m.tv)
		if f.form.Channels == 1 {
			values[i] = toByte(r)
		} else {
			values[3*i], values[3*i+1], values[3*i+2] = toByte(r), toByte(g), toByte(b)
		}
	}
}

// subsampling is how many pixels across and down have one colour.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// put turns values upright and lays them into dst, which is black around them.
func (f *fitter) put(dst, values []byte, at placement, orientation int) {
	channels, area := f.form.Channels, f.form.Height*f.form.Width
	clear(dst)
	stored := at.stored(orientation)
	for y := range at.size.height {
		for x := range at.size.width {
			sy, sx := source(orientation, y, x, stored)
			from := values[(sy*stored.width+sx)*channels:][:channels]
			to := (at.y+y)*f.form.Width + at.x + x
			for c, v := range from {
				dst[c*area+to] = v
			}
		}
	}
}

// source is where the pixel at y, x of an upright image is stored, by the
// orientation of EXIF.
func source(orientation, y, x int, stored size) (sy, sx int) {
	bottom, right := stored.height-1, stored.width-1
	switch orientation {
	case 2: // mirrored
		return y, right - x
	case 3: // upside down
		return bottom - y, right - x
	case 4: // mirrored upside down
		return bottom - y, x
	case 5: // mirrored along the diagonal
		return x, y
	case 6: // lies on its left side
		return bottom - x, y
	case 7: // mirrored along the other diagonal
		return bottom - x, right - y
	case 8: // lies on its right side
		return x, right - y
	}
	return y, x
}
