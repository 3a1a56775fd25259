package report

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// LossCurve is the loss over a training. NaN stands for a value that was not
// measured; it and ±Inf are left out.
type LossCurve struct {
	Title string // empty: none
	Label string // of the y axis, with the unit; empty: "loss"

	Step     []float64 // in epochs, such as 0.25 after a quarter of the first
	StepLoss []float64 // training loss around each Step

	Epoch []float64 // 1, 2, …
	Train []float64 // mean over each Epoch
	Val   []float64 // after each Epoch; may be empty
	Test  []float64 // the same

	// Baseline is a loss to compare with, drawn as a level line; without a
	// label there is none.
	Baseline      float64
	BaselineLabel string
}

// series is one line of the picture: the points that exist.
type series struct {
	entry
	x, y []float64
	mark bool // show the points themselves
}

// Loss draws a loss curve, 1400 × 900 pixels. The loss axis is logarithmic
// where all values are above 0 and span more than a factor of ten.
func Loss(w io.Writer, c LossCurve) error {
	all, err := c.series()
	if err != nil {
		return fmt.Errorf("report: loss: %w", err)
	}
	p := newPlot("epoch", "loss")
	if c.Label != "" {
		p.Y.Label.Text = c.Label
	}
	scaleLoss(p, all)
	p.Add(grid{})
	var entries []entry
	for _, s := range all {
		p.Add(s)
		entries = append(entries, s.entry)
	}
	err = render(w, PNG, 1400, 900, func(canvas draw.Canvas) {
		canvas = draw.Crop(canvas, margin, -margin, margin, -margin)
		canvas = drawLegendRow(drawTitle(canvas, c.Title), entries)
		p.Draw(canvas)
	})
	if err != nil {
		return fmt.Errorf("report: loss: %w", err)
	}
	return nil
}

// series returns the lines that have points.
func (c LossCurve) series() ([]series, error) {
	const thin, thick = 0.8, 1.5
	blue, orange, green := classColor(0), classColor(3), classColor(2)
	all, err := withPoints([]series{
		{entry: entry{label: "train, by step", color: mix(blue, white(), 0.6), width: thin}, x: c.Step, y: c.StepLoss},
		{entry: entry{label: "train", color: blue, width: thick, shape: draw.CircleGlyph{}}, x: c.Epoch, y: c.Train},
		{entry: entry{label: "validation", color: orange, width: thick, shape: draw.BoxGlyph{}}, x: c.Epoch, y: c.Val},
		{entry: entry{label: "test", color: green, width: thick, shape: draw.PyramidGlyph{}}, x: c.Epoch, y: c.Test},
	})
	if err == nil && c.BaselineLabel != "" && measured(c.Baseline) {
		all = append(all, c.baseline(all))
	}
	return all, err
}

var errNoValue = errors.New("no finite value; want at least one")

// withPoints returns the lines that have points, with copies of those that can
// be drawn.
func withPoints(lines []series) (all []series, err error) {
	const many = 40
	for _, l := range lines {
		if len(l.y) == 0 {
			continue
		}
		if len(l.x) != len(l.y) {
			return nil, fmt.Errorf("%s: %d values at %d places; want as many", l.label, len(l.y), len(l.x))
		}
		s := series{entry: l.entry}
		for i, y := range l.y {
			if measured(l.x[i]) && measured(y) {
				s.x, s.y = append(s.x, l.x[i]), append(s.y, y)
			}
		}
		if len(s.x) == 0 {
			continue
		}
		s.mark = l.shape != nil && len(s.x) <= many || len(s.x) == 1
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errNoValue
	}
	return all, nil
}

// baseline is the level line, as wide as the others go.
func (c LossCurve) baseline(others []series) series {
	first, last := math.Inf(1), math.Inf(-1)
	for _, s := range others {
		first, last = min(first, slices.Min(s.x)), max(last, slices.Max(s.x))
	}
	one := first == last
	if first > 0 && !one {
		first = 0
	}
	return series{
		entry: entry{label: c.BaselineLabel, color: baselineColor(), width: 1.5},
		x:     []float64{first, last}, y: []float64{c.Baseline, c.Baseline}, mark: one,
	}
}

func baselineColor() color.NRGBA { return color.NRGBA{R: 0x77, G: 0x77, B: 0x77, A: 0xff} }

// measured tells a number that can be drawn; what is beyond 1e100 is as good as infinite.
func measured(v float64) bool { return math.Abs(v) <= 1e100 }

// scaleLoss sets the axes' ranges and ticks. On a logarithmic axis the values
// become their decimal logarithms: plot.LogScale misplaces the axis's label.
func scaleLoss(p *plot.Plot, all []series) {
	lo, hi := math.Inf(1), math.Inf(-1)
	first, last := lo, hi
	for _, s := range all {
		lo, hi = min(lo, slices.Min(s.y)), max(hi, slices.Max(s.y))
		first, last = min(first, slices.Min(s.x)), max(last, slices.Max(s.x))
	}
	p.X.Min, p.X.Max = widen(first, last)
	if first >= 0 && first < last { // more than one place: time starts at 0
		p.X.Min, p.X.Max = 0, last
	}
	p.X.Tick.Marker = linearTicks(10, 1)
	p.Y.Tick.Marker = linearTicks(8, 0)
	if lo > 0 && hi/lo > 10 {
		lo, hi = math.Log10(lo), math.Log10(hi)
		p.Y.Tick.Marker = plot.TickerFunc(logTicks)
		for _, s := range all {
			for i, y := range s.y {
				s.y[i] = math.Log10(y)
			}
		}
	}
	p.Y.Min, p.Y.Max = widen(lo, hi)
}

// Plot draws the line and its points.
func (s series) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	points := make([]vg.Point, len(s.x))
	for i := range points {
		points[i] = vg.Point{X: x(s.x[i]), Y: y(s.y[i])}
	}
	if len(points) > 1 {
		c.StrokeLines(draw.LineStyle{Color: s.color, Width: s.width, Dashes: s.dashes}, points)
	}
	if !s.mark {
		return
	}
	style := draw.GlyphStyle{Color: s.color, Radius: glyphRadius, Shape: s.shape}
	if style.Shape == nil {
		style.Shape = draw.CircleGlyph{}
	}
	for _, point := range points {
		c.DrawGlyphNoClip(style, point)
	}
}

// grid draws a faint line behind each label of the y axis.
type grid struct{}

func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	style := draw.LineStyle{Color: faint(), Width: hairline}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}
