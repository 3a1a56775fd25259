//go:build !cpu

package gorgoniavm

import (
	"slices"

	G "gorgonia.org/gorgonia"
)

// softening is what softmax and its gradient have in common.
type softening struct {
	l     *lowering
	shape []int
	axis  int
	log   bool
}

// newSoftening reads a softmaxOp, or one in a softmaxDiffOp.
func (l *lowering) newSoftening(op G.Op, shape []int) (softening, error) {
	f := fieldsOf(op)
	s := softening{l: l, shape: shape, axis: f.int("axis"), log: f.bool("isLog")}
	if s.axis < 0 { // as Gorgonia has it: the last axis, and the first one of columns
		s.axis = len(shape) - 1
		if len(shape) == 2 && shape[1] == 1 && shape[0] > 1 {
			s.axis = 0
		}
	}
	return s, f.err
}

// fold is the sum or the maximum along the axis, repeated along it.
func (s softening) fold(x view, most bool) view {
	small := slices.Clone(s.shape)
	small[s.axis] = 1
	v := whole(s.l.take(size(small)), small)
	v.strides[s.axis] = 0
	s.l.foldAxes(v.ptr, x, s.shape, []int{s.axis}, most)
	return v
}

// of is a function in memory of its own: no kernel may write what it reads.
func (s softening) of(function string, a, b view) view {
	y := whole(s.l.take(size(s.shape)), s.shape)
	s.into(y, function, a, b)
	return y
}

func (s softening) into(y view, function string, a, b view) {
	s.l.do(mapping{function: function, shape: s.shape, y: y, a: a, b: b})
}

// softmax is exp(x − max) over its sum, or the logarithm of that.
func (l *lowering) softmax(n *G.Node, in []*G.Node) error {
	s, err := l.newSoftening(n.Op(), n.Shape())
	if err != nil {
		return err
	}
	x, y := whole(l.at[in[0]], s.shape), whole(l.at[n], s.shape)
	below := s.of("-", x, s.fold(x, true))
	exp := s.of("exp", below, view{})
	sum := s.fold(exp, false)
	if s.log {
		s.into(y, "-", below, s.of("ln", sum, view{}))
	} else {
		s.into(y, "÷", exp, sum)
	}
	return nil
}

// softmaxGrad is y·(g − Σ g·y), or of the logarithm g − exp(y)·Σ g.
func (l *lowering) softmaxGrad(n *G.Node, in []*G.Node) error {
	s, err := l.newSoftening(n.Op(), n.Shape())
	if err != nil {
		return err
	}
	y, g, dx := whole(l.at[in[1]], s.shape), whole(l.at[in[2]], s.shape), whole(l.at[n], s.shape)
	if s.log {
		s.into(dx, "-", g, s.of("⊙", s.of("exp", y, view{}), s.fold(g, false)))
	} else {
		s.into(dx, "⊙", s.of("-", g, s.fold(s.of("⊙", g, y), false)), y)
	}
	return nil
}
