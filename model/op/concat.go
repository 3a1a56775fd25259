package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ConcatDef puts the columns of two tensors side by side: a (B,N), b (B,M) →
// (B,N+M).
type ConcatDef struct{}

// Concat adds a tensor with the columns of a, then those of b: a class beside an
// image or a code.
func Concat(a, b *G.Node) (*G.Node, error) { return apply(ConcatDef{}, a, b) }

func (ConcatDef) String() string { return "Concat" }

func (d ConcatDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	a, b := in[0], in[1]
	if len(a) != 2 || len(b) != 2 || a[0] != b[0] {
		return nil, shapeError(d, "two tensors (B,N), (B,M)", in)
	}
	return tensor.Shape{a[0], a[1] + b[1]}, nil
}

func (d ConcatDef) do32(c call[float32]) { concat(c) }
func (d ConcatDef) do64(c call[float64]) { concat(c) }

func concat[T float](c call[T]) {
	n, m := c.shape[0][1], c.shape[1][1]
	for i := range c.shape[0][0] {
		row := c.out[i*(n+m):][:n+m]
		copy(row, c.in[0][i*n:][:n])
		copy(row[n:], c.in[1][i*m:][:m])
	}
}

func (ConcatDef) wrt() []bool { return []bool{true, true} }

func (ConcatDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	n := in[0].Shape()[1]
	da, err := apply(ColumnsDef{From: 0, To: n}, grad)
	if err != nil {
		return nil, err
	}
	db, err := apply(ColumnsDef{From: n, To: grad.Shape()[1]}, grad)
	return G.Nodes{da, db}, err
}

// ColumnsDef takes columns From to To−1 out of x (B,N). It has no gradient: it
// is that of [ConcatDef].
type ColumnsDef struct{ From, To int }

func (d ColumnsDef) String() string { return fmt.Sprintf("Columns[%d:%d]", d.From, d.To) }

func (d ColumnsDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if x := in[0]; len(x) != 2 || d.From < 0 || d.To <= d.From || d.To > x[1] {
		return nil, shapeError(d, "x (B,N) with those columns", in)
	}
	return tensor.Shape{in[0][0], d.To - d.From}, nil
}

func (d ColumnsDef) do32(c call[float32]) { columns(d, c) }
func (d ColumnsDef) do64(c call[float64]) { columns(d, c) }

func columns[T float](d ColumnsDef, c call[T]) {
	n, m := c.shape[0][1], d.To-d.From
	for i := range c.shape[0][0] {
		copy(c.out[i*m:][:m], c.in[0][i*n+d.From:])
	}
}
