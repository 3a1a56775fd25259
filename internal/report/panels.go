package report

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panels are small charts of the same kind beside and below one another, such as
// one for each column of a table.
type Panels struct {
	Title          string // empty: none
	XLabel, YLabel string // of all
	Columns        int    // panels beside one another
	Panels         []Panel
	Format         Format
}

// Panel is one of them.
type Panel struct {
	Name  string // above it
	Lines []Line
	// Ticks name places of the x axis, from 0; nil: it has numbers.
	Ticks map[int]string
	// Diagonal says that both axes have the same range, with the line where they
	// are equal.
	Diagonal bool
}

// Line is a line of a panel, or its points alone. NaN interrupts it.
type Line struct {
	Label string // the same label is one entry of the legend
	Kind  LineKind
	Tone  float64 // of a Graded line: −1 blue, 0 gray, 1 orange
	X, Y  []float64
}

// LineKind is how a line looks.
type LineKind int

// The kinds of lines.
const (
	Given  LineKind = iota // thick and gray
	Made                   // thin and orange, over what was given
	Dots                   // points alone
	Graded                 // by its tone
)

// MaxPanels is the most charts of one picture.
const MaxPanels = 64

const panelHeightPx = 330

// Charts draws panels, 1400 pixels wide.
func Charts(w io.Writer, c Panels) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("report: charts: %w", err)
	}
	legend := c.legend()
	room := px(1400) - 2*margin
	lines := (len(c.Panels) + c.Columns - 1) / c.Columns
	head := 2*margin + titleSize + 1.5*pad
	if len(legend) > 0 {
		head += vg.Length(legendLines(legend, room))*lineHeight + 1.5*pad
	}
	height := panelHeightPx
	if c.Panels[0].Ticks != nil {
		height += 80 // for names that stand upright
	}
	if c.Panels[0].Diagonal {
		height = (1400 - 60) / c.Columns
	}
	err := render(w, c.Format, 1400, int(head.Dots(dpi))+lines*height, func(canvas draw.Canvas) {
		canvas = drawTitle(draw.Crop(canvas, margin, -margin, margin, -margin), c.Title)
		if len(legend) > 0 {
			canvas = drawLegendLines(canvas, legend)
		}
		wide := (canvas.Max.X - canvas.Min.X) / vg.Length(c.Columns)
		high := (canvas.Max.Y - canvas.Min.Y) / vg.Length(lines)
		for i, p := range c.Panels {
			panel := canvas
			panel.Min.X = canvas.Min.X + vg.Length(i%c.Columns)*wide
			panel.Max.X = panel.Min.X + wide - 2*pad
			panel.Max.Y = canvas.Max.Y - vg.Length(i/c.Columns)*high
			panel.Min.Y = panel.Max.Y - high + pad
			last := i+c.Columns >= len(c.Panels) || p.Diagonal
			c.draw(panel, p, last, i%c.Columns == 0)
		}
	})
	if err != nil {
		return fmt.Errorf("report: charts: %w", err)
	}
	return nil
}

// draw draws one panel; only outer ones say what the axes are.
func (c Panels) draw(canvas draw.Canvas, p Panel, below, left bool) {
	x, y := "", ""
	if below {
		x = c.XLabel
	}
	if left {
		y = c.YLabel
	}
	f := newPlot(x, y)
	name := textStyle(labelSize, text.XLeft, text.YTop)
	canvas.FillText(name, vg.Point{X: canvas.Min.X, Y: canvas.Max.Y}, fit(name, p.Name, canvas.Max.X-canvas.Min.X))
	canvas = draw.Crop(canvas, 0, 0, 0, -lineHeight)
	f.X.Min, f.X.Max, f.Y.Min, f.Y.Max = p.ranges()
	across := max(4, 10/c.Columns)
	f.X.Tick.Marker, f.Y.Tick.Marker = apartTicks(across, canvas.Max.X-canvas.Min.X), linearTicks(5, 0)
	if p.Ticks != nil {
		f.X.Tick.Marker = namedTicks(p.Ticks, "")
		var room vg.Length
		for _, name := range p.Ticks {
			room += textStyle(tickSize, 0, 0).Width(name) + pad
		}
		if room > 0.8*(canvas.Max.X-canvas.Min.X) { // they would touch
			f.X.Tick.Marker = namedTicks(p.Ticks, "  ")
			f.X.Tick.Label.Rotation = math.Pi / 2
			f.X.Tick.Label.XAlign, f.X.Tick.Label.YAlign = text.XRight, middle
		}
	}
	f.Add(grid{})
	if p.Diagonal {
		f.Add(series{entry: entry{color: baselineColor(), width: hairline}, x: []float64{f.X.Min, f.X.Max}, y: []float64{f.Y.Min, f.Y.Max}})
	}
	for _, l := range p.Lines {
		f.Add(l)
	}
	f.Draw(canvas)
}

// ranges are those of both axes, with a margin.
func (p Panel) ranges() (left, right, low, high float64) {
	left, low = math.Inf(1), math.Inf(1)
	right, high = math.Inf(-1), math.Inf(-1)
	for _, l := range p.Lines {
		for i, y := range l.Y {
			if measured(y) && measured(l.X[i]) {
				left, right, low, high = min(left, l.X[i]), max(right, l.X[i]), min(low, y), max(high, y)
			}
		}
	}
	if p.Diagonal {
		left, right = min(left, low), max(right, high)
		low, high = left, right
	}
	left, right = widen(left, right)
	low, high = widen(low, high)
	return left, right, low, high
}

// namedTicks puts names at some places, with what keeps them away from the axis.
func namedTicks(names map[int]string, end string) plot.TickerFunc {
	const longest vg.Length = 60
	s := textStyle(tickSize, 0, 0)
	return func(lo, hi float64) (ticks []plot.Tick) {
		for at, name := range names {
			if v := float64(at); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: fit(s, name, longest) + end})
			}
		}
		slices.SortFunc(ticks, func(a, b plot.Tick) int { return int(a.Value) - int(b.Value) })
		return ticks
	}
}

// look is how the line is drawn.
func (l Line) look() entry {
	gray := color.NRGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
	switch l.Kind {
	case Given:
		return entry{label: l.Label, color: gray, width: 2.4}
	case Made:
		return entry{label: l.Label, color: classColor(3), width: 1}
	case Dots:
		return entry{label: l.Label, color: opacity(classColor(0), 0.5), shape: draw.CircleGlyph{}}
	}
	end := classColor(0)
	if l.Tone > 0 {
		end = classColor(3)
	}
	return entry{label: l.Label, color: mix(color.NRGBA{R: 0xc4, G: 0xc4, B: 0xc4, A: 0xff}, end, math.Abs(l.Tone)), width: 1.2}
}

// Plot draws the line piece by piece, or its points. A piece of one point is a
// point.
func (l Line) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	look := l.look()
	glyph := draw.GlyphStyle{Color: look.color, Radius: 1.6, Shape: draw.CircleGlyph{}}
	var piece []vg.Point
	flush := func() {
		if len(piece) > 1 && l.Kind != Dots {
			c.StrokeLines(draw.LineStyle{Color: look.color, Width: look.width}, piece)
		} else {
			for _, at := range piece {
				c.DrawGlyphNoClip(glyph, at)
			}
		}
		piece = nil
	}
	for i, v := range l.Y {
		if !measured(v) || !measured(l.X[i]) {
			flush()
			continue
		}
		piece = append(piece, vg.Point{X: x(l.X[i]), Y: y(v)})
	}
	flush()
}

// legend has an entry for each label.
func (c Panels) legend() (entries []entry) {
	for _, p := range c.Panels {
		for _, l := range p.Lines {
			if l.Label != "" && !slices.ContainsFunc(entries, func(e entry) bool { return e.label == l.Label }) {
				entries = append(entries, l.look())
			}
		}
	}
	return entries
}

func (c Panels) check() error {
	switch n := len(c.Panels); {
	case n < 1 || n > MaxPanels:
		return fmt.Errorf("%d panels; want 1 to %d", n, MaxPanels)
	case c.Columns < 1:
		return errors.New("no columns; want at least one")
	}
	for _, p := range c.Panels {
		values := 0
		for _, l := range p.Lines {
			if len(l.X) != len(l.Y) {
				return fmt.Errorf("%s: %d values at %d places; want as many", p.Name, len(l.Y), len(l.X))
			}
			for i, v := range l.Y {
				if measured(v) && measured(l.X[i]) {
					values++
				}
			}
		}
		if values == 0 {
			return fmt.Errorf("%s: %w", p.Name, errNoValue)
		}
	}
	return nil
}
