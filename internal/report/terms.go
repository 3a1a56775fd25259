package report

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TermCurves are the terms of a loss over a training.
type TermCurves struct {
	Title string    // empty: none
	Unit  string    // of all; empty: none
	Epoch []float64 // 1, 2, …
	Terms []Term
}

// Term is one of them. NaN stands for a value that was not measured.
type Term struct {
	Name  string
	Train []float64 // mean over each epoch; may be empty
	Val   []float64 // after each epoch; may be empty
	Test  []float64 // the same
}

const (
	termHeightPx = 420
	maxTerms     = 12
)

// Terms draws the terms of a loss one below the other, 1400 × 420 pixels each,
// every one on an axis of its own: they differ by orders of magnitude. An axis
// is logarithmic where all its values are above 0 and span more than a factor
// of ten.
func Terms(w io.Writer, c TermCurves) error {
	panels, err := c.panels()
	if err != nil {
		return fmt.Errorf("report: terms: %w", err)
	}
	head := int((titleSize + lineHeight + 3*pad + 2*margin).Dots(dpi))
	err = render(w, PNG, 1400, head+termHeightPx*len(panels), func(canvas draw.Canvas) {
		canvas = draw.Crop(canvas, margin, -margin, margin, -margin)
		canvas = drawLegendRow(drawTitle(canvas, c.Title), used(panels))
		height := (canvas.Max.Y - canvas.Min.Y) / vg.Length(len(panels))
		for i, lines := range panels {
			p := newPlot("", c.Terms[i].Name)
			if c.Unit != "" {
				p.Y.Label.Text += ", " + c.Unit
			}
			if i == len(panels)-1 {
				p.X.Label.Text = "epoch"
			}
			scaleLoss(p, lines)
			p.Add(grid{})
			for _, s := range lines {
				p.Add(s)
			}
			panel := canvas
			panel.Max.Y = canvas.Max.Y - vg.Length(i)*height
			panel.Min.Y = panel.Max.Y - height + pad
			p.Draw(panel)
		}
	})
	if err != nil {
		return fmt.Errorf("report: terms: %w", err)
	}
	return nil
}

// termEntries are the training, the validation and the test rows.
func termEntries() []entry {
	return []entry{
		{label: "train", color: classColor(0), width: 1.5, shape: draw.CircleGlyph{}},
		{label: "validation", color: classColor(3), width: 1.5, shape: draw.BoxGlyph{}},
		{label: "test", color: classColor(2), width: 1.5, shape: draw.PyramidGlyph{}},
	}
}

// used are the entries that have a line.
func used(panels [][]series) (entries []entry) {
	for _, e := range termEntries() {
		if slices.ContainsFunc(slices.Concat(panels...), func(s series) bool { return s.label == e.label }) {
			entries = append(entries, e)
		}
	}
	return entries
}

// panels returns the lines of each term.
func (c TermCurves) panels() (panels [][]series, err error) {
	if len(c.Terms) < 1 || len(c.Terms) > maxTerms {
		return nil, fmt.Errorf("%d terms; want 1 to %d", len(c.Terms), maxTerms)
	}
	entries := termEntries()
	for _, t := range c.Terms {
		lines, err := withPoints([]series{
			{entry: entries[0], x: c.Epoch, y: t.Train}, {entry: entries[1], x: c.Epoch, y: t.Val}, {entry: entries[2], x: c.Epoch, y: t.Test},
		})
		if errors.Is(err, errNoValue) {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %w", t.Name, err)
		}
		panels = append(panels, lines)
	}
	return panels, nil
}
