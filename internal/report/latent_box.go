package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The box is [-1,1]³, seen from above its edge x = 1, y = -1 without
// perspective. Its far faces x = -1, y = 1, z = -1 are drawn.
const (
	azimuth   = -55 * math.Pi / 180 // of the viewer, from x towards y
	elevation = 24 * math.Pi / 180  // of the viewer
)

type vec [3]float64

func (a vec) plus(b vec) vec            { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func along(axis int, v float64) (a vec) { a[axis] = v; return a }

// view returns where a point is seen, x to the right and y up, and how near
// it is to the viewer.
func (a vec) view() (x, y, near float64) {
	sinA, cosA := math.Sincos(azimuth)
	sinE, cosE := math.Sincos(elevation)
	outward := a[0]*cosA + a[1]*sinA
	return a[1]*cosA - a[0]*sinA, a[2]*cosE - outward*sinE, a[2]*sinE + outward*cosE
}

// box is a chart in three dimensions.
type box struct {
	draw.Canvas
	scale  vg.Length
	center vg.Point
	lo, hi vec // ranges of the axes
}

// edge is the edge of the box that carries an axis.
type edge struct {
	axis    int
	at      vec // its middle
	outward vec // away from the box
}

func edges() []edge {
	return []edge{
		{axis: 0, at: vec{0, -1, -1}, outward: vec{0, -1, 0}},
		{axis: 1, at: vec{1, 0, -1}, outward: vec{1, 0, 0}},
		{axis: 2, at: vec{-1, -1, 0}, outward: vec{-1, -1, 0}},
	}
}

// paintBox draws three axes as points in a box, the far ones first and paler.
func (p points) paintBox(c draw.Canvas) {
	b := newBox(p.drawLegend(c))
	for j, axis := range p.axes {
		b.lo[j], b.hi[j] = widen(slices.Min(axis), slices.Max(axis))
	}
	b.drawFaces()
	for _, e := range edges() {
		b.drawAxis(e)
	}
	b.drawPoints(p)
}

func newBox(c draw.Canvas) *box {
	const left, bottom vg.Length = 44, 12 // room for labels
	inner := draw.Crop(c, left, -pad, bottom, -pad)
	var width, height float64 // of half the box
	for _, corner := range []vec{{1, 1, 1}, {1, 1, -1}, {1, -1, 1}, {-1, 1, 1}} {
		x, y, _ := corner.view()
		width, height = max(width, math.Abs(x)), max(height, math.Abs(y))
	}
	scale := min((inner.Max.X-inner.Min.X)/vg.Length(2*width), (inner.Max.Y-inner.Min.Y)/vg.Length(2*height))
	return &box{Canvas: c, scale: scale, center: inner.Center()}
}

func (b *box) point(a vec) vg.Point {
	x, y, _ := a.view()
	return b.center.Add(vg.Point{X: vg.Length(x) * b.scale, Y: vg.Length(y) * b.scale})
}

func (b *box) line(style draw.LineStyle, from, to vec) {
	p, q := b.point(from), b.point(to)
	b.StrokeLine2(style, p.X, p.Y, q.X, q.Y)
}

// place returns where a value of an axis is in [-1,1].
func (b *box) place(axis int, v float64) float64 {
	return 2*(v-b.lo[axis])/(b.hi[axis]-b.lo[axis]) - 1
}

func (b *box) ticks(axis int) []plot.Tick { return linearTicks(6, 0)(b.lo[axis], b.hi[axis]) }

// drawFaces draws the far faces with the grids of their two axes.
func (b *box) drawFaces() {
	line := draw.LineStyle{Color: faint(), Width: hairline}
	for normal, side := range []float64{-1, 1, -1} {
		face := along(normal, side)
		for _, axes := range [][2]int{{(normal + 1) % 3, (normal + 2) % 3}, {(normal + 2) % 3, (normal + 1) % 3}} {
			places := []float64{-1, 1}
			for _, t := range b.ticks(axes[0]) {
				const clear = 0.97 // of the edges, which are lines themselves
				if at := b.place(axes[0], t.Value); math.Abs(at) < clear {
					places = append(places, at)
				}
			}
			for _, at := range places {
				start := face.plus(along(axes[0], at))
				b.line(line, start.plus(along(axes[1], -1)), start.plus(along(axes[1], 1)))
			}
		}
	}
}

// drawAxis draws an edge with its ticks, their labels and the axis's name.
func (b *box) drawAxis(e edge) {
	style := draw.LineStyle{Color: ink(), Width: hairline}
	b.line(style, e.at.plus(along(e.axis, -1)), e.at.plus(along(e.axis, 1)))
	out := b.point(e.outward)
	out = vg.Point{X: out.X - b.center.X, Y: out.Y - b.center.Y}
	out = out.Scale(1 / vg.Length(math.Hypot(float64(out.X), float64(out.Y))))

	label := textStyle(tickSize, text.XCenter, middle)
	var widest vg.Length
	for _, t := range b.ticks(e.axis) {
		at := b.point(e.at.plus(along(e.axis, b.place(e.axis, t.Value))))
		tip := at.Add(out.Scale(4))
		b.StrokeLine2(style, at.X, at.Y, tip.X, tip.Y)
		// The text's box, not its middle, keeps its distance.
		width := label.Width(t.Label)
		widest = max(widest, width)
		b.FillText(label, tip.Add(vg.Point{X: out.X * (width/2 + 3), Y: out.Y * 8}), t.Label)
	}
	name := textStyle(labelSize, text.XCenter, middle)
	at := b.point(e.at).Add(vg.Point{X: out.X * (widest + 20), Y: out.Y * 32})
	b.FillText(name, at, []string{"z1", "z2", "z3"}[e.axis])
}

// drawPoints draws the points from far to near.
func (b *box) drawPoints(p points) {
	type dot struct {
		at    vec
		near  float64
		index int
	}
	dots := make([]dot, len(p.axes[0]))
	nearest, farthest := math.Inf(-1), math.Inf(1)
	for i := range dots {
		at := vec{b.place(0, p.axes[0][i]), b.place(1, p.axes[1][i]), b.place(2, p.axes[2][i])}
		_, _, near := at.view()
		dots[i] = dot{at: at, near: near, index: i}
		nearest, farthest = max(nearest, near), min(farthest, near)
	}
	slices.SortStableFunc(dots, func(a, b dot) int { return cmp.Compare(a.near, b.near) })
	discs := newDiscs(b.Canvas, p.style())
	for _, d := range dots {
		const palest, shades = 0.55, 12 // few shades make the file smaller
		depth := 0.0
		if nearest > farthest {
			depth = math.Round(shades*(nearest-d.near)/(nearest-farthest)) / shades
		}
		discs.draw(snap(b.point(d.at)), opacity(mix(p.solid(d.index), white(), palest*depth), 0.75))
	}
}
