//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// repeat writes each value along an axis several times.
func (l *lowering) repeat(n *G.Node, in []*G.Node) error {
	from, to := slices.Clone([]int(in[0].Shape())), n.Shape()
	for len(from) < len(to) {
		from = append(from, 1)
	}
	if len(from) > len(to) {
		return fmt.Errorf("cannot repeat %v to %v", from, to)
	}
	strides := rowMajor(from)
	m := mapping{function: "copy", a: view{ptr: l.at[in[0]]}}
	for i, d := range from { // each axis is its values, and how often each of them comes
		if to[i]%d != 0 {
			return fmt.Errorf("cannot repeat %v to %v", in[0].Shape(), to)
		}
		m.shape = append(m.shape, d)
		m.a.strides = append(m.a.strides, strides[i])
		if to[i] != d {
			m.shape = append(m.shape, to[i]/d)
			m.a.strides = append(m.a.strides, 0)
		}
	}
	m.y = whole(l.at[n], m.shape)
	l.do(m)
	return nil
}

func (l *lowering) transpose(n *G.Node, in []*G.Node) error {
	x := whole(l.at[in[0]], in[0].Shape())
	m := mapping{function: "copy", shape: n.Shape(), y: whole(l.at[n], n.Shape()), a: view{ptr: x.ptr}}
	f := fieldsOf(n.Op())
	for _, axis := range f.ints("pattern") {
		m.a.strides = append(m.a.strides, x.strides[axis])
	}
	l.do(m)
	return f.err
}

// sliced is a slice by which a node was lowered; gorgonia.UnsafeLet can change it.
type sliced struct {
	as  [3]int
	all bool
}

func newSliced(op interface{ IsSlice() tensor.Slice }) sliced {
	part := op.IsSlice()
	if part == nil {
		return sliced{all: true}
	}
	return sliced{as: [3]int{part.Start(), part.End(), part.Step()}}
}

// slice reads a part along one axis, or writes it into zeros. How many values that
// are, Gorgonia's shape of the part says: of a step that does not divide it leaves
// the last one out.
func (l *lowering) slice(n *G.Node, in []*G.Node) error {
	op, ok := n.Op().(interface{ IsSlice() tensor.Slice })
	if !ok {
		return fmt.Errorf("op %T says no slice", n.Op())
	}
	was := newSliced(op)
	l.changed = append(l.changed, func() bool { return newSliced(op) != was })
	shape := slices.Clone([]int(in[0].Shape()))
	f := fieldsOf(n.Op())
	along := f.int("along")
	if f.err != nil {
		return f.err
	}
	if along < 0 || along >= len(shape) {
		return fmt.Errorf("slice along axis %d of %v", along, in[0].Shape())
	}
	part, values := whole(l.at[in[0]], shape), n.Shape()
	if len(in) == 2 {
		part.ptr, values = l.at[n], in[1].Shape()
	}
	if s := op.IsSlice(); s != nil {
		step := max(1, s.Step())
		start, end := s.Start(), min(s.End(), shape[along])
		if start < 0 || start >= end {
			return fmt.Errorf("slice %d to %d of %v along axis %d", s.Start(), s.End(), in[0].Shape(), along)
		}
		count := max(1, (end-start)/step)
		part = part.from(start * part.strides[along])
		shape[along], part.strides[along] = count, part.strides[along]*step
	}
	if got := size(values); got != size(shape) && got != 1 {
		return fmt.Errorf("slice %v of %v along axis %d has %d values; want the %d of shape %v", op.IsSlice(), in[0].Shape(), along, size(shape), got, values)
	}
	if len(in) == 1 {
		l.do(mapping{function: "copy", shape: shape, y: whole(l.at[n], shape), a: part})
		return nil
	}
	y, all := l.flat(n)
	l.do(mapping{function: "fill", shape: all, y: y})
	x := whole(l.at[in[1]], shape)
	if size(in[1].Shape()) == 1 {
		x = repeated(l.at[in[1]], shape)
	}
	l.do(mapping{function: "copy", shape: shape, y: part, a: x})
	return nil
}

func (l *lowering) concat(n *G.Node, in []*G.Node) error {
	f := fieldsOf(n.Op())
	axis := f.int("axis")
	y, done := whole(l.at[n], n.Shape()), 0
	for _, x := range in {
		l.do(mapping{
			function: "copy", shape: x.Shape(), y: y.from(done * y.strides[axis]), a: whole(l.at[x], x.Shape()),
		})
		done += x.Shape()[axis]
	}
	return f.err
}
