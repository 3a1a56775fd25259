package report

import (
	"fmt"
	"image"
	"io"
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Grid is images and what an autoencoder rebuilds from them.
type Grid struct {
	Pixels
	Title     string // empty: none
	Originals [][]float32
	Corrupted [][]float32 // what the network read in their place, as many; empty: the originals
	Rebuilt   [][]float32 // as many
	Captions  []string    // one an image, above it; empty: none
	Format    Format
}

const (
	maxImages = 100 // in one picture
	gapPx     = 6   // between images

	stripLinePx = 18 // more than gapPx, between two pairs of lying strips
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
	if g.Title != "" {
		top += int(math.Ceil((titleSize + 1.5*pad).Dots(dpi)))
	}
	at := func(row, column int) image.Point {
		if g.lying() {
			pair := len(rows)*(tile.Y+gapPx) + above + stripLinePx
			return image.Pt(left, top+column*pair+row*(tile.Y+gapPx))
		}
		return image.Pt(left+column*(tile.X+gapPx), top+row*(tile.Y+gapPx))
	}
	size := at(len(rows)-1, len(g.Originals)-1).Add(tile).Add(image.Pt(edge, edge))

	err := render(w, g.Format, size.X, size.Y, func(c draw.Canvas) {
		drawTitle(draw.Crop(c, margin, -margin, margin, -margin), g.Title)
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
				place(c, size.Y, to, g.image(pixels), g.scaler(largestPx))
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
	if err := g.Pixels.check(); err != nil {
		return err
	}
	switch {
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
			if err := g.checkImage(l.images[i]); err != nil {
				return fmt.Errorf("%s image %d %w", l.label, i, err)
			}
		}
	}
	return nil
}
