// Package generate makes rows that no data set has: of codes drawn from a
// prior or from a mixture fitted on codes, of codes between two rows' codes, and
// of a grid over codes of two values.
//
// Shapes: n rows, P values in a row, Z in a code.
package generate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"aegis/data"
	"aegis/data/philox"
	"aegis/internal/analysis"
	"aegis/internal/infer"
)

// Codes is what the codes of a plain model's rows follow: a mixture of normal
// distributions, which stands in for the prior that such a model has not (Ghosh
// et al., "From Variational to Deterministic Autoencoders", 2020). It may be used
// any number of times.
type Codes struct {
	Rows       int       // whose codes were fitted
	Of         int       // so many rows, of which those were drawn
	Components int       // of the mixture
	Min, Max   []float32 // (Z) of those codes
	mixture    *analysis.GMM
}

// FitOptions says how codes are fitted.
type FitOptions struct {
	Components int    // 0: 10, or as many as there are rows
	Seed       uint64 // of the start, and of the rows where there are too many
	Class      string // the rows of one class alone, by name or number; "": all
	// Progress hears how many rows are encoded; it may be nil.
	Progress func(rows int)
}

const (
	components = 10      // as Ghosh et al. take
	mostCodes  = 20_000  // that are fitted; of more rows, so many are drawn
	mostSteps  = 30      // of expectation maximisation at most
	atOnce     = 1 << 22 // values that are read at once
)

// Fit encodes rows to their end and fits a mixture on their codes. Of more than
// 20,000 rows so many are drawn: to fit codes of 128 values to more takes minutes.
func Fit(ctx context.Context, m *infer.Model, rows data.Reader, o FitOptions) (*Codes, error) {
	if o.Components < 0 {
		return nil, fmt.Errorf("aegis: fit codes: %d components; want at least 1, or 0 for as many as suit", o.Components)
	}
	d := &drawing{z: m.Spec().Latent, stream: philox.Stream{Seed: o.Seed, Purpose: philox.For("generate/codes")}}
	if err := d.encode(ctx, m, rows, o); err != nil {
		return nil, err
	}
	n := len(d.codes) / max(1, d.z)
	if n == 0 {
		return nil, fmt.Errorf("aegis: fit codes: no rows%s; want at least one", ofClass(o.Class))
	}
	c := &Codes{Rows: n, Of: d.seen, Components: o.Components, Min: slices.Clone(d.codes[:d.z]), Max: slices.Clone(d.codes[:d.z])}
	for i, v := range d.codes {
		at := i % d.z
		c.Min[at], c.Max[at] = min(c.Min[at], v), max(c.Max[at], v)
	}
	if c.Components == 0 {
		c.Components = min(components, n)
	}
	var err error
	if c.mixture, err = analysis.FitGMM(ctx, d.matrix(), analysis.GMMOptions{K: c.Components, Seed: o.Seed, Iterations: mostSteps, Tolerance: 1e-3}); err != nil {
		return nil, fmt.Errorf("aegis: fit codes: %w", err)
	}
	return c, nil
}

func ofClass(class string) string {
	if class == "" {
		return ""
	}
	return " of class " + class
}

// drawing keeps codes: all, or of too many so many that were drawn.
type drawing struct {
	z      int
	seen   int // rows
	codes  []float32
	stream philox.Stream
}

func (d *drawing) matrix() analysis.Matrix {
	return analysis.Matrix{Values: d.codes, Rows: len(d.codes) / d.z, Cols: d.z}
}

func (d *drawing) encode(ctx context.Context, m *infer.Model, rows data.Reader, o FitOptions) error {
	class, err := m.Spec().Form.Class(o.Class)
	if o.Class != "" && err != nil {
		return fmt.Errorf("aegis: fit codes: %w", err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := rows.Next(max(1, atOnce/max(1, rows.Shape().Size())))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if o.Class != "" && c.Labels == nil {
			return fmt.Errorf("aegis: fit codes of class %s: the rows have no labels; want rows with them, or all classes", o.Class)
		}
		var labels []byte
		if m.Spec().Condition != "" {
			labels = c.Labels
		}
		codes, err := m.Encode(ctx, c.Rows, labels...)
		if err != nil {
			return err
		}
		for i := range c.N {
			if o.Class == "" || c.Labels[i] == class {
				d.take(codes[i*d.z:][:d.z])
			}
		}
		if o.Progress != nil {
			o.Progress(c.N)
		}
	}
}

// take keeps a code, or puts it in the place of another one, so that at the end
// each has the same chance to be there (algorithm R, in Vitter, "Random Sampling
// with a Reservoir", 1985).
func (d *drawing) take(code []float32) {
	d.seen++
	if len(d.codes) < mostCodes*d.z {
		d.codes = append(d.codes, code...)
		return
	}
	u := uint64(d.stream.Uint32(0, uint32(d.seen), 0))
	if at := int(u * uint64(d.seen) >> 32); at < mostCodes {
		copy(d.codes[at*d.z:][:d.z], code)
	}
}
