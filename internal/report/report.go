// Package report draws the pictures of a run, as PNG or SVG: the loss over
// epochs, originals over what is rebuilt from them, the codes, and what else one
// looks at a network by.
//
// The same data give the same bytes. Text is Liberation Sans, the background
// white. Lengths that end in Px are pixels, others points (1/72 inch).
package report

import (
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	dpi = 200 // pixels per inch

	titleSize vg.Length = 12
	labelSize vg.Length = 10 // axes, legends, captions
	tickSize  vg.Length = 9
	margin    vg.Length = 9 // around a picture
	pad       vg.Length = 6 // between two things
	hairline  vg.Length = 0.6
)

// px returns a number of pixels as a length.
func px(n int) vg.Length { return vg.Length(n) * vg.Inch / dpi }

func ink() color.Color   { return color.Gray{Y: 0x22} } // text and axes
func faint() color.Color { return color.Gray{Y: 0xdd} } // grids

func textStyle(size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color:   ink(),
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign:  x,
		YAlign:  y,
		Handler: plot.DefaultTextHandler,
	}
}

// fit makes a text one line and shortens it to a width.
func fit(s text.Style, txt string, width vg.Length) string {
	txt = strings.Join(strings.Fields(txt), " ")
	runes := []rune(txt)
	for n := len(runes); n > 0 && s.Width(txt) > width; {
		n--
		txt = string(runes[:n]) + "…"
	}
	return txt
}

// drawTitle writes a title, where there is one, at the top left and returns
// the rest of the canvas.
func drawTitle(c draw.Canvas, title string) draw.Canvas {
	if title == "" {
		return c
	}
	s := textStyle(titleSize, text.XLeft, text.YTop)
	c.FillText(s, vg.Point{X: c.Min.X, Y: c.Max.Y}, fit(s, title, c.Max.X-c.Min.X))
	return draw.Crop(c, 0, 0, 0, -titleSize-1.5*pad)
}

// newPlot returns a plot with this package's axes.
func newPlot(xLabel, yLabel string) *plot.Plot {
	p := plot.New()
	for _, a := range []struct {
		*plot.Axis
		label string
	}{{&p.X, xLabel}, {&p.Y, yLabel}} {
		a.Label.Text = a.label
		a.Label.Padding = 4
		a.Label.TextStyle.Font = textStyle(labelSize, 0, 0).Font
		a.Label.TextStyle.Color = ink()
		a.Tick.Label.Font = textStyle(tickSize, 0, 0).Font
		a.Tick.Label.Color = ink()
		a.Tick.Length = 4
		a.Tick.Width, a.LineStyle.Width = hairline, hairline
		a.Tick.Color, a.LineStyle.Color = ink(), ink()
		a.Padding = 3
	}
	return p
}
