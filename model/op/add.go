package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// AddDef is a + b, value by value, of two tensors of one shape.
type AddDef struct{}

// Add adds two tensors of one shape: rows (B,…), such as the two ends of a skip
// connection, or scalars, such as two loss terms.
func Add(a, b *G.Node) (*G.Node, error) { return apply(AddDef{}, a, b) }

func (AddDef) String() string { return "Add" }

func (d AddDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

// sameShape is the rule of what works value by value.
func sameShape(d Definition, in []tensor.Shape) (tensor.Shape, error) {
	for _, s := range in[1:] {
		if !s.Eq(in[0]) {
			return nil, shapeError(d, "tensors of one shape", in)
		}
	}
	return in[0].Clone(), nil
}

func (d AddDef) do32(c call[float32]) { add(c) }
func (d AddDef) do64(c call[float64]) { add(c) }

func add[T float](c call[T]) {
	for i, a := range c.in[0] {
		c.out[i] = a + c.in[1][i]
	}
}

func (AddDef) wrt() []bool { return []bool{true, true} }

func (AddDef) grads(_ G.Nodes, _, grad *G.Node) (G.Nodes, error) { return G.Nodes{grad, grad}, nil }
