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
	if m, ok := p.Image.(*image.YCbCr); ok {
		f.planar(values, m, at, to, p.kind == webpKind)
	} else {
		buf := room(&f.buf, 3*p.width)
		px := p.pixelsOf(f.form.Channels == 1, buf)
		out := f.resample(0, px, at, to, 1, 1, p.width, p.height)
		for i, v := range out {
			if f.form.Channels == 3 && px.n == 1 {
				values[3*i], values[3*i+1], values[3*i+2] = toByte(v), toByte(v), toByte(v)
			} else {
				values[i] = toByte(v)
			}
		}
	}
	f.put(dst, values, at, p.orientation)
}

// resample makes a plane, whose pixels are those of the image divided by subX
// and subY.
func (f *fitter) resample(plane int, px pixels, at placement, to size, subX, subY float64, width, height int) []float32 {
	x := axis(at.left/subX, at.right/subX, to.width, width)
	y := axis(at.top/subY, at.bottom/subY, to.height, height)
	out := room(&f.planes[plane], to.height*to.width*px.n)
	px.resample(x, y, out, room(&f.line, to.width*px.n))
	return out
}

// planar resamples brightness and colour by themselves, and makes red, green and
// blue of the few pixels that are left. Grey is the brightness alone.
func (f *fitter) planar(values []byte, m *image.YCbCr, at placement, to size, tv bool) {
	subX, subY := subsampling(m.SubsampleRatio)
	width, height := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := (width+subX-1)/subX, (height+subY-1)/subY
	plane := func(i int, pix []byte, stride, w, h, sx, sy int) []float32 {
		px := pixels{1, func(y int) []byte { return pix[y*stride:][:w] }}
		return f.resample(i, px, at, to, float64(sx), float64(sy), w, h)
	}
	ys := plane(0, m.Y, m.YStride, width, height, 1, 1)
	if f.form.Channels == 1 {
		for i, y := range ys {
			v, _, _ := toRGB(y, 128, 128, tv)
			values[i] = toByte(v)
		}
		return
	}
	cbs := plane(1, m.Cb, m.CStride, cw, ch, subX, subY)
	crs := plane(2, m.Cr, m.CStride, cw, ch, subX, subY)
	for i, y := range ys {
		r, g, b := toRGB(y, cbs[i], crs[i], tv)
		values[3*i], values[3*i+1], values[3*i+2] = toByte(r), toByte(g), toByte(b)
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
