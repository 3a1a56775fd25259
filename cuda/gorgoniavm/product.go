//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
)

// matrix is an operand of a product: rows × cols, read as its transpose where
// the op says so.
type matrix struct {
	ptr        driver.DevicePtr
	rows, cols int
	transposed bool
}

// product is any of Gorgonia's products.
func (l *lowering) product(n *G.Node, in []*G.Node) error {
	text, f := fmt.Sprint(n.Op()), fieldsOf(n.Op())
	transA, transB := f.bool("transA"), f.bool("transB")
	if f.err != nil {
		return f.err
	}
	_, kind, _ := strings.Cut(text, " ") // of A × B
	kind, _, _ = strings.Cut(kind, " ")
	a, b := in[0].Shape(), in[1].Shape()
	pa, pb, y := l.at[in[0]], l.at[in[1]], l.at[n]
	switch {
	case kind == "⋅":
		return l.multiply(y, matrix{ptr: pa, rows: 1, cols: size(a)}, matrix{ptr: pb, rows: size(b), cols: 1})
	case kind == "⊗":
		return l.multiply(y, matrix{ptr: pa, rows: size(a), cols: 1}, matrix{ptr: pb, rows: 1, cols: size(b)})
	case kind == "×" && strings.HasSuffix(text, "b"): // a vector
		return l.multiply(y, matrix{pa, a[0], a[1], transA}, matrix{ptr: pb, rows: size(b), cols: 1})
	case kind == "×" && len(a) == 2 && len(b) == 2:
		return l.multiply(y, matrix{pa, a[0], a[1], transA}, matrix{pb, b[0], b[1], transB})
	case kind == "×××" && len(a) == len(b) && len(a) > 2:
		return l.batched(n, in, transA, transB)
	}
	return fmt.Errorf("no kernel for %s of %v and %v", text, a, b)
}

// batched is a product for each of the leading indices, all in one launch.
func (l *lowering) batched(n *G.Node, in []*G.Node, transA, transB bool) error {
	a, b, y := in[0].Shape(), in[1].Shape(), n.Shape()
	d := len(a)
	rows, cols, inner := y[d-2], y[d-1], a[d-1]
	am, ak, bk, bn := a[d-1], 1, b[d-1], 1
	other := b[d-2]
	if transA {
		am, ak, inner = 1, a[d-1], a[d-2]
	}
	if transB {
		bk, bn, other = 1, b[d-1], b[d-1]
	}
	if inner != other || size(a[:d-2]) != size(b[:d-2]) {
		return fmt.Errorf("products of %v and %v", a, b)
	}
	tiles := size(a[:d-2]) * ((rows + 15) / 16) * ((cols + 15) / 16)
	l.do(blocks{
		kernel: "batched", blocks: tiles, values: []int{size(a), size(b), size(y)}, ptrs: []driver.DevicePtr{l.at[n], l.at[in[0]], l.at[in[1]]},
		sizes: []int{tiles, rows, cols, inner, am, ak, bk, bn},
	})
	return nil
}

// multiply is y = A·B by the three products of package kernels.
func (l *lowering) multiply(y driver.DevicePtr, a, b matrix) error {
	if a.transposed && b.transposed { // (B·A)ᵀ
		t := l.take(a.cols * b.rows)
		if err := l.multiply(t, matrix{b.ptr, b.rows, b.cols, false}, matrix{a.ptr, a.rows, a.cols, false}); err != nil {
			return err
		}
		shape := []int{a.cols, b.rows}
		l.do(mapping{function: "copy", shape: shape, y: whole(y, shape), a: view{ptr: t, strides: []int{1, a.cols}}})
		return nil
	}
	rows := a.rows
	step := l.take(kernels.StepSize / 4)
	block := kernels.StepBlock(uint32(rows), 0, uint32(rows), 0)
	l.consts = append(l.consts, constant{ptr: step, block: block[:]})
	batch := kernels.Batch{Rows: rows, Step: step}
	inner := a.cols
	if a.transposed {
		inner = a.rows
	}
	other := b.rows
	if b.transposed {
		other = b.cols
	}
	if inner != other {
		return fmt.Errorf("a product over %d and %d values", inner, other)
	}
	switch {
	case a.transposed:
		p := kernels.LinearDW{
			Batch: batch, In: b.cols, Out: a.cols, DZ: a.ptr, X: b.ptr,
			W: kernels.Target{Grad: y}, B: kernels.Target{Grad: l.take(a.cols)},
		}
		p.Scratch = l.take(p.ScratchFloats())
		l.do(p)
	case b.transposed:
		l.do(kernels.Linear{Batch: batch, In: a.cols, Out: b.rows, X: a.ptr, W: b.ptr, Y: y})
	default:
		l.do(kernels.LinearDX{Batch: batch, In: b.cols, Out: a.cols, DZ: a.ptr, W: b.ptr, DX: y})
	}
	return nil
}
