package report

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Filters are images of signed values, such as the weights of units that read
// images: 0 is white, what is above orange and below blue, on one scale.
type Filters struct {
	Title    string // empty: none
	H, W     int
	Columns  int
	Images   [][]float32 // (H,W) each
	Captions []string    // one an image, above it; empty: none
	Label    string      // of the scale
	Format   Format
}

// MaxFilters is the most images of one picture.
const MaxFilters = 100

// Signed draws filters line by line, and the scale of their colours.
func Signed(w io.Writer, f Filters) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("report: filters: %w", err)
	}
	dots := func(v vg.Length) int { return int(math.Ceil(v.Dots(dpi))) }
	edge, above := dots(margin), 0
	if len(f.Captions) > 0 {
		above = dots(lineHeight)
	}
	top := edge
	if f.Title != "" {
		top += dots(titleSize + 1.5*pad)
	}
	square := Pixels{C: 1, H: f.H, W: f.W}
	tile := square.even(tilePx, largestPx)
	across := min(f.Columns, len(f.Images))
	lines := (len(f.Images) + f.Columns - 1) / f.Columns
	at := func(i int) image.Point {
		return image.Pt(edge+i%f.Columns*(tile.X+gapPx), top+above+i/f.Columns*(tile.Y+gapPx+above))
	}
	right := edge + across*(tile.X+gapPx)
	bottom := max(top+lines*(tile.Y+gapPx+above), top+barLeastPx)
	size := image.Pt(right+barRoomPx+edge, bottom+edge)
	title := textStyle(titleSize, text.XLeft, text.YTop)
	size.X = max(size.X, dots(title.Width(f.Title))+2*edge)
	most := largestOf(f.Images)
	err := render(w, f.Format, size.X, size.Y, func(c draw.Canvas) {
		drawTitle(draw.Crop(c, margin, -margin, margin, -margin), f.Title)
		caption := textStyle(tickSize, text.XCenter, text.YBottom)
		for i, values := range f.Images {
			to := image.Rectangle{Min: at(i), Max: at(i).Add(tile)}
			place(c, size.Y, to, signedImage(values, f.H, f.W, most), square.scaler(largestPx))
			if len(f.Captions) > 0 {
				c.FillText(caption, vg.Point{X: px(to.Min.X + tile.X/2), Y: px(size.Y-to.Min.Y) + 2}, fit(caption, f.Captions[i], px(tile.X)))
			}
		}
		drawBar(c, size.Y, image.Rect(right+barGapPx, top+above, right+barGapPx+barPx, bottom-gapPx), most, f.Label)
	})
	if err != nil {
		return fmt.Errorf("report: filters: %w", err)
	}
	return nil
}

func (f Filters) check() error {
	switch n := len(f.Images); {
	case n < 1 || n > MaxFilters:
		return fmt.Errorf("%d images; want 1 to %d", n, MaxFilters)
	case f.Columns < 1:
		return errors.New("no columns; want at least one")
	case f.H < 1 || f.W < 1:
		return fmt.Errorf("images of %d × %d; want at least 1 each way", f.H, f.W)
	case len(f.Captions) != 0 && len(f.Captions) != n:
		return fmt.Errorf("%d captions of %d images; want none or as many", len(f.Captions), n)
	}
	for i, values := range f.Images {
		if len(values) != f.H*f.W {
			return fmt.Errorf("image %d has %d values; want %d × %d", i, len(values), f.H, f.W)
		}
		if err := finiteValues(values); err != nil {
			return fmt.Errorf("image %d: %w", i, err)
		}
	}
	return nil
}

func finiteValues(values []float32) error {
	for at, v := range values {
		if v-v != 0 {
			return fmt.Errorf("value %d is %v; want finite numbers", at, v)
		}
	}
	return nil
}

// largestOf is the largest of all values in size, 1 where all are 0.
func largestOf(images [][]float32) float64 {
	most := 0.0
	for _, values := range images {
		for _, v := range values {
			most = max(most, math.Abs(float64(v)))
		}
	}
	if most == 0 {
		return 1
	}
	return most
}

// signedColor is that of a value between −1 and 1: blue, white, orange, which
// nobody confuses who is colour-blind.
func signedColor(v float64) color.NRGBA {
	blue, orange := classColor(0), classColor(3)
	if v < 0 {
		return mix(white(), blue, min(1, -v))
	}
	return mix(white(), orange, min(1, v))
}

func signedImage(values []float32, h, w int, most float64) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, v := range values {
		img.Set(i%w, i/w, signedColor(float64(v)/most))
	}
	return img
}

// The scale of colours at the right.
const (
	barPx      = 28
	barGapPx   = 34
	barRoomPx  = 230 // with its ticks and its label
	barLeastPx = 320 // height
)

// drawBar draws the scale from −most to most into a rectangle of pixels.
func drawBar(c draw.Canvas, heightPx int, at image.Rectangle, most float64, label string) {
	const steps = 256
	ramp := make([]float32, steps)
	for i := range ramp {
		ramp[i] = float32(1 - 2*float64(i)/(steps-1))
	}
	place(c, heightPx, at, signedImage(ramp, steps, 1, 1), xdraw.ApproxBiLinear)
	low, high := px(heightPx-at.Max.Y), px(heightPx-at.Min.Y)
	left, right := px(at.Min.X), px(at.Max.X)
	style := draw.LineStyle{Color: ink(), Width: hairline}
	c.StrokeLines(style, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}, {X: left, Y: low}})
	tick, widest := textStyle(tickSize, text.XLeft, middle), vg.Length(0)
	for _, t := range linearTicks(8, 0)(-most, most) {
		y := low + (high-low)*vg.Length((t.Value+most)/(2*most))
		c.StrokeLine2(style, right, y, right+4, y)
		c.FillText(tick, vg.Point{X: right + 7, Y: y}, t.Label)
		widest = max(widest, tick.Width(t.Label))
	}
	name := textStyle(labelSize, text.XCenter, text.YTop)
	name.Rotation = math.Pi / 2
	c.FillText(name, vg.Point{X: right + 7 + widest + pad, Y: (low + high) / 2}, label)
}
