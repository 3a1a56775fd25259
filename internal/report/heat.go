package report

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strconv"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Heat is a matrix of signed values, such as the weights by which units read the
// columns of a table. Lines have names, columns numbers from 1.
type Heat struct {
	Title   string // empty: none
	Lines   []string
	Columns int
	Values  []float32 // (Lines, Columns)
	XLabel  string
	Label   string // of the scale
	Format  Format
}

// MaxHeat is the most lines, and the most columns, that a picture has room for.
const MaxHeat = 512

// HeatMap draws a matrix with the colours of [Signed].
func HeatMap(w io.Writer, h Heat) error {
	if err := h.check(); err != nil {
		return fmt.Errorf("report: heat map: %w", err)
	}
	dots := func(v vg.Length) int { return int(math.Ceil(v.Dots(dpi))) }
	cell := func(n, room int) int { return min(max(room/n, 3), dots(lineHeight)) }
	tile := image.Pt(cell(h.Columns, 1100), cell(len(h.Lines), 1100))
	name, widest := textStyle(tickSize, text.XRight, middle), vg.Length(0)
	const longest vg.Length = 130
	for _, txt := range h.Lines {
		widest = max(widest, name.Width(fit(name, txt, longest)))
	}
	edge := dots(margin)
	at := image.Pt(edge+dots(widest+pad), edge)
	if h.Title != "" {
		at.Y += dots(titleSize + 1.5*pad)
	}
	body := image.Rectangle{Min: at, Max: at.Add(image.Pt(tile.X*h.Columns, tile.Y*len(h.Lines)))}
	bar := image.Rect(body.Max.X+barGapPx, at.Y, body.Max.X+barGapPx+barPx, max(body.Max.Y, at.Y+barLeastPx))
	size := image.Pt(body.Max.X+barRoomPx+edge, max(body.Max.Y+dots(3*lineHeight), bar.Max.Y)+edge)
	title := textStyle(titleSize, text.XLeft, text.YTop)
	size.X = max(size.X, dots(title.Width(h.Title))+2*edge)
	most := largestOf([][]float32{h.Values})
	err := render(w, h.Format, size.X, size.Y, func(c draw.Canvas) {
		drawTitle(draw.Crop(c, margin, -margin, margin, -margin), h.Title)
		place(c, size.Y, body, signedImage(h.Values, len(h.Lines), h.Columns, most), xdraw.NearestNeighbor)
		every := (dots(tickSize*1.15) + tile.Y - 1) / tile.Y
		for i := 0; i < len(h.Lines); i += every {
			y := px(size.Y - body.Min.Y - i*tile.Y - tile.Y/2)
			c.FillText(name, vg.Point{X: px(body.Min.X) - pad, Y: y}, fit(name, h.Lines[i], longest))
		}
		number := textStyle(tickSize, text.XCenter, text.YTop)
		every = nice((dots(number.Width("888")+pad) + tile.X - 1) / tile.X)
		below := px(size.Y-body.Max.Y) - 3
		for i := 0; i < h.Columns; i++ {
			if (i+1)%every == 0 || i == 0 && every > 2 {
				c.FillText(number, vg.Point{X: px(body.Min.X + i*tile.X + tile.X/2), Y: below}, strconv.Itoa(i+1))
			}
		}
		label := textStyle(labelSize, text.XCenter, text.YTop)
		c.FillText(label, vg.Point{X: px((body.Min.X + body.Max.X) / 2), Y: below - tickSize - pad}, h.XLabel)
		drawBar(c, size.Y, bar, most, h.Label)
	})
	if err != nil {
		return fmt.Errorf("report: heat map: %w", err)
	}
	return nil
}

// nice is the least of 1, 2, 5, 10, 20, 50, … that is no less than n.
func nice(n int) int {
	for power := 1; ; power *= 10 {
		if at := slices.IndexFunc([]int{1, 2, 5}, func(f int) bool { return f*power >= n }); at >= 0 {
			return []int{1, 2, 5}[at] * power
		}
	}
}

func (h Heat) check() error {
	switch n := len(h.Lines); {
	case n < 1 || h.Columns < 1:
		return errors.New("no values; want at least one")
	case n > MaxHeat || h.Columns > MaxHeat:
		return fmt.Errorf("%d × %d values; want at most %d each way", n, h.Columns, MaxHeat)
	case len(h.Values) != n*h.Columns:
		return fmt.Errorf("%d values; want %d × %d", len(h.Values), n, h.Columns)
	}
	return finiteValues(h.Values)
}
