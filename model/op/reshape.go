package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ReshapeDef gives the same values in the same order another shape. Batch is
// kept: Row is the shape of one row.
type ReshapeDef struct{ Row tensor.Shape }

// Reshape adds a change of the rows' shape: x (B,…) → (B,row…).
func Reshape(x *G.Node, row ...int) (*G.Node, error) {
	if x != nil && x.Dims() > 0 && slices.Equal([]int(x.Shape()[1:]), row) {
		return x, nil
	}
	return apply(ReshapeDef{tensor.Shape(row)}, x)
}

func (d ReshapeDef) String() string { return fmt.Sprintf("Reshape%v", d.Row) }

func (d ReshapeDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) == 0 || slices.ContainsFunc(d.Row, func(n int) bool { return n < 1 }) {
		return nil, shapeError(d, "rows (B,…) and sizes of at least 1", in)
	}
	out := append(tensor.Shape{in[0][0]}, d.Row...)
	if out.TotalSize() != in[0].TotalSize() {
		return nil, shapeError(d, "rows of as many values", in)
	}
	return out, nil
}

func (d ReshapeDef) do32(c call[float32]) { copy(c.out, c.in[0]) }
func (d ReshapeDef) do64(c call[float64]) { copy(c.out, c.in[0]) }

func (d ReshapeDef) wrt() []bool { return []bool{true} }

func (d ReshapeDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := Reshape(grad, in[0].Shape()[1:]...)
	return G.Nodes{dx}, err
}
