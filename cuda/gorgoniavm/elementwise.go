//go:build !cpu

package gorgoniavm

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
)

// flat is all values of a node as one axis.
func (l *lowering) flat(n *G.Node) (view, []int) {
	shape := []int{size(n.Shape())}
	return whole(l.at[n], shape), shape
}

func (l *lowering) unary(n *G.Node, in []*G.Node) error {
	y, shape := l.flat(n)
	a, _ := l.flat(in[0])
	m := mapping{function: fmt.Sprint(n.Op()), shape: shape, y: y, a: a}
	l.do(m)
	_, err := function(m.function)
	return err
}

// binary is of two tensors of one size, or of a tensor and a scalar.
func (l *lowering) binary(n *G.Node, in []*G.Node) error {
	y, shape := l.flat(n)
	name, _, _ := strings.Cut(fmt.Sprint(n.Op()), " ")
	m := mapping{function: name, shape: shape, y: y}
	for i, v := range []*view{&m.a, &m.b} {
		switch x := in[i]; size(x.Shape()) {
		case shape[0]:
			*v = whole(l.at[x], shape)
		case 1:
			*v = repeated(l.at[x], shape)
		default:
			return fmt.Errorf("operand %d has shape %v; want %v or a scalar", i, x.Shape(), n.Shape())
		}
	}
	l.do(m)
	_, err := function(m.function)
	return err
}
