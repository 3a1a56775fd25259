package report

import (
	"fmt"
	"image"
	"image/color"
	"math"

	xdraw "golang.org/x/image/draw"
)

// Pixels is how an image lies in its values. Legend: C channels (1 grey; 2 red,
// green; 3 red, green, blue; 4 with alpha, shown over white; of more the first
// three are shown), H rows, W columns; images are (C,H,W).
type Pixels struct {
	C, H, W int
	Lo, Hi  float32 // black and white; what is beyond is cut off
}

const (
	tilePx    = 112 // about what an image is enlarged to
	largestPx = 224 // what a larger one is reduced to

	stripSides = 4    // an image that many times longer than wide is a strip
	stripPx    = 1120 // what the long side of a strip is scaled to
	stripLeast = 24   // what its short side has at least; it is stretched to it
)

func (p Pixels) check() error {
	switch {
	case p.C < 1:
		return fmt.Errorf("%d channels; want at least 1", p.C)
	case p.H < 1 || p.W < 1:
		return fmt.Errorf("images of %d × %d; want at least 1 each way", p.H, p.W)
	case !(p.Lo < p.Hi) || math.IsInf(float64(p.Lo), 0) || math.IsInf(float64(p.Hi), 0):
		return fmt.Errorf("pixels from %v to %v; want a finite range", p.Lo, p.Hi)
	}
	return nil
}

// checkImage says what is wrong with an image's values.
func (p Pixels) checkImage(values []float32) error {
	if n := len(values); n%p.C != 0 || n/p.C%p.H != 0 || n/p.C/p.H != p.W {
		return fmt.Errorf("has %d values; want %d × %d × %d", n, p.C, p.H, p.W)
	}
	for at, v := range values {
		if v != v {
			return fmt.Errorf("has a value %d that is NaN; want numbers", at)
		}
	}
	return nil
}

// lying tells strips that are wide, standing those that are high: a square's
// scale would leave next to nothing of them.
func (p Pixels) lying() bool {
	return p.W >= stripSides*p.H && p.even(tilePx, largestPx).Y < stripLeast
}

func (p Pixels) standing() bool {
	return p.H >= stripSides*p.W && p.even(tilePx, largestPx).X < stripLeast
}

// tile returns the size of one image in the picture.
func (p Pixels) tile() image.Point {
	switch {
	case p.lying():
		return image.Pt(stripPx, max(stripLeast, p.H*stripPx/p.W))
	case p.standing():
		return image.Pt(max(stripLeast, p.W*stripPx/p.H), stripPx)
	}
	return p.even(tilePx, largestPx)
}

// even returns the size of an image that is scaled alike both ways: to about
// target, and to no more than largest.
func (p Pixels) even(target, largest int) image.Point {
	side := max(p.H, p.W)
	if side > largest {
		return image.Pt(max(1, p.W*largest/side), max(1, p.H*largest/side))
	}
	factor := max(1, (target+side/2)/side)
	return image.Pt(p.W*factor, p.H*factor)
}

func (p Pixels) scaler(largest int) xdraw.Scaler {
	if max(p.H, p.W) > largest {
		return xdraw.CatmullRom
	}
	return xdraw.NearestNeighbor
}

// image turns values (C,H,W) into pixels.
func (p Pixels) image(values []float32) image.Image {
	level := func(v float32) uint8 {
		share := (float64(v) - float64(p.Lo)) / (float64(p.Hi) - float64(p.Lo))
		return uint8(math.Round(255 * min(max(share, 0), 1)))
	}
	img := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	plane := p.H * p.W
	for i := range plane {
		c := color.NRGBA{A: 0xff}
		channels := []*uint8{&c.R, &c.G, &c.B, &c.A}
		if p.C > len(channels) {
			channels = channels[:3]
		}
		for ch, dst := range channels[:min(p.C, len(channels))] {
			*dst = level(values[ch*plane+i])
		}
		if p.C == 1 {
			c.G, c.B = c.R, c.R
		}
		img.SetRGBA(i%p.W, i/p.W, overWhite(c))
	}
	return img
}

// overWhite is a colour on white paper.
func overWhite(c color.NRGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v)*int(c.A) + 255*(255-int(c.A)) + 127) / 255) }
	return color.RGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 0xff}
}
