package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// paintHistograms draws one axis: a histogram for each class, one above the
// other, each as high as its row.
func (p points) paintHistograms(c draw.Canvas) {
	rows := p.histograms()
	yLabel := "class"
	if p.labels == nil {
		yLabel = "codes in a bin"
	}
	f := newPlot("z", yLabel)
	f.X.Min, f.X.Max = rows[0].lo, rows[0].hi
	f.X.Tick.Marker = linearTicks(10, 0)
	if p.labels == nil {
		f.Y.Min, f.Y.Max = 0, 1.04*float64(rows[0].peak())
		f.Y.Tick.Marker = linearTicks(7, 1)
	} else {
		f.Y.Min, f.Y.Max = 0, float64(len(rows))
		f.Y.Tick.Marker = rowTicks(rows)
	}
	for _, r := range rows {
		f.Add(r)
	}
	f.Draw(c)
}

// histogram is the codes of one class.
type histogram struct {
	label  int // -1: all codes, drawn to the scale of the y axis
	name   string
	row    int // counted from the top, where labelled
	rows   int
	lo, hi float64
	counts []int // of bins that divide the range
}

func (h *histogram) peak() int { return slices.Max(h.counts) }

// histograms counts the codes of each class in bins over the same range.
func (p points) histograms() []*histogram {
	values := p.axes[0]
	lo, hi := widen(slices.Min(values), slices.Max(values))
	bins := max(12, int(math.Sqrt(float64(len(values))))) // at most 100, as there are at most maxPoints codes
	if p.labels == nil {
		h := &histogram{label: -1, rows: 1, lo: lo, hi: hi, counts: make([]int, bins)}
		for _, v := range values {
			h.add(v)
		}
		return []*histogram{h}
	}
	classes := p.classes()
	rows := make([]*histogram, len(classes))
	of := make(map[byte]*histogram)
	for i, class := range classes {
		rows[i] = &histogram{label: int(class), name: p.name(class), row: i, rows: len(classes), lo: lo, hi: hi, counts: make([]int, bins)}
		of[class] = rows[i]
	}
	for i, v := range values {
		of[p.labels[i]].add(v)
	}
	return rows
}

func (h *histogram) add(v float64) {
	bin := int(float64(len(h.counts)) * (v - h.lo) / (h.hi - h.lo))
	h.counts[min(bin, len(h.counts)-1)]++
}

// rowTicks labels the bottom of each row, or of as many as there is room for.
func rowTicks(rows []*histogram) plot.TickerFunc {
	const most = 40
	every := (len(rows) + most - 1) / most
	var ticks []plot.Tick
	for i, r := range rows {
		if i%every == 0 {
			ticks = append(ticks, plot.Tick{Value: float64(r.rows - 1 - r.row), Label: fit(textStyle(tickSize, 0, 0), r.name, 110)})
		}
	}
	return func(float64, float64) []plot.Tick { return ticks }
}

// Plot draws the histogram as a filled outline.
func (h *histogram) Plot(c draw.Canvas, f *plot.Plot) {
	x, y := f.Transforms(&c)
	color, base, unit := classColor(0), 0.0, 1.0
	if h.label >= 0 {
		const height = 0.92 // of a row
		color, base = classColor(byte(h.label)), float64(h.rows-1-h.row)
		unit = height / float64(h.peak())
	}
	width := (h.hi - h.lo) / float64(len(h.counts))
	outline := []vg.Point{{X: x(h.lo), Y: y(base)}}
	for i, n := range h.counts {
		top := y(base + unit*float64(n))
		outline = append(outline,
			vg.Point{X: x(h.lo + float64(i)*width), Y: top}, vg.Point{X: x(h.lo + float64(i+1)*width), Y: top})
	}
	outline = append(outline, vg.Point{X: x(h.hi), Y: y(base)})
	const many = 25 // rows, in which the outlines would hide the areas
	if h.rows > many {
		c.FillPolygon(color, outline)
		return
	}
	c.FillPolygon(opacity(color, 0.45), outline)
	c.StrokeLines(draw.LineStyle{Color: color, Width: 1}, outline)
}
