package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// MulDef is a·b, value by value, of two tensors of one shape.
type MulDef struct{}

// Mul multiplies two tensors (B,…) of one shape value by value: a mask of
// dropout, a noise scaled by a learned deviation.
func Mul(a, b *G.Node) (*G.Node, error) { return apply(MulDef{}, a, b) }

func (MulDef) String() string { return "Mul" }

func (d MulDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

func (d MulDef) do32(c call[float32]) { mul(c) }
func (d MulDef) do64(c call[float64]) { mul(c) }

func mul[T float](c call[T]) {
	for i, a := range c.in[0] {
		c.out[i] = a * c.in[1][i]
	}
}

func (MulDef) wrt() []bool { return []bool{true, true} }

func (MulDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	da, err := Mul(grad, in[1])
	if err != nil {
		return nil, err
	}
	db, err := Mul(grad, in[0])
	return G.Nodes{da, db}, err
}
