//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/cuda/driver"
)

// indexOperand is which operand of an op is whole numbers, −1 of none.
func indexOperand(n *G.Node) int {
	switch opName(n.Op()) {
	case "gorgonia.byIndicesOp":
		return 1
	case "gorgonia.byIndicesOpDiffOp": // input, gradient, indices
		return 2
	}
	return -1
}

// indices says that a leaf of whole numbers is read as indices alone.
func (l *lowering) indices(n *G.Node) bool {
	for _, reader := range l.order.readers[n] {
		at := indexOperand(reader)
		for i, in := range l.order.children[reader] {
			if in == n && i != at {
				return false
			}
		}
	}
	return len(l.order.readers[n]) > 0
}

// byIndices takes values at indices along an axis, or gives them the gradient. The
// indices are looked at before each run: one that is not within the axis is an error.
func (l *lowering) byIndices(n *G.Node, in []*G.Node) error {
	f, at := fieldsOf(n.Op()), indexOperand(n)
	axis := f.int("axis")
	if f.err != nil {
		return f.err
	}
	index, x := in[at], in[0].Shape()
	if axis < 0 || axis >= len(x) {
		return fmt.Errorf("indices along axis %d of %v", axis, x)
	}
	if index.Op() != nil {
		return fmt.Errorf("indices are computed by node %q; want a leaf of int", index.Name())
	}
	rows, count, inner := x[axis], size(index.Shape()), size(x[axis+1:])
	ptr := l.given(count, func(_ uint32, floats []float32) error { return indexFloats(floats, index, rows) })
	kernel, from := "gather", in[0]
	if at == 2 {
		kernel, from = "gather_grad", in[1]
	}
	l.do(plain{kernel: kernel, n: size(n.Shape()), ptrs: []driver.DevicePtr{l.at[n], l.at[from], ptr}, sizes: []int{rows, count, inner}})
	return nil
}

// indexFloats writes indices as floats, which hold whole numbers below 2²⁴.
func indexFloats(floats []float32, index *G.Node, rows int) error {
	v := index.Value()
	if v == nil {
		return fmt.Errorf("gorgoniavm: node %q has no value; use gorgonia.Let or gorgonia.WithValue", index.Name())
	}
	data, ok := v.Data().([]int)
	if !ok || len(data) != len(floats) {
		return fmt.Errorf("gorgoniavm: node %q: want %d indices of int, got %T", index.Name(), len(floats), v.Data())
	}
	if i := slices.IndexFunc(data, func(i int) bool { return i < 0 || i >= rows || i >= 1<<24 }); i >= 0 {
		return fmt.Errorf("gorgoniavm: node %q: index %d is %d; want 0 to %d", index.Name(), i, data[i], min(rows, 1<<24)-1)
	}
	for i, v := range data {
		floats[i] = float32(v)
	}
	return nil
}
