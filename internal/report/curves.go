package report

import (
	"errors"
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// RunCurves are the losses of several trainings.
type RunCurves struct {
	Title  string // empty: none
	Label  string // of the y axis, with the unit; empty: "loss"
	Runs   []RunCurve
	Format Format
}

// RunCurve is one of them. NaN stands for a value that was not measured.
type RunCurve struct {
	Name             string
	Epoch            []float64 // 1, 2, …
	Train, Val, Test []float64 // as LossCurve has them
}

// MaxRuns is the most trainings that one picture shows: of more, colours and
// marks would be alike.
const MaxRuns = 12

// Runs draws the losses of several trainings, 1400 pixels wide: a colour and a
// mark for each; losses over the training rows thin, over the validation rows
// thick, over the test rows dashed. The loss axis is logarithmic where all values
// are above 0 and span more than a factor of ten.
func Runs(w io.Writer, c RunCurves) error {
	lines, legend, err := c.lines()
	if err != nil {
		return fmt.Errorf("report: runs: %w", err)
	}
	p := newPlot("epoch", "loss")
	if c.Label != "" {
		p.Y.Label.Text = c.Label
	}
	scaleLoss(p, lines)
	p.Add(grid{})
	for _, s := range lines {
		p.Add(s)
	}
	const width, height = 1400, 900
	room := px(width) - 2*margin
	more := int((vg.Length(legendLines(legend, room)-1) * lineHeight).Dots(dpi))
	err = render(w, c.Format, width, height+more, func(canvas draw.Canvas) {
		canvas = draw.Crop(canvas, margin, -margin, margin, -margin)
		p.Draw(drawLegendLines(drawTitle(canvas, c.Title), legend))
	})
	if err != nil {
		return fmt.Errorf("report: runs: %w", err)
	}
	return nil
}

// runShapes mark runs beside their colours.
func runShapes() []draw.GlyphDrawer {
	return []draw.GlyphDrawer{
		draw.CircleGlyph{},
		draw.BoxGlyph{},
		draw.PyramidGlyph{},
		draw.RingGlyph{},
		draw.SquareGlyph{},
		draw.TriangleGlyph{},
		draw.CrossGlyph{},
		draw.PlusGlyph{},
	}
}

// lines returns the lines that have points, and what the legend says: first the
// runs and then the kinds of lines that there are.
func (c RunCurves) lines() (all []series, legend []entry, err error) {
	const thin, thick = 0.8, 1.7
	if n := len(c.Runs); n < 1 || n > MaxRuns {
		return nil, nil, fmt.Errorf("%d runs; want 1 to %d", n, MaxRuns)
	}
	gray := color.NRGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}
	kinds := []entry{
		{label: "train", color: gray, width: thin},
		{label: "validation", color: gray, width: thick},
		{label: "test", color: gray, width: thick, dashes: []vg.Length{4, 3}},
	}
	drawn, shapes := make(map[string]bool), runShapes()
	for i, r := range c.Runs {
		own := make([]series, len(kinds))
		for k, values := range [][]float64{r.Train, r.Val, r.Test} {
			own[k] = series{entry: kinds[k], x: r.Epoch, y: values}
			own[k].color, own[k].shape = classColor(byte(i)), shapes[i%len(shapes)]
		}
		lines, err := withPoints(own)
		if errors.Is(err, errNoValue) {
			return nil, nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s, %w", r.Name, err)
		}
		for _, s := range lines {
			drawn[s.label] = true
		}
		all = append(all, lines...)
		legend = append(legend, entry{label: r.Name, color: classColor(byte(i)), width: thick, shape: shapes[i%len(shapes)]})
	}
	for _, k := range kinds {
		if drawn[k.label] {
			legend = append(legend, k)
		}
	}
	return all, legend, nil
}

// legendPlaces returns where the entries of a legend stand that is so wide, line
// below line, from its upper left, and how many lines it has.
func legendPlaces(entries []entry, width vg.Length) (places []vg.Point, lines int) {
	s := textStyle(labelSize, text.XLeft, middle)
	p := vg.Point{Y: -lineHeight / 2}
	lines = 1
	for _, e := range entries {
		wide := sampleWidth + 4 + s.Width(fit(s, e.label, longestEntry))
		if p.X > 0 && p.X+wide > width {
			p = vg.Point{Y: p.Y - lineHeight}
			lines++
		}
		places = append(places, p)
		p.X += wide + 3*pad
	}
	return places, lines
}

const longestEntry vg.Length = 150

func legendLines(entries []entry, width vg.Length) int {
	_, lines := legendPlaces(entries, width)
	return lines
}

// drawLegendLines draws entries at the top, in as many lines as they need, and
// returns the rest.
func drawLegendLines(c draw.Canvas, entries []entry) draw.Canvas {
	places, lines := legendPlaces(entries, c.Max.X-c.Min.X)
	s := textStyle(labelSize, text.XLeft, middle)
	for i, e := range entries {
		e.label = fit(s, e.label, longestEntry)
		e.draw(c, places[i].Add(vg.Point{X: c.Min.X, Y: c.Max.Y}), sampleWidth)
	}
	return draw.Crop(c, 0, 0, 0, -vg.Length(lines)*lineHeight-1.5*pad)
}
