package picture

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/report"
	"aegis/model"
)

// ReconstructionsPlot says how rows and what is rebuilt of them are drawn.
type ReconstructionsPlot struct {
	PlotOptions
	Rows int    // how many images are shown, the first of each class before others; 0: 10
	Seed uint64 // of the noise of a model that restores rows
}

const (
	plotImages = 10  // shown
	plotLines  = 512 // rows that are looked at
	plotPanels = 24  // columns of a table, or rows of a vector without names
)

// Reconstructions draws rows and what the model rebuilds of them. Of images
// originals stand above what is rebuilt, the first of each class, with what the
// network read between them where it was trained to restore rows. Of a table each
// column has a chart of rebuilt over original values of the first 512 rows, of
// windows lines over time, and rows of other vectors a chart each.
func Reconstructions(ctx context.Context, w io.Writer, m *infer.Model, rows data.Reader, o ReconstructionsPlot) error {
	if o.Rows == 0 {
		o.Rows = plotImages
	}
	if o.Rows < 1 || o.Rows > report.MaxFilters {
		return fmt.Errorf("aegis: plot %d reconstructions; want 1 to %d", o.Rows, report.MaxFilters)
	}
	s, err := readSome(rows, plotLines)
	if err != nil {
		return err
	}
	if !isVector(m.Spec()) {
		s = firstOfEach(s, o.Rows)
	}
	read := s.Rows
	if kind := m.Spec().Corrupt; kind != "" {
		if read, err = m.Corrupt(s.Rows, kind, o.Seed, 0); err != nil {
			return err
		}
	}
	rebuilt, err := m.Reconstruct(ctx, read, m.Spec().Reads(s.Labels)...)
	if err != nil {
		return err
	}
	if isVector(m.Spec()) {
		return plotted("reconstructions", report.Charts(w, rebuiltCharts(m, s, rebuilt, o.PlotOptions)))
	}
	return rebuiltGrid(w, m, s, read, rebuilt, o.PlotOptions)
}

// firstOfEach returns the first image of each class, and then further ones, in
// the order of their classes.
func firstOfEach(s data.Set, n int) data.Set {
	picked := make([]int32, 0, n)
	for round := 0; s.Labels != nil && len(picked) < min(n, s.N); round++ {
		seen := make(map[byte]int)
		for i, label := range s.Labels {
			if seen[label] == round && len(picked) < n {
				picked = append(picked, int32(i))
			}
			seen[label]++
		}
	}
	if s.Labels == nil {
		return s.Slice(0, min(n, s.N))
	}
	slices.SortStableFunc(picked, func(a, b int32) int { return int(s.Labels[a]) - int(s.Labels[b]) })
	c, _ := data.NewPickReader(s, picked).Next(len(picked)) // rows in memory
	return c.Set
}

func rebuiltGrid(w io.Writer, m *infer.Model, s data.Set, read data.Rows, rebuilt []float32, o PlotOptions) error {
	g := report.Grid{Pixels: drawnAs(m.Spec()), Format: o.format(), Title: o.Title}
	var err error
	if g.Originals, err = drawn(m, values(m, s.Rows)); err != nil {
		return err
	}
	if g.Rebuilt, err = drawn(m, rebuilt); err != nil {
		return err
	}
	if m.Spec().Corrupt != "" {
		if g.Corrupted, err = drawn(m, values(m, read)); err != nil {
			return err
		}
	}
	for _, label := range s.Labels {
		g.Captions = append(g.Captions, m.Spec().Form.ClassName(label))
	}
	return plotted("reconstructions", report.Reconstructions(w, g))
}

// rebuiltCharts are the charts of vectors.
func rebuiltCharts(m *infer.Model, s data.Set, rebuilt []float32, o PlotOptions) report.Panels {
	spec, given, size := m.Spec(), values(m, s.Rows), s.Size()
	c := report.Panels{Format: o.format()}
	switch columns := columns(spec); {
	case spec.Form.Table != nil && spec.Form.Table.Window > 1:
		overTime(&c, spec, given, rebuilt)
		c.Title = o.title("%s: windows and what is rebuilt of them", spec.Model)
	case spec.Form.Columns != nil || len(columns) <= plotPanels:
		c.Columns, c.XLabel, c.YLabel = min(4, len(columns)), "original", "rebuilt"
		c.Title = o.title("%s: each column of %d rows, rebuilt over original", spec.Model, s.N)
		if len(columns) > plotPanels {
			c.Title += fmt.Sprintf(", the first %d of %d columns", plotPanels, len(columns))
			columns = columns[:plotPanels]
		}
		for at, name := range columns {
			c.Panels = append(c.Panels, report.Panel{
				Name: name, Diagonal: true,
				Lines: []report.Line{{Kind: report.Dots, X: column(given, at, size), Y: column(rebuilt, at, size)}},
			})
		}
	default:
		c.Columns, c.XLabel, c.YLabel = 1, "number of the value", "value"
		c.Title = o.title("%s: rows and what is rebuilt of them", spec.Model)
		for i := range min(6, s.N) {
			from, to := i*size, (i+1)*size
			c.Panels = append(c.Panels, givenAndMade(fmt.Sprintf("row %d", i), wide(given[from:to]), wide(rebuilt[from:to])))
		}
	}
	return c
}

// overTime has a chart for each column, of windows that follow each other without
// a gap where there are such.
func overTime(c *report.Panels, spec model.Spec, given, rebuilt []float32) {
	form, size := spec.Form.Table, sizeOf(spec)
	names := form.Columns()
	c.Columns, c.XLabel, c.YLabel = 1, "line, from 0", ""
	const most = 400 // lines
	every := max(1, (form.Window+form.Step-1)/form.Step)
	for at, name := range names[:min(plotPanels, len(names))] {
		var a, b, x []float64
		for row := 0; row < len(given)/size && (len(a) == 0 || len(a)+form.Window <= most); row += every {
			if len(x) > 0 && every*form.Step > form.Window { // lines between are in no window
				a, b, x = append(a, math.NaN()), append(b, math.NaN()), append(x, x[len(x)-1])
			}
			for line := range form.Window {
				v := row*size + line*len(names) + at
				a, b = append(a, float64(given[v])), append(b, float64(rebuilt[v]))
				x = append(x, float64(row*form.Step+line))
			}
		}
		p := givenAndMade(name, a, b)
		p.Lines[0].X, p.Lines[1].X = x, x
		c.Panels = append(c.Panels, p)
	}
}

// givenAndMade is a chart of values and what is rebuilt of them.
func givenAndMade(name string, given, made []float64) report.Panel {
	x := make([]float64, len(given))
	for i := range x {
		x[i] = float64(i + 1)
	}
	return report.Panel{Name: name, Lines: []report.Line{
		{Label: "original", Kind: report.Given, X: x, Y: given}, {Label: "rebuilt", Kind: report.Made, X: x, Y: made},
	}}
}

// columns are the names of a vector's values, x1, x2, … where they have none.
func columns(spec model.Spec) []string {
	if spec.Form.Columns != nil {
		return spec.Form.Columns
	}
	names := make([]string, sizeOf(spec))
	for i := range names {
		names[i] = fmt.Sprintf("x%d", i+1)
	}
	return names
}

// column is one value of each row.
func column(values []float32, at, size int) (out []float64) {
	for ; at < len(values); at += size {
		out = append(out, float64(values[at]))
	}
	return out
}

func wide(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}
