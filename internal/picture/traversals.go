package picture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"aegis/data"
	"aegis/internal/infer"
	"aegis/internal/report"
	"aegis/model"
)

// TraversalsPlot says how the dimensions of a code are walked through.
type TraversalsPlot struct {
	PlotOptions
	// Row is the number of a row, from 0, at whose code the other dimensions stay;
	// nil: at their means.
	Row   *int
	Class string // what all is decoded as, for a model that reads labels; empty: the row's, or the first
}

const (
	mostWalked   = 64   // dimensions of a code
	walkedRows   = 5000 // whose codes are looked at
	walkEnd      = 3    // deviations
	stepsOfWalks = 2*walkEnd + 1
)

// NeedsRows tells whether [Traversals] reads rows: a model whose codes are held to
// N(0, 1) needs none but for a row's code.
func NeedsRows(spec model.Spec, o TraversalsPlot) bool {
	return o.Row != nil || !spec.Variational() && spec.Prior != model.NormalPrior
}

// Traversals draws what the decoder makes of codes of which one dimension
// changes, a line each: over −3 to 3 deviations of the prior where codes are held
// to N(0, 1), else over the quantiles of the codes of rows that lie there in a
// normal distribution. Of vectors each dimension has a chart of lines, in the
// scaled values that the network writes. Rows may be nil where [NeedsRows]
// says so; at most 5,000 are read, and 64 dimensions are drawn, those in which
// codes differ most.
func Traversals(ctx context.Context, w io.Writer, m *infer.Model, rows data.Reader, o TraversalsPlot) error {
	spec := m.Spec()
	walk, err := newWalk(ctx, m, rows, o)
	if err != nil {
		return err
	}
	label, err := walkedAs(spec, walk, o)
	if err != nil {
		return err
	}
	var codes []float32
	for _, d := range walk.dims {
		for step := range stepsOfWalks {
			code := slices.Clone(walk.origin)
			code[d] = walk.places[d][step]
			codes = append(codes, code...)
		}
	}
	decoded, err := m.Decode(ctx, codes, slices.Repeat(label, len(walk.dims)*stepsOfWalks)...)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s: each dimension of the code by itself", spec.Model)
	if isVector(spec) {
		title = fmt.Sprintf("%s: what each dimension of the code changes, by %s", spec.Model, walk.steps)
	}
	if o.Row != nil {
		title += fmt.Sprintf(", around the code of row %d", *o.Row)
	}
	if label != nil {
		title += ", class " + spec.Form.ClassName(label[0])
	}
	if z := spec.Latent; z > len(walk.dims) {
		title += fmt.Sprintf(", %d of %d", len(walk.dims), z)
	}
	if o.Title == "" {
		o.Title = title
	}
	if isVector(spec) {
		return plotted("traversals", report.Charts(w, walkedCharts(spec, walk, decoded, o)))
	}
	return walkedSheet(w, m, walk, decoded, o)
}

// walk is how the dimensions are gone through.
type walk struct {
	dims     []int
	origin   []float32   // (Z)
	places   [][]float32 // (Z, stepsOfWalks)
	captions []string    // of the steps
	steps    string      // what these are
	labels   []byte      // the row's, of a model that reads them
}

func newWalk(ctx context.Context, m *infer.Model, rows data.Reader, o TraversalsPlot) (w walk, err error) {
	spec := m.Spec()
	z := spec.Latent
	if o.Row != nil && *o.Row < 0 {
		return w, fmt.Errorf("aegis: plot traversals around row %d; want 0 or more, or none for the means", *o.Row)
	}
	w.origin, w.places = make([]float32, z), make([][]float32, z)
	w.dims = make([]int, z)
	for d := range w.dims {
		w.dims[d] = d
	}
	if !NeedsRows(spec, TraversalsPlot{}) {
		for step := -walkEnd; step <= walkEnd; step++ {
			for d := range z {
				w.places[d] = append(w.places[d], float32(step))
			}
			w.captions = append(w.captions, signed(step))
		}
		w.steps = "deviations of the prior"
	}
	if !NeedsRows(spec, o) {
		w.dims = w.dims[:min(z, mostWalked)]
		return w, nil
	}
	if rows == nil {
		return w, errors.New("aegis: plot traversals: no rows, but the model's codes have no normal prior, or it is to be around a row's code; want rows")
	}
	s, err := walkedOver(rows, o)
	if err != nil {
		return w, err
	}
	codes, err := m.Encode(ctx, s.Rows, spec.Reads(s.Labels)...)
	if err != nil {
		return w, err
	}
	w.measure(codes, z)
	if o.Row != nil {
		copy(w.origin, codes[*o.Row*z:][:z])
		if spec.Condition != "" {
			w.labels = s.Labels[*o.Row : *o.Row+1]
		}
	}
	return w, nil
}

// walkedOver are the rows whose codes are looked at, the one of the walk among
// them.
func walkedOver(rows data.Reader, o TraversalsPlot) (data.Set, error) {
	most := walkedRows
	if o.Row != nil {
		most = max(most, *o.Row+1)
	}
	s, err := readSome(rows, most)
	if err != nil {
		return s, err
	}
	if o.Row != nil && *o.Row >= s.N {
		return s, fmt.Errorf("aegis: plot traversals around row %d of %d, counted from 0; want 0 to %d", *o.Row, s.N, s.N-1)
	}
	return s, nil
}

// measure takes means, quantiles and the dimensions of the largest deviations
// from codes.
func (w *walk) measure(codes []float32, z int) {
	deviation := make([]float64, z)
	fill := w.captions == nil
	for d := range z {
		values := column(codes, d, z)
		mean, squares := 0.0, 0.0
		for _, v := range values {
			mean += v / float64(len(values))
		}
		for _, v := range values {
			squares += (v - mean) * (v - mean)
		}
		deviation[d] = squares
		if !fill {
			continue
		}
		w.origin[d] = float32(mean)
		slices.Sort(values)
		for step := -walkEnd; step <= walkEnd; step++ {
			w.places[d] = append(w.places[d], float32(quantile(values, normal(step))))
		}
	}
	for step := -walkEnd; fill && step <= walkEnd; step++ {
		w.captions = append(w.captions, percent(normal(step)))
	}
	if fill {
		w.steps = "quantile of the codes, %"
	}
	slices.SortStableFunc(w.dims, func(a, b int) int { return cmp.Compare(deviation[b], deviation[a]) })
	w.dims = w.dims[:min(z, mostWalked)]
	slices.Sort(w.dims)
}

// normal is the share of a normal distribution below so many deviations.
func normal(deviations int) float64 { return math.Erfc(-float64(deviations)/math.Sqrt2) / 2 }

// percent prints a share in per cent, with a digit more near the ends.
func percent(share float64) string {
	digits := 0
	if share < 0.01 || share > 0.99 {
		digits = 1
	}
	return strconv.FormatFloat(100*share, 'f', digits, 64)
}

// quantile is that of ascending values, between two of them where it lies there.
func quantile(values []float64, share float64) float64 {
	at := share * float64(len(values)-1)
	low := int(at)
	high := min(low+1, len(values)-1)
	return values[low] + (at-float64(low))*(values[high]-values[low])
}

func signed(v int) string {
	switch {
	case v < 0:
		return "−" + strconv.Itoa(-v)
	case v > 0:
		return "+" + strconv.Itoa(v)
	}
	return "0"
}

// walkedAs is the label of all codes, nil for a model that reads none.
func walkedAs(spec model.Spec, w walk, o TraversalsPlot) ([]byte, error) {
	switch conditional := spec.Condition != ""; {
	case !conditional && o.Class != "":
		return nil, fmt.Errorf("aegis: plot traversals of class %s, but the model reads no labels; want no class", o.Class)
	case !conditional:
		return nil, nil
	case o.Class == "" && w.labels != nil:
		return w.labels, nil
	case o.Class == "":
		return []byte{0}, nil
	}
	label, err := spec.Form.Class(o.Class)
	if err != nil {
		return nil, err
	}
	if n := spec.Classes; int(label) >= n {
		return nil, fmt.Errorf("aegis: plot traversals of class %s; want one of the model's %d", o.Class, n)
	}
	return []byte{label}, nil
}

func walkedSheet(w io.Writer, m *infer.Model, walk walk, decoded []float32, o TraversalsPlot) error {
	images, err := drawn(m, decoded)
	if err != nil {
		return err
	}
	s := report.Sheet{
		Pixels: drawnAs(m.Spec()), Title: o.Title, Columns: stepsOfWalks, Images: images,
		ColumnCaptions: walk.captions, XLabel: walk.steps, Format: o.format(),
	}
	for _, d := range walk.dims {
		s.LineCaptions = append(s.LineCaptions, fmt.Sprintf("z%d", d+1))
	}
	return plotted("traversals", report.Images(w, s))
}

// walkedCharts has a chart of each dimension: a line each step. Values of windows
// stand column by column, with gaps between.
func walkedCharts(spec model.Spec, walk walk, decoded []float32, o TraversalsPlot) report.Panels {
	scaling := spec.Scaled()
	scaling.Apply(decoded)
	c := report.Panels{Title: o.Title, Format: o.format(), Columns: min(2, len(walk.dims)), YLabel: "scaled value"}
	order, ticks := alongColumns(spec)
	first := 0
	if ticks == nil {
		c.XLabel, first = "number of the value", 1
	}
	size := sizeOf(spec)
	for i, d := range walk.dims {
		p := report.Panel{Name: fmt.Sprintf("z%d", d+1), Ticks: ticks}
		for step := range stepsOfWalks {
			values := decoded[(i*stepsOfWalks+step)*size:][:size]
			l := report.Line{Label: walk.captions[step], Kind: report.Graded, Tone: float64(step-walkEnd) / walkEnd}
			for x, at := range order {
				y := math.NaN()
				if at >= 0 {
					y = float64(values[at])
				}
				l.X, l.Y = append(l.X, float64(x+first)), append(l.Y, y)
			}
			p.Lines = append(p.Lines, l)
		}
		c.Panels = append(c.Panels, p)
	}
	return c
}

// alongColumns is the order in which a vector's values are drawn, −1 for a gap,
// and the names of places; nil: numbers.
func alongColumns(spec model.Spec) (order []int, ticks map[int]string) {
	const most = 32 // names that have room
	form, size := spec.Form, sizeOf(spec)
	if t := form.Table; t != nil && t.Window > 1 {
		names := t.Columns()
		ticks = make(map[int]string)
		for c, name := range names {
			if c%((len(names)+most-1)/most) == 0 {
				ticks[len(order)+t.Window/2] = name
			}
			for line := range t.Window {
				order = append(order, line*len(names)+c)
			}
			order = append(order, -1)
		}
		return order, ticks
	}
	for i := range size {
		order = append(order, i)
	}
	if form.Columns == nil && size > most {
		return order, nil
	}
	names := columns(spec)
	ticks = make(map[int]string)
	for i := 0; i < len(names); i += (len(names) + most - 1) / most {
		ticks[i] = names[i]
	}
	return order, ticks
}
