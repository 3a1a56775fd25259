package report

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Grid is images and what an autoencoder rebuilds from them. Legend: C channels
// (1 grey; 2 red, green; 3 red, green, blue; 4 with alpha, shown over white; of
// more the first three are shown), H rows, W columns.
type Grid struct {
	C, H, W   int
	Originals [][]float32 // each (C,H,W), Lo black to Hi white; what is beyond is cut off
	Corrupted [][]float32 // what the network read in their place, as many; empty: the originals
	Rebuilt   [][]float32 // as many
	Lo, Hi    float32
	Captions  []string // one an image, above it; empty: none
}

const (
	maxImages = 100 // in one picture
	tilePx    = 112 // about what an image is enlarged to
	largestPx = 224 // what a larger one is reduced to
	gapPx     = 6   // between images

	stripSides  = 4    // an image that many times longer than wide is a strip
	stripPx     = 1120 // what the long side of a strip is scaled to
	stripLeast  = 24   // what its short side has at least; it is stretched to it
	stripLinePx = 18   // more than gapPx, between two pairs of lying strips
)

// Reconstructions draws originals over what is rebuilt, a column an image, or
// a pair of lines where the images are lying strips. Small images are enlarged
// by a whole factor, so that every pixel is a square.
func Reconstructions(w io.Writer, g Grid) error {
	if err := g.check(); err != nil {
		return fmt.Errorf("report: reconstructions: %w", err)
	}
	rows := g.lines()
	tile := g.tile()
	row := textStyle(labelSize, text.XRight, middle)
	edge := int(math.Ceil(margin.Dots(dpi)))
	left := edge + int(math.Ceil((row.Width(rows[len(rows)-2].label) + pad).Dots(dpi)))
	above := 0 // a caption
	if len(g.Captions) > 0 {
		above = int(math.Ceil((labelSize + pad/2).Dots(dpi)))
	}
	top := edge + above
	at := func(row, column int) image.Point {
		if g.lying() {
			pair := len(rows)*(tile.Y+gapPx) + above + stripLinePx
			return image.Pt(left, top+column*pair+row*(tile.Y+gapPx))
		}
		return image.Pt(left+column*(tile.X+gapPx), top+row*(tile.Y+gapPx))
	}
	size := at(len(rows)-1, len(g.Originals)-1).Add(tile).Add(image.Pt(edge, edge))

	err := render(w, size.X, size.Y, func(img *vgimg.Canvas) {
		c := draw.New(img)
		point := func(x, y int) vg.Point { return vg.Point{X: px(x), Y: px(size.Y - y)} }
		caption := textStyle(labelSize, text.XCenter, text.YBottom)
		for i, txt := range g.Captions {
			c.FillText(caption, point(at(0, i).X+tile.X/2, at(0, i).Y).Add(vg.Point{Y: pad / 2}), fit(caption, txt, px(tile.X)))
		}
		for r, line := range rows {
			for i, pixels := range line.images {
				if i == 0 || g.lying() {
					c.FillText(row, point(left, at(r, i).Y+tile.Y/2).Add(vg.Point{X: -pad}), line.label)
				}
				to := image.Rectangle{Min: at(r, i), Max: at(r, i).Add(tile)}
				from := g.image(pixels)
				g.scaler().Scale(img.Image(), to, from, from.Bounds(), xdraw.Src, nil)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("report: reconstructions: %w", err)
	}
	return nil
}

// line is images that stand beside one another.
type line struct {
	label  string
	images [][]float32
}

// lines returns what is drawn, from top to bottom.
func (g Grid) lines() []line {
	if len(g.Corrupted) > 0 {
		return []line{{"clean", g.Originals}, {"corrupted", g.Corrupted}, {"restored", g.Rebuilt}}
	}
	return []line{{"original", g.Originals}, {"rebuilt", g.Rebuilt}}
}

func (g Grid) check() error {
	switch {
	case g.C < 1:
		return fmt.Errorf("%d channels; want at least 1", g.C)
	case g.H < 1 || g.W < 1:
		return fmt.Errorf("images of %d × %d; want at least 1 each way", g.H, g.W)
	case !(g.Lo < g.Hi) || math.IsInf(float64(g.Lo), 0) || math.IsInf(float64(g.Hi), 0):
		return fmt.Errorf("pixels from %v to %v; want a finite range", g.Lo, g.Hi)
	case len(g.Originals) < 1 || len(g.Originals) > maxImages:
		return fmt.Errorf("%d images; want 1 to %d", len(g.Originals), maxImages)
	case len(g.Rebuilt) != len(g.Originals):
		return fmt.Errorf("%d rebuilt images; want %d, one for each original", len(g.Rebuilt), len(g.Originals))
	case len(g.Corrupted) != 0 && len(g.Corrupted) != len(g.Originals):
		return fmt.Errorf("%d corrupted images; want none or %d", len(g.Corrupted), len(g.Originals))
	case len(g.Captions) != 0 && len(g.Captions) != len(g.Originals):
		return fmt.Errorf("%d captions; want none or %d", len(g.Captions), len(g.Originals))
	}
	for i := range g.Originals {
		for _, l := range g.lines() {
			name, pixels := l.label, l.images[i]
			if n := len(pixels); n%g.C != 0 || n/g.C%g.H != 0 || n/g.C/g.H != g.W {
				return fmt.Errorf("%s image %d has %d values; want %d × %d × %d", name, i, n, g.C, g.H, g.W)
			}
			for at, v := range pixels {
				if v != v {
					return fmt.Errorf("%s image %d: value %d is NaN; want numbers", name, i, at)
				}
			}
		}
	}
	return nil
}

// lying tells strips that are wide, standing those that are high: a square's
// scale would leave next to nothing of them.
func (g Grid) lying() bool    { return g.W >= stripSides*g.H && g.even().Y < stripLeast }
func (g Grid) standing() bool { return g.H >= stripSides*g.W && g.even().X < stripLeast }

// tile returns the size of one image in the picture.
func (g Grid) tile() image.Point {
	switch {
	case g.lying():
		return image.Pt(stripPx, max(stripLeast, g.H*stripPx/g.W))
	case g.standing():
		return image.Pt(max(stripLeast, g.W*stripPx/g.H), stripPx)
	}
	return g.even()
}

// even returns the size of an image that is scaled alike both ways.
func (g Grid) even() image.Point {
	side := max(g.H, g.W)
	if side > largestPx {
		return image.Pt(max(1, g.W*largestPx/side), max(1, g.H*largestPx/side))
	}
	factor := max(1, (tilePx+side/2)/side)
	return image.Pt(g.W*factor, g.H*factor)
}

func (g Grid) scaler() xdraw.Scaler {
	if max(g.H, g.W) > largestPx {
		return xdraw.CatmullRom
	}
	return xdraw.NearestNeighbor
}

// image turns values (C,H,W) into pixels.
func (g Grid) image(values []float32) image.Image {
	level := func(v float32) uint8 {
		share := (float64(v) - float64(g.Lo)) / (float64(g.Hi) - float64(g.Lo))
		return uint8(math.Round(255 * min(max(share, 0), 1)))
	}
	img := image.NewRGBA(image.Rect(0, 0, g.W, g.H))
	plane := g.H * g.W
	for i := range plane {
		c := color.NRGBA{A: 0xff}
		channels := []*uint8{&c.R, &c.G, &c.B, &c.A}
		if g.C > len(channels) {
			channels = channels[:3]
		}
		for ch, dst := range channels[:min(g.C, len(channels))] {
			*dst = level(values[ch*plane+i])
		}
		if g.C == 1 {
			c.G, c.B = c.R, c.R
		}
		img.SetRGBA(i%g.W, i/g.W, overWhite(c))
	}
	return img
}

// overWhite is a colour on white paper.
func overWhite(c color.NRGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v)*int(c.A) + 255*(255-int(c.A)) + 127) / 255) }
	return color.RGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 0xff}
}
