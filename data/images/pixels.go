package images

import (
	"image"
	"image/color"
)

// pixelsOf gives the rows of an image as grey or as red, green and blue, laid
// over white. buf has room for a row of three values a pixel.
func (p picture) pixelsOf(gray bool, buf []byte) pixels {
	b := p.Bounds()
	colours := p.colours()
	if !gray {
		return pixels{3, func(y int) []byte {
			row := buf[:3*b.Dx()]
			colours(y, row)
			return row
		}}
	}
	return pixels{1, func(y int) []byte {
		row := buf[:3*b.Dx()]
		colours(y, row)
		for i := range b.Dx() {
			row[i] = luma(row[3*i], row[3*i+1], row[3*i+2])
		}
		return row[:b.Dx()]
	}}
}

// luma is the brightness of ITU-R BT.601.
func luma(r, g, b byte) byte {
	return byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// over lays a value of 0 to 255 over white.
func over(v, alpha byte) byte {
	a := uint32(alpha)
	return byte((uint32(v)*a + 255*(255-a) + 127) / 255)
}

// colours writes row y of an image as red, green and blue over white.
func (p picture) colours() func(y int, row []byte) {
	switch m := p.Image.(type) {
	case *image.NRGBA:
		return func(y int, row []byte) { straight(row, m.Pix[y*m.Stride:]) }
	case *image.RGBA:
		return func(y int, row []byte) { multiplied(row, m.Pix[y*m.Stride:]) }
	case *image.Paletted:
		return paletted(m)
	case *image.NYCbCrA:
		return func(y int, row []byte) {
			for x := range len(row) / 3 {
				at, c, alpha := y*m.YStride+x, m.COffset(x, y), m.A[y*m.AStride+x]
				r, g, b := toRGB(float32(m.Y[at]), float32(m.Cb[c]), float32(m.Cr[c]), p.kind == webpKind)
				row[3*x], row[3*x+1], row[3*x+2] = over(toByte(r), alpha), over(toByte(g), alpha), over(toByte(b), alpha)
			}
		}
	}
	return func(y int, row []byte) {
		low := p.Bounds().Min
		for x := range len(row) / 3 {
			row[3*x], row[3*x+1], row[3*x+2] = overWhite(p.At(low.X+x, low.Y+y))
		}
	}
}

// straight lays colours beside alpha over white.
func straight(row, from []byte) {
	for i := 0; i+3 <= len(row); i, from = i+3, from[4:] {
		v := from[:4:4]
		if v[3] == 255 {
			row[i], row[i+1], row[i+2] = v[0], v[1], v[2]
		} else {
			row[i], row[i+1], row[i+2] = over(v[0], v[3]), over(v[1], v[3]), over(v[2], v[3])
		}
	}
}

// multiplied does so with colours that have been multiplied by alpha.
func multiplied(row, from []byte) {
	for i := 0; i+3 <= len(row); i, from = i+3, from[4:] {
		v := from[:4:4]
		white := 255 - v[3]
		row[i], row[i+1], row[i+2] = sum(v[0], white), sum(v[1], white), sum(v[2], white)
	}
}

// sum is at most white, where a colour is more than its alpha.
func sum(v, white byte) byte { return byte(min(255, int(v)+int(white))) }

// paletted looks colours up.
func paletted(m *image.Paletted) func(y int, row []byte) {
	var table [256][3]byte
	for i := range table {
		table[i] = [3]byte{255, 255, 255}
		if i < len(m.Palette) {
			table[i][0], table[i][1], table[i][2] = overWhite(m.Palette[i])
		}
	}
	return func(y int, row []byte) {
		for i, index := range m.Pix[y*m.Stride:][:len(row)/3] {
			copy(row[3*i:], table[index][:])
		}
	}
}

// overWhite is any colour over white, rounded from 16 bits.
func overWhite(c color.Color) (r, g, b byte) {
	red, green, blue, alpha := c.RGBA()
	white := 0xffff - min(alpha, 0xffff)
	narrow := func(v uint32) byte { return byte((min(v+white, 0xffff)*255 + 0x7fff) / 0xffff) }
	return narrow(red), narrow(green), narrow(blue)
}

// toRGB makes colours of brightness and two differences: of JPEG, or where tv of
// the narrower range of television, that WebP has.
func toRGB(y, cb, cr float32, tv bool) (r, g, b float32) {
	cb, cr = cb-128, cr-128
	if tv {
		const wide, wideColour = 255.0 / 219, 255.0 / 224
		y, cb, cr = float32((y-16)*wide), float32(cb*wideColour), float32(cr*wideColour)
	}
	return y + float32(1.402*cr), y - float32(0.344136*cb) - float32(0.714136*cr), y + float32(1.772*cb)
}

// toByte rounds.
func toByte(v float32) byte {
	switch {
	case !(v > 0):
		return 0
	case v >= 255:
		return 255
	}
	return byte(v + 0.5)
}
