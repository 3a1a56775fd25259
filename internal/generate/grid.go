package generate

import (
	"context"
	"fmt"

	"aegis/internal/infer"
)

// Grid is rows over the plane of codes of two values.
type Grid struct {
	X, Y  []float32 // values of the code, ascending
	Codes []float32 // (n,n,2), line by line, the greatest Y first
	Rows  []float32 // (n,n,P)
}

// MaxGrid is the most codes a side of a grid.
const MaxGrid = 1 << 10

// NewGrid decodes n×n codes. Of a model with a prior each axis is at places that
// the prior gives; of a plain model it is in equal steps over the range of the
// codes that were fitted.
func NewGrid(ctx context.Context, m *infer.Model, n int, o Options) (*Grid, error) {
	spec := m.Spec()
	prior := spec.Variational() || spec.Adversarial()
	switch {
	case spec.Latent != 2:
		return nil, fmt.Errorf("aegis: grid of codes of %d dimensions; want a model whose codes have 2", spec.Latent)
	case n < 2 || n > MaxGrid:
		return nil, fmt.Errorf("aegis: grid of %d codes a side; want 2 to %d", n, MaxGrid)
	case !prior && o.Codes == nil:
		return nil, fmt.Errorf("aegis: grid: %s is a plain model, whose codes have no prior; fit codes of its training rows first", spec.Model)
	case o.Codes != nil && len(o.Codes.Min) != spec.Latent:
		return nil, fmt.Errorf("aegis: grid: fitted on codes of %d values; want 2", len(o.Codes.Min))
	case spec.Condition != "" && o.Class == "":
		return nil, fmt.Errorf("aegis: grid: %s reads labels; choose the class of all codes", spec.Model)
	}
	g := &Grid{}
	if o.Codes != nil {
		g.X, g.Y = o.Codes.along(0, n), o.Codes.along(1, n)
	} else {
		g.X = spec.PriorSteps(n)
		g.Y = g.X
	}
	for i := range n {
		for _, x := range g.X {
			g.Codes = append(g.Codes, x, g.Y[n-1-i])
		}
	}
	labels, err := classes(m, n*n, o.Class)
	if err != nil {
		return nil, fmt.Errorf("aegis: grid: %w", err)
	}
	if g.Rows, err = m.Decode(ctx, g.Codes, labels...); err != nil {
		return nil, err
	}
	return g, nil
}

// along are n values in equal steps over the range of a dimension.
func (c *Codes) along(dimension, n int) []float32 {
	at := make([]float32, n)
	lo, hi := float64(c.Min[dimension]), float64(c.Max[dimension])
	for i := range at {
		at[i] = float32(lo + (hi-lo)*float64(i)/float64(n-1))
	}
	return at
}
