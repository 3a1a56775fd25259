//go:build !cpu

package gorgoniavm

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/data/philox"
)

// Random numbers are drawn by the host before each run, by Philox under the VM's
// seed: of the node's place in the graph and the number of the run, so that the same
// graph has the same numbers again.

// stream is the numbers of the next thing that draws.
func (l *lowering) stream(what string) philox.Stream {
	return philox.Stream{Seed: *l.seed, Purpose: philox.For(fmt.Sprintf("gorgonia/%s/%d", what, len(l.givens)))}
}

// dropout multiplies by 0 or 1/(1 − p), and so does its gradient: Gorgonia's own
// divides by p. Out of training, and of p 0, it is the identity.
func (l *lowering) dropout(n *G.Node, in []*G.Node) error {
	f, key := fieldsOf(n.Op()), uintptr(0)
	x := in[0]
	if len(in) == 3 { // input, output, and the gradient by that
		x, key = in[2], f.pointer("dropoutOp")
	} else {
		key = addressOf(n.Op())
	}
	drop, training := f.float("probability"), f.bool("isTraining")
	if f.err != nil {
		return f.err
	}
	l.changed = append(l.changed, func() bool { return fieldsOf(n.Op()).bool("isTraining") != training })
	y, shape := l.flat(n)
	a, _ := l.flat(x)
	if !training || drop == 0 {
		l.do(mapping{function: "copy", shape: shape, y: y, a: a})
		return nil
	}
	if drop < 0 || drop >= 1 {
		return fmt.Errorf("dropout of a share of %v; want at least 0, and less than 1", drop)
	}
	mask, ok := l.masks[key]
	if !ok {
		draw, keep := l.stream("dropout"), 1-drop
		mask = l.given(shape[0], func(run uint32, floats []float32) error {
			draw.Bernoullis(floats, run, 0, keep)
			for i := range floats {
				floats[i] /= float32(keep)
			}
			return nil
		})
		l.masks[key] = mask
	}
	l.do(mapping{function: "⊙", shape: shape, y: y, a: a, b: whole(mask, shape)})
	return nil
}

// The kinds of gorgonia.randomOp, in its order.
const (
	uniform = iota
	gaussian
	binomial
)

// random is a node of numbers that are drawn anew in each run.
func (l *lowering) random(n *G.Node, _ []*G.Node) error {
	f := fieldsOf(n.Op())
	which, a, b := f.byte("which"), f.float("a"), f.float("b")
	if f.err != nil {
		return f.err
	}
	draw := l.stream("random")
	var fill func(run uint32, floats []float32) error
	switch which {
	case uniform:
		fill = func(run uint32, floats []float32) error {
			draw.Uniforms(floats, run, 0)
			for i, u := range floats {
				floats[i] = float32(a + (b-a)*float64(u))
			}
			return nil
		}
	case gaussian:
		fill = func(run uint32, floats []float32) error {
			draw.Normals(floats, run, 0)
			for i, z := range floats {
				floats[i] = float32(a + b*float64(z))
			}
			return nil
		}
	case binomial:
		trials := int(a)
		if trials < 0 || trials > 1<<20 || b < 0 || b > 1 {
			return fmt.Errorf("binomial numbers of %v trials with chance %v; want 0 to 2²⁰ trials, and a chance from 0 to 1", a, b)
		}
		one := make([]float32, size(n.Shape()))
		fill = func(run uint32, floats []float32) error {
			clear(floats)
			for trial := range trials {
				draw.Bernoullis(one, run, uint32(trial), b)
				for i, hit := range one {
					floats[i] += hit
				}
			}
			return nil
		}
	default:
		return fmt.Errorf("random numbers of kind %d", which)
	}
	ptr := l.given(size(n.Shape()), fill)
	y, shape := l.flat(n)
	l.do(mapping{function: "copy", shape: shape, y: y, a: whole(ptr, shape)})
	return nil
}
