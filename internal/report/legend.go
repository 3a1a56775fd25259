package report

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is a line of a legend: a sample and what it stands for.
type entry struct {
	label string
	color color.NRGBA
	width vg.Length        // of a sample of a line; 0: none
	shape draw.GlyphDrawer // nil: none

	dashes []vg.Length // of the line; nil: it is whole
}

const (
	sampleWidth vg.Length = 18
	lineHeight  vg.Length = labelSize * 1.45
	glyphRadius vg.Length = 2.8
)

// draw draws the entry with the left end of its middle line at p.
func (e entry) draw(c draw.Canvas, p vg.Point, sample vg.Length) {
	if e.width > 0 {
		c.StrokeLine2(draw.LineStyle{Color: e.color, Width: e.width, Dashes: e.dashes}, p.X, p.Y, p.X+sample, p.Y)
	}
	if e.shape != nil {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.color, Radius: glyphRadius, Shape: e.shape},
			vg.Point{X: p.X + sample/2, Y: p.Y})
	}
	c.FillText(textStyle(labelSize, text.XLeft, middle), vg.Point{X: p.X + sample + 4, Y: p.Y}, e.label)
}

// middle centres digits and small letters, which text.YCenter puts too low.
const middle text.YAlignment = -0.42

// drawLegendRow draws entries side by side at the top and returns the rest.
func drawLegendRow(c draw.Canvas, entries []entry) draw.Canvas {
	s := textStyle(labelSize, text.XLeft, middle)
	p := vg.Point{X: c.Min.X, Y: c.Max.Y - lineHeight/2}
	for _, e := range entries {
		e.draw(c, p, sampleWidth)
		p.X += sampleWidth + 4 + s.Width(e.label) + 3*pad
	}
	return draw.Crop(c, 0, 0, 0, -lineHeight-1.5*pad)
}

// drawClasses draws a legend of classes in columns at the right and returns
// the rest. Those for which there is no room are counted, and long names are cut.
func drawClasses(c draw.Canvas, p points) draw.Canvas {
	const (
		maxColumns = 3
		dot        = 2 * glyphRadius

		longest vg.Length = 110 // name
	)
	classes := p.classes()
	perColumn := int((c.Max.Y-c.Min.Y)/lineHeight) - 1 // one for the heading
	shown, more := classes, 0
	if room := maxColumns * perColumn; len(classes) > room {
		shown, more = classes[:room-1], len(classes)-room+1
	}
	s := textStyle(labelSize, text.XLeft, middle)
	widest := s.Width("+888")
	entries := make([]entry, len(shown), len(shown)+1)
	for i, class := range shown {
		entries[i] = entry{label: fit(s, p.name(class), longest), color: classColor(class), shape: draw.CircleGlyph{}}
		widest = max(widest, s.Width(entries[i].label))
	}
	if more > 0 {
		entries = append(entries, entry{label: "+" + strconv.Itoa(more)})
	}
	column := dot + 4 + widest + pad
	columns := (len(entries) + perColumn - 1) / perColumn
	left := c.Max.X - vg.Length(columns)*column
	c.FillText(s, vg.Point{X: left, Y: c.Max.Y - lineHeight/2}, "class")
	for i, e := range entries {
		e.draw(c, vg.Point{
			X: left + vg.Length(i/perColumn)*column,
			Y: c.Max.Y - lineHeight*(1.5+vg.Length(i%perColumn)),
		}, dot)
	}
	return draw.Crop(c, 0, -vg.Length(columns)*column-2*pad, 0, 0)
}
