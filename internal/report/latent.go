package report

import (
	"cmp"
	"context"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"aegis/internal/analysis"
)

// Codes is what an encoder makes of images. Legend: N codes of Z values.
type Codes struct {
	Title  string // empty: none
	N, Z   int
	Values []float32 // (N,Z)
	Labels []byte    // (N), classes; nil: all alike

	Classes []string  // what labels are called; empty: their numbers
	Axes    [2]string // what values of two are called; empty: z1, z2
	Format  Format
}

const (
	maxPoints      = 10_000
	latentWidthPx  = 1400
	latentHeightPx = 1150
)

// Latent draws codes, 1400 × 1150 pixels: a histogram for each class where
// Z = 1, points in two dimensions where Z = 2, in three where Z = 3, and on
// the first two principal components where Z is larger. Of more than 10,000
// codes it takes 10,000 at equal distances, for the components too.
func Latent(w io.Writer, l Codes) error {
	if err := l.check(); err != nil {
		return fmt.Errorf("report: latent: %w", err)
	}
	paint, err := l.painter()
	if err != nil {
		return fmt.Errorf("report: latent: %w", err)
	}
	err = render(w, l.Format, latentWidthPx, latentHeightPx, func(c draw.Canvas) {
		c = draw.Crop(c, margin, -margin, margin, -margin)
		paint(drawTitle(c, l.Title))
	})
	if err != nil {
		return fmt.Errorf("report: latent: %w", err)
	}
	return nil
}

func (l Codes) check() error {
	if l.N < 1 || l.Z < 1 || len(l.Values)/l.N != l.Z || len(l.Values)%l.N != 0 {
		return fmt.Errorf("%d values for %d codes of %d; want as many, at least one", len(l.Values), l.N, l.Z)
	}
	if l.Labels != nil && len(l.Labels) != l.N {
		return fmt.Errorf("%d labels; want none or %d, one for each code", len(l.Labels), l.N)
	}
	for i, v := range l.Values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("code %d: value %d is %v; want finite numbers", i/l.Z, i%l.Z, v)
		}
	}
	return nil
}

// points is codes as float64, column by column.
type points struct {
	axes   [][]float64
	labels []byte // nil: all alike
	names  []string
}

// name is what a class is called.
func (p points) name(class byte) string {
	if int(class) < len(p.names) {
		return p.names[class]
	}
	return strconv.Itoa(int(class))
}

// sample returns at most maxPoints codes and their labels.
func (l Codes) sample() (values []float32, labels []byte) {
	n := min(l.N, maxPoints)
	values = make([]float32, 0, n*l.Z)
	for i := range n {
		row := int(int64(i) * int64(l.N) / int64(n))
		values = append(values, l.Values[row*l.Z:(row+1)*l.Z]...)
		if l.Labels != nil {
			labels = append(labels, l.Labels[row])
		}
	}
	return values, labels
}

// painter prepares all that can fail and returns what draws.
func (l Codes) painter() (func(draw.Canvas), error) {
	values, labels := l.sample()
	if l.Z > 3 {
		codes := analysis.Matrix{Values: values, Rows: len(values) / l.Z, Cols: l.Z}
		return projection(codes, points{labels: labels, names: l.Classes})
	}
	p := points{axes: make([][]float64, l.Z), labels: labels, names: l.Classes}
	for i, v := range values {
		p.axes[i%l.Z] = append(p.axes[i%l.Z], float64(v))
	}
	switch l.Z {
	case 1:
		return p.paintHistograms, nil
	case 2:
		x, y := cmp.Or(l.Axes[0], "z1"), cmp.Or(l.Axes[1], "z2")
		return func(c draw.Canvas) { p.paintPlane(c, x, y) }, nil
	}
	return p.paintBox, nil
}

// projection draws the first two principal components.
func projection(codes analysis.Matrix, flat points) (func(draw.Canvas), error) {
	plane, err := analysis.FitPlane(context.Background(), codes)
	if err != nil {
		return nil, err
	}
	var names [2]string
	for i := range names {
		names[i] = fmt.Sprintf("PC %d (%s of variance)", i+1, percent(plane.Shares[i]))
	}
	flat.axes = plane.Axes[:]
	return func(c draw.Canvas) { flat.paintPlane(c, names[0], names[1]) }, nil
}

// paintPlane draws two axes as a scatter plot.
func (p points) paintPlane(c draw.Canvas, xLabel, yLabel string) {
	f := newPlot(xLabel, yLabel)
	f.X.Min, f.X.Max = widen(slices.Min(p.axes[0]), slices.Max(p.axes[0]))
	f.Y.Min, f.Y.Max = widen(slices.Min(p.axes[1]), slices.Max(p.axes[1]))
	f.X.Tick.Marker, f.Y.Tick.Marker = linearTicks(10, 0), linearTicks(10, 0)
	f.Add(plane{p})
	f.Draw(p.drawLegend(c))
}

// plane draws the points in the data's order, so that no class hides another.
type plane struct{ points }

func (p plane) Plot(c draw.Canvas, f *plot.Plot) {
	x, y := f.Transforms(&c)
	discs := newDiscs(c, p.style())
	for i := range p.axes[0] {
		discs.draw(snap(vg.Point{X: x(p.axes[0][i]), Y: y(p.axes[1][i])}), p.color(i))
	}
}

// drawLegend draws the legend, where there are labels, and returns the rest.
func (p points) drawLegend(c draw.Canvas) draw.Canvas {
	if p.labels == nil {
		return c
	}
	return drawClasses(c, p)
}

// classes returns the labels that occur, ascending.
func (p points) classes() []byte {
	return slices.Compact(slices.Sorted(slices.Values(p.labels)))
}

// style returns the look of a point: the more of them, the smaller.
func (p points) style() draw.GlyphStyle {
	const largest, smallest = 2.6, 1.15
	n := float64(len(p.axes[0]))
	radius := min(largest, max(smallest, largest*math.Pow(n/300, -0.25)))
	return draw.GlyphStyle{Radius: vg.Length(radius), Shape: draw.CircleGlyph{}}
}

// snap moves a point to the middle of a pixel: discs that are alike make the
// file smaller.
func snap(p vg.Point) vg.Point {
	middle := func(v vg.Length) vg.Length {
		return vg.Length(math.Floor(v.Dots(dpi))+0.5) * vg.Inch / dpi
	}
	return vg.Point{X: middle(p.X), Y: middle(p.Y)}
}

func (p points) color(i int) color.Color { return opacity(p.solid(i), 0.6) }

func (p points) solid(i int) color.NRGBA {
	if p.labels == nil {
		return classColor(0)
	}
	return classColor(p.labels[i])
}
