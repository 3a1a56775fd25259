//go:build !cpu

package gorgoniavm

import (
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/cuda/driver"
)

func (l *lowering) sum(n *G.Node, in []*G.Node) error { return l.fold(n, in[0], false) }

func (l *lowering) max(n *G.Node, in []*G.Node) error { return l.fold(n, in[0], true) }

// fold is a sum or a maximum along axes.
func (l *lowering) fold(n, x *G.Node, most bool) error {
	f := fieldsOf(n.Op())
	l.foldAxes(l.at[n], whole(l.at[x], x.Shape()), x.Shape(), f.ints("along"), most)
	return f.err
}

// foldAxes folds a view along some of its axes.
func (l *lowering) foldAxes(y driver.DevicePtr, x view, shape, along []int, most bool) {
	f := folding{most: most, y: y, a: view{ptr: x.ptr}}
	var inner []int
	for i, d := range shape {
		if slices.Contains(along, i) {
			f.inner = append(f.inner, d)
			inner = append(inner, x.strides[i])
		} else {
			f.outer = append(f.outer, d)
			f.a.strides = append(f.a.strides, x.strides[i])
		}
	}
	f.a.strides = append(f.a.strides, inner...)
	l.do(f)
}
