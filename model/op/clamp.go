package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ClampDef is x where it lies in [Lo, Hi], else the nearer end, for any shape.
type ClampDef struct{ Lo, Hi float64 }

// Clamp keeps values in a range, such as that of pixels to which noise was
// added.
func Clamp(x *G.Node, lo, hi float64) (*G.Node, error) { return apply(ClampDef{lo, hi}, x) }

func (d ClampDef) String() string { return fmt.Sprintf("Clamp[%g,%g]", d.Lo, d.Hi) }

func (d ClampDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if !(d.Lo <= d.Hi) {
		return nil, fmt.Errorf("op: %s: want the lower end first", d)
	}
	return in[0].Clone(), nil
}

func (d ClampDef) do32(c call[float32]) { clampValues(d, c) }
func (d ClampDef) do64(c call[float64]) { clampValues(d, c) }

func clampValues[T float](d ClampDef, c call[T]) {
	for i, x := range c.in[0] {
		switch {
		case x < T(d.Lo):
			x = T(d.Lo)
		case x > T(d.Hi):
			x = T(d.Hi)
		}
		c.out[i] = x
	}
}

func (d ClampDef) wrt() []bool { return []bool{true} }

func (d ClampDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := apply(ClampGradDef(d), grad, in[0])
	return G.Nodes{dx}, err
}

// ClampGradDef is the gradient of a clamp: that of the result where x lies in
// [Lo, Hi], its ends included, else 0. Inputs: the gradient, x.
type ClampGradDef struct{ Lo, Hi float64 }

func (d ClampGradDef) String() string { return fmt.Sprintf("ClampGrad[%g,%g]", d.Lo, d.Hi) }

func (d ClampGradDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

func (d ClampGradDef) do32(c call[float32]) { clampGrad(d, c) }
func (d ClampGradDef) do64(c call[float64]) { clampGrad(d, c) }

func clampGrad[T float](d ClampGradDef, c call[T]) {
	for i, x := range c.in[1] {
		if !(x < T(d.Lo) || x > T(d.Hi)) {
			c.out[i] = c.in[0][i]
		}
	}
}
