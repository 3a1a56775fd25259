package program

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/data/philox"
)

// InputKind says what a VM fills a leaf with.
type InputKind string

// The kinds of inputs. Each but a scalar has a row for each row of the batch.
const (
	InputRows      InputKind = "rows"      // (B,…): rows of a bound set, scaled, or given values
	InputCodes     InputKind = "codes"     // (B,Z) or (B,Z,1,1): given codes
	InputWeights   InputKind = "weights"   // (B): 1 for a row, 0 for padding
	InputLabels    InputKind = "labels"    // (B,K): 1 at the row's class, else 0; all 0 where the row has none
	InputNormal    InputKind = "normal"    // (B,…): noise of mean 0 and variance 1
	InputUniform   InputKind = "uniform"   // (B,…): noise in [0, 1)
	InputBernoulli InputKind = "bernoulli" // (B,…): 1 with the chance P, else 0
	InputScalar    InputKind = "scalar"    // a scalar: one of Program.Scalars
)

// Input is a leaf of a graph that a VM fills before the graph runs.
//
// Noise is drawn by Philox. In training its numbers belong to a step and to a
// place in the step's batch; in forward graphs, and everywhere where it is
// Fixed, to a row of its set, so that they are the same at every look.
type Input struct {
	Node    *G.Node
	Kind    InputKind
	Purpose string  // of noise: two inputs of one purpose hold the same numbers; of a scalar: its name
	P       float64 // of Bernoulli noise, in [0, 1]
	Fixed   bool    // of noise: a row's numbers never change
}

// Given says that an input holds what a caller asks about: rows or codes.
func (k InputKind) Given() bool { return k == InputRows || k == InputCodes }

// Noise says that an input is drawn.
func (k InputKind) Noise() bool {
	return k == InputNormal || k == InputUniform || k == InputBernoulli
}

// Noise draws an input of noise.
type Noise struct {
	Kind   InputKind
	P      float64
	Stream philox.Stream
	ByRow  bool // numbers belong to a row of a set, else to a step and a place in its batch
}

// Noise returns what draws an input under a seed: for a training step, or for
// rows of a set, which is empty for given values; those are numbered from 0.
func (in Input) Noise(seed uint64, set string, training bool) Noise {
	name := "noise/" + in.Purpose
	byRow := in.Fixed || !training
	if byRow {
		name += "/" + set
	}
	return Noise{Kind: in.Kind, P: in.P, Stream: philox.Stream{Seed: seed, Purpose: philox.For(name)}, ByRow: byRow}
}

// Draw fills dst with the numbers of one row: at is the row's number in its
// set, or its place in the batch of a step.
func (n Noise) Draw(dst []float32, step int64, at int) {
	if n.ByRow {
		step = 0
	}
	switch n.Kind {
	case InputNormal:
		n.Stream.Normals(dst, uint32(step), uint32(at))
	case InputBernoulli:
		n.Stream.Bernoullis(dst, uint32(step), uint32(at), n.P)
	default:
		n.Stream.Uniforms(dst, uint32(step), uint32(at))
	}
}

// check says what is wrong with an input.
func (in Input) check(p *Program, batch int) error {
	if in.Node == nil {
		return fmt.Errorf("an input of kind %s has no node", in.Kind)
	}
	name, shape := in.Node.Name(), in.Node.Shape()
	rows := len(shape) > 0 && shape[0] == batch
	switch in.Kind {
	case InputScalar:
		if len(shape) != 0 {
			return fmt.Errorf("input %s: want a scalar, got shape %v", name, shape)
		}
		if p.ScalarIndex(in.Purpose) < 0 {
			return fmt.Errorf("input %s: the program has no scalar %q", name, in.Purpose)
		}
		return nil
	case InputWeights:
		if !rows || len(shape) != 1 {
			return fmt.Errorf("input %s: want row weights of shape (%d), got %v", name, batch, shape)
		}
		return nil
	case InputLabels:
		if !rows || len(shape) != 2 {
			return fmt.Errorf("input %s: want one-hot labels of shape (%d, classes), got %v", name, batch, shape)
		}
		return nil
	case InputRows, InputCodes, InputNormal, InputUniform, InputBernoulli:
	default:
		return fmt.Errorf("input %s: unknown kind %q", name, in.Kind)
	}
	if !rows || len(shape) < 2 {
		return fmt.Errorf("input %s: want %d rows, got shape %v", name, batch, shape)
	}
	if in.Kind == InputBernoulli && !(in.P >= 0 && in.P <= 1) {
		return fmt.Errorf("input %s: chance %v; want a number in [0, 1]", name, in.P)
	}
	if in.Kind.Noise() && in.Purpose == "" {
		return fmt.Errorf("input %s: noise wants a purpose", name)
	}
	return nil
}
