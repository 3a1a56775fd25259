package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TopKDef keeps the K largest values of each row and makes the others 0, of
// equal ones the first: codes (B,Z) or (B,Z,1,1). It is the k-sparse
// autoencoder of Makhzani and Frey (2014). A NaN is larger than any number.
type TopKDef struct{ K int }

// TopK keeps the k largest values of a code.
func TopK(x *G.Node, k int) (*G.Node, error) { return apply(TopKDef{k}, x) }

func (d TopKDef) String() string { return fmt.Sprintf("TopK[%d]", d.K) }

func (d TopKDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x := in[0]
	if len(x) < 2 || x[1:].TotalSize() != x[1] {
		return nil, shapeError(d, "codes (B,Z) or (B,Z,1,1)", in)
	}
	if d.K < 1 || d.K > x[1] {
		return nil, fmt.Errorf("op: %s of codes of %d values; want 1 to %d", d, x[1], x[1])
	}
	return x.Clone(), nil
}

func (d TopKDef) do32(c call[float32]) { topK(d.K, c, c.in[0]) }
func (d TopKDef) do64(c call[float64]) { topK(d.K, c, c.in[0]) }

// topK copies where each row of the last input is among its k largest.
func topK[T float](k int, c call[T], from []T) {
	x := c.in[len(c.in)-1]
	width := len(x) / c.outShape[0]
	sorted := make([]T, width)
	for at := 0; at < len(x); at += width {
		Largest(x[at:at+width], k, sorted, func(i int) { c.out[at+i] = from[at+i] })
	}
}

// Largest visits the indices of the k largest values of x, of equal ones the
// first, in their order. sorted is memory as long as x.
func Largest[T float](x []T, k int, sorted []T, visit func(i int)) {
	copy(sorted, x)
	slices.Sort(sorted) // NaN first
	nans := 0
	for nans < k && isNaN(sorted[nans]) {
		nans++
	}
	kept := sorted[len(x)-(k-nans):]
	ties := 0 // of the kept ones that equal the least of them
	for ties < len(kept) && kept[ties] == kept[0] {
		ties++
	}
	for i, v := range x {
		switch {
		case isNaN(v) && nans > 0:
			nans--
		case len(kept) > 0 && v > kept[0]:
		case ties > 0 && v == kept[0]:
			ties--
		default:
			continue
		}
		visit(i)
	}
}

func isNaN[T float](v T) bool { return v != v }

func (d TopKDef) wrt() []bool { return []bool{true} }

func (d TopKDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := apply(TopKGradDef(d), grad, in[0])
	return G.Nodes{dx}, err
}

// TopKGradDef is the gradient through what [TopKDef] keeps: the gradient of its
// result and x, both of one shape → dx.
type TopKGradDef struct{ K int }

func (d TopKGradDef) String() string { return fmt.Sprintf("TopKGrad[%d]", d.K) }

func (d TopKGradDef) shape(in []tensor.Shape) (tensor.Shape, error) { return sameShape(d, in) }

func (d TopKGradDef) do32(c call[float32]) { topK(d.K, c, c.in[0]) }
func (d TopKGradDef) do64(c call[float64]) { topK(d.K, c, c.in[0]) }
