package picture

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
	"aegis/internal/report"
)

// The ways to bring codes onto a plane.
const (
	PCA  = "pca"  // on their first two principal components
	TSNE = "tsne" // so that neighbours stay neighbours: van der Maaten and Hinton (2008)
)

// MaxCodes is the most codes that a picture shows.
const MaxCodes = 5000

// CodesPlot says how codes are drawn.
type CodesPlot struct {
	PlotOptions
	Method string // PCA or TSNE; empty: PCA. Codes of up to three values are drawn as they are by PCA
	Rows   int    // how many are drawn by Seed where there are more; 0: MaxCodes
	Seed   uint64
	// Progress hears how many rows are read, and how much of t-SNE is done; it
	// may be nil.
	Progress func(what string, done, of int)
}

// Codes draws the codes of rows, coloured by class where rows have labels.
func Codes(ctx context.Context, w io.Writer, m *infer.Model, rows data.Reader, o CodesPlot) error {
	method := o.Method
	switch {
	case method == "":
		method = PCA
	case method != PCA && method != TSNE:
		return fmt.Errorf("aegis: plot codes by %q; want %s or %s", method, PCA, TSNE)
	}
	if o.Rows < 0 || o.Rows > MaxCodes {
		return fmt.Errorf("aegis: plot %d codes; want 1 to %d, or 0 for these", o.Rows, MaxCodes)
	}
	if o.Rows == 0 {
		o.Rows = MaxCodes
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	picked, all, err := sampleRows(ctx, rows, o)
	if err != nil {
		return err
	}
	codes, err := m.Encode(ctx, picked.Rows, m.Spec().Reads(picked.Labels)...)
	if err != nil {
		return err
	}
	spec := m.Spec()
	c := report.Codes{
		N: picked.N, Z: spec.Latent, Values: codes, Labels: picked.Labels, Classes: spec.Form.Classes, Format: o.format(),
		Title: o.title("%s: codes of %s rows", spec.Model, someOf(picked.N, all)),
	}
	if method == TSNE {
		plane, err := embed(ctx, codes, picked.N, spec.Latent, o)
		if err != nil {
			return err
		}
		c.Z, c.Values, c.Axes = 2, plane, [2]string{"t-SNE 1", "t-SNE 2"}
	} else if spec.Latent > report.WidestCode {
		fold := report.NewFold(spec.Latent)
		folded := make([]float32, picked.N*fold.Width())
		fold.Add(folded, codes)
		c.Z, c.Values = fold.Width(), folded
	}
	return plotted("codes", report.Latent(w, c))
}

// someOf says how many of all there are.
func someOf(n, all int) string {
	if n == all {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d of %d", n, all)
}

// sampleRows draws rows under a seed, every one as likely as every other, and says
// how many there were (Vitter's algorithm R). They keep their order.
func sampleRows(ctx context.Context, rows data.Reader, o CodesPlot) (data.Set, int, error) {
	const some = 256
	type kept struct {
		number int
		row    data.Set
	}
	var sample []kept
	draw := philox.Stream{Seed: o.Seed, Purpose: philox.For("plot codes")}
	n, of := 0, data.Len(rows)
	for {
		if err := ctx.Err(); err != nil {
			return data.Set{}, 0, err
		}
		c, err := rows.Next(some)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return data.Set{}, 0, err
		}
		for i := range c.N {
			at := len(sample)
			if at == o.Rows {
				word := uint64(draw.Uint32(0, uint32(uint64(n)>>32), uint32(n)))
				at = int(word * uint64(n+1) >> 32)
			} else {
				sample = append(sample, kept{})
			}
			if at < o.Rows {
				sample[at] = kept{n, copied(c.Slice(i, i+1))}
			}
			n++
		}
		o.Progress("read", n, of)
	}
	if n == 0 {
		return data.Set{}, 0, errors.New("aegis: plot codes: no rows; want at least one")
	}
	slices.SortFunc(sample, func(a, b kept) int { return a.number - b.number })
	s := data.Set{Rows: data.Rows{N: len(sample), Shape: rows.Shape()}}
	for _, k := range sample {
		s.Bytes, s.Floats = append(s.Bytes, k.row.Bytes...), append(s.Floats, k.row.Floats...)
		s.Labels = append(s.Labels, k.row.Labels...)
	}
	return s, n, nil
}

// copied is a set that stays when the reader goes on.
func copied(s data.Set) data.Set {
	s.Bytes, s.Floats, s.Labels = slices.Clone(s.Bytes), slices.Clone(s.Floats), slices.Clone(s.Labels)
	return s
}

// embed places codes in the plane by t-SNE.
func embed(ctx context.Context, codes []float32, n, z int, o CodesPlot) ([]float32, error) {
	plane, err := analysis.TSNE(ctx, analysis.Matrix{Values: codes, Rows: n, Cols: z}, analysis.TSNEOptions{
		Seed: o.Seed, Progress: func(done, of int) { o.Progress("t-SNE", done, of) },
	})
	return plane, plotted("codes", err)
}
