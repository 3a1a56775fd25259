package session

import (
	"context"
	"fmt"
	"math"

	"aegis/data"
	"aegis/internal/report"
	"aegis/model/program"
)

// codeRows is of how many of n images the codes are made: no more than a
// picture has room for, and fewer where codes are so wide that it would take
// long.
func codeRows(n, z int) int {
	const most, least, values = 10_000, 64, 1 << 27
	return min(n, most, max(least, values/z))
}

// codeBlock is how many of them are there at once before they are folded.
func codeBlock(z int) int {
	const most, least, values = 512, 16, 1 << 22
	return min(most, max(least, values/z))
}

// codes are those of the images that pictures show, as a picture has room for
// them, and how many of their values are the same for all.
func (t *trainer) codes(ctx context.Context) (report.Codes, constants, error) {
	show, z := t.shown(), t.cfg.Latent
	rows := make([]int32, 0, len(show.rows))
	for _, at := range data.Sample(len(show.rows), codeRows(len(show.rows), z), uint64(t.cfg.Seed), "codes") {
		rows = append(rows, show.rows[at])
	}
	show.rows = rows
	fold, found := report.NewFold(z), newSpread(z)
	width := fold.Width()
	c := report.Codes{
		Title: fmt.Sprintf("%s: codes of %d %s", t.cfg.Model, len(rows), show.what),
		N:     len(rows), Z: width, Labels: show.labels(), Values: make([]float32, len(rows)*width),
	}
	if width < z {
		c.Title += fmt.Sprintf(", %d values folded into %d at random", z, width)
	}
	var carried *divergence
	if t.cfg.Variational() {
		carried = &divergence{sums: make([]float64, z)}
	}
	block := make([]float32, min(codeBlock(z), len(rows))*z)
	for from := 0; from < len(rows); {
		to := min(from+len(block)/z, len(rows))
		values := block[:(to-from)*z]
		in := t.feed(show, rows[from:to])
		if err := t.machine.Infer(ctx, program.Encode, in, values); err != nil {
			return c, constants{}, err
		}
		if carried != nil {
			if err := t.addLogVar(ctx, carried, in, values); err != nil {
				return c, constants{}, err
			}
		}
		found.add(values)
		fold.Add(c.Values[from*width:], values)
		from = to
	}
	if t.cfg.Sparse != "" {
		t.summary.Zeros = finite(found.zeroShare())
	}
	if carried != nil {
		t.dead = deadDimensions(found.variances())
		active := z - len(t.dead)
		t.summary.ActiveUnits, t.summary.KLDimensions = &active, carried.means()
	}
	t.measureCodes(found)
	return c, found.constants(), nil
}

// pictureBytes returns what the pictures, and the verdict on a model, take at
// most, beside the canvas.
func (c Config) pictureBytes() float64 {
	const (
		float  = 4
		block  = 2 * float   // codes and their log variances
		axes   = float + 8   // a code's value, and as float64
		column = 3*8 + 4 + 3 // of a spread and of a fold
		grid   = 2 * mostGrid
		copies = 3 // of the images that are judged
	)
	z, pixels := c.Latent, data.Shape{C: c.Image[0], H: c.Image[1], W: c.Image[2]}.Size()
	n := codeRows(math.MaxInt, z)
	codes := axes*float64(n)*float64(min(z, report.WidestCode)) + (block*float64(min(n, codeBlock(z)))+column)*float64(z)
	images := float * float64(grid+copies*judgedRows(pixels)) * float64(pixels)
	return codes + images
}
