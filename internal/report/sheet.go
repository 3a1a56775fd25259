package report

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sheet is images line by line, such as what a decoder makes of codes.
type Sheet struct {
	Pixels
	Title   string // empty: none
	Columns int
	Images  [][]float32 // (rows × Columns) images, from the upper left

	// Captions of the columns, above, and of the lines, at the left; empty: none.
	ColumnCaptions, LineCaptions []string
	// XLabel stands above the columns' captions, YLabel above the lines'.
	XLabel, YLabel string

	Format Format
}

const (
	maxSheet       = 1024 // images on a sheet
	sheetTilePx    = 84   // about what an image is enlarged to
	sheetLargestPx = 112  // what a larger one is reduced to
	sheetGapPx     = 3
)

// Images draws a sheet. Small images are enlarged by a whole factor, so that
// every pixel is a square.
func Images(w io.Writer, s Sheet) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("report: images: %w", err)
	}
	l := s.layout()
	err := render(w, s.Format, l.size.X, l.size.Y, func(c draw.Canvas) {
		drawTitle(draw.Crop(c, margin, -margin, margin, -margin), s.Title)
		s.drawCaptions(c, l)
		for i, pixels := range s.Images {
			to := image.Rectangle{Min: l.at(i), Max: l.at(i).Add(l.tile)}
			place(c, l.size.Y, to, s.image(pixels), s.scaler(sheetLargestPx))
		}
	})
	if err != nil {
		return fmt.Errorf("report: images: %w", err)
	}
	return nil
}

func (s Sheet) check() error {
	if err := s.Pixels.check(); err != nil {
		return err
	}
	n := len(s.Images)
	switch {
	case n < 1 || n > maxSheet:
		return fmt.Errorf("%d images; want 1 to %d", n, maxSheet)
	case s.Columns < 1 || n%s.Columns != 0:
		return fmt.Errorf("%d images in lines of %d; want whole lines", n, s.Columns)
	case len(s.ColumnCaptions) != 0 && len(s.ColumnCaptions) != s.Columns:
		return fmt.Errorf("%d captions of %d columns; want none or as many", len(s.ColumnCaptions), s.Columns)
	case len(s.LineCaptions) != 0 && len(s.LineCaptions) != n/s.Columns:
		return fmt.Errorf("%d captions of %d lines; want none or as many", len(s.LineCaptions), n/s.Columns)
	case s.XLabel != "" && len(s.ColumnCaptions) == 0 || s.YLabel != "" && len(s.LineCaptions) == 0:
		return errors.New("a label without captions; want both or none")
	}
	for i, values := range s.Images {
		if err := s.checkImage(values); err != nil {
			return fmt.Errorf("image %d %w", i, err)
		}
	}
	return nil
}

// layout is where things lie, in pixels.
type layout struct {
	columns            int
	origin, tile, size image.Point
}

// at is the upper left corner of an image.
func (l layout) at(i int) image.Point {
	step := l.tile.Add(image.Pt(sheetGapPx, sheetGapPx))
	return l.origin.Add(image.Pt(i%l.columns*step.X, i/l.columns*step.Y))
}

func (s Sheet) layout() layout {
	dots := func(v vg.Length) int { return int(math.Ceil(v.Dots(dpi))) }
	edge := dots(margin)
	l := layout{columns: s.Columns, origin: image.Pt(edge, edge), tile: s.even(sheetTilePx, sheetLargestPx)}
	if s.Title != "" {
		l.origin.Y += dots(titleSize + 1.5*pad)
	}
	if s.XLabel != "" || s.YLabel != "" {
		l.origin.Y += dots(lineHeight)
	}
	if len(s.ColumnCaptions) > 0 {
		l.origin.Y += dots(lineHeight)
	}
	style, widest := textStyle(labelSize, text.XRight, middle), vg.Length(0)
	for _, txt := range s.LineCaptions {
		widest = max(widest, style.Width(txt)+pad)
	}
	l.origin.X += dots(widest)
	l.size = l.at(len(s.Images) - 1).Add(l.tile).Add(image.Pt(edge, edge))
	head, sub := textStyle(titleSize, text.XLeft, text.YTop), textStyle(labelSize, text.XLeft, text.YTop)
	l.size.X = max(l.size.X, dots(head.Width(s.Title))+2*edge, l.origin.X+dots(sub.Width(s.XLabel))+edge)
	return l
}

// drawCaptions writes captions beside the columns and lines.
func (s Sheet) drawCaptions(c draw.Canvas, l layout) {
	point := func(x, y int) vg.Point { return vg.Point{X: px(x), Y: px(l.size.Y - y)} }
	above := textStyle(labelSize, text.XCenter, text.YBottom)
	for i, txt := range s.ColumnCaptions {
		at := l.at(i)
		c.FillText(above, point(at.X+l.tile.X/2, at.Y).Add(vg.Point{Y: pad / 2}), fit(above, txt, px(l.tile.X)))
	}
	left := textStyle(labelSize, text.XRight, middle)
	for i, txt := range s.LineCaptions {
		at := l.at(i * s.Columns)
		c.FillText(left, point(at.X, at.Y+l.tile.Y/2).Add(vg.Point{X: -pad}), txt)
	}
	high := vg.Point{Y: pad/2 + lineHeight}
	c.FillText(textStyle(labelSize, text.XLeft, text.YBottom), point(l.origin.X, l.origin.Y).Add(high), s.XLabel)
	c.FillText(textStyle(labelSize, text.XRight, text.YBottom), point(l.origin.X, l.origin.Y).Add(high).Add(vg.Point{X: -pad}), s.YLabel)
}
