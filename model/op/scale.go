package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ScaleDef is Factor·x, or Factor·s·x with a scalar s, for x of any shape. Only
// x has a gradient.
type ScaleDef struct{ Factor float64 }

// Scale multiplies by a constant, such as the weight of a loss term.
func Scale(x *G.Node, factor float64) (*G.Node, error) { return apply(ScaleDef{factor}, x) }

// ScaleBy multiplies by a scalar that changes from step to step.
func ScaleBy(x, s *G.Node) (*G.Node, error) { return apply(ScaleDef{1}, x, s) }

func (d ScaleDef) String() string { return fmt.Sprintf("Scale[%g]", d.Factor) }

func (d ScaleDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in) == 2 && len(in[1]) != 0 {
		return nil, shapeError(d, "x and a scalar", in)
	}
	return in[0].Clone(), nil
}

func (d ScaleDef) do32(c call[float32]) { scale(d, c) }
func (d ScaleDef) do64(c call[float64]) { scale(d, c) }

func scale[T float](d ScaleDef, c call[T]) {
	factor := T(d.Factor)
	if len(c.in) == 2 {
		factor *= c.in[1][0]
	}
	for i, x := range c.in[0] {
		c.out[i] = factor * x
	}
}

func (d ScaleDef) wrt() []bool { return []bool{true, false} }

func (d ScaleDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := apply(d, append(G.Nodes{grad}, in[1:]...)...)
	return G.Nodes{dx, nil}[:len(in)], err
}
