package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// DecayDef is g + L1·sign(w) + 2·L2·w: a gradient g of weights w, of one shape,
// with that of L1·Σ|w| + L2·Σw². It has no gradient.
type DecayDef struct{ L1, L2 float64 }

// Decay adds the gradient of a penalty on weights to theirs. The penalty itself
// is no part of a loss that is reported.
func Decay(g, w *G.Node, l1, l2 float64) (*G.Node, error) { return apply(DecayDef{l1, l2}, g, w) }

func (d DecayDef) String() string { return fmt.Sprintf("Decay[%g,%g]", d.L1, d.L2) }

func (d DecayDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

func (d DecayDef) do32(c call[float32]) { decay(d, c) }
func (d DecayDef) do64(c call[float64]) { decay(d, c) }

func decay[T float](d DecayDef, c call[T]) {
	l1, l2 := T(d.L1), T(2*d.L2)
	for i, w := range c.in[1] {
		g := c.in[0][i] + l2*w
		switch {
		case w > 0:
			g += l1
		case w < 0:
			g -= l1
		}
		c.out[i] = g
	}
}
