package plan

import (
	"fmt"

	"gorgonia.org/tensor"

	"aegis/model/program"
)

// What a graph reads from outside. A scalar has no instruction: it is a buffer
// of kind [Scalar].
const (
	Load   Op = "load"    // (rows) x ← rows of a set as pixels, or given values
	OneHot Op = "one-hot" // (rows) x ← 1 at each row's class, else 0
	Noise  Op = "noise"   // (rows) x ← random numbers; Input
)

var loadFamily = family{
	rules: []rule{
		{op: Load, dst: []role{rows}, stays: true},
		{op: OneHot, dst: []role{rows}},
		{op: Noise, dst: []role{rows}, detail: func(in Instr) string { return noiseText(in.Input) }},
	},
}

func noiseText(in program.Input) string {
	text := fmt.Sprintf("%s %q", in.Kind, in.Purpose)
	if in.Kind == program.InputBernoulli {
		text += fmt.Sprintf(" %g", in.P)
	}
	if in.Fixed {
		text += " fixed"
	}
	return text
}

// given adds the input of rows or codes: it says what a graph is asked about,
// read or not.
func (d *decoder) given() error {
	in := d.graph.Given()
	if in == nil {
		return nil
	}
	_, err := d.buffer(in.Node)
	return err
}

// input adds an input.
func (d *decoder) input(in program.Input) (int, error) {
	name := in.Node.Name()
	if dt := in.Node.Dtype(); dt != tensor.Float32 {
		return 0, fmt.Errorf("input %s is %v; want float32", name, dt)
	}
	b := Buffer{Name: name, Kind: Input, Shape: in.Node.Shape(), Of: -1}
	what := newInstr(Load, nil, nil)
	switch {
	case in.Kind == program.InputScalar:
		b.Kind, b.Name = Scalar, in.Purpose
		return d.plan.add(b), nil
	case in.Kind == program.InputWeights:
		return 0, fmt.Errorf("node %q: weights of rows are for losses and sums over the batch; they are no values", name)
	case in.Kind == program.InputLabels:
		what.Op = OneHot
	case in.Kind.Noise():
		what.Op = Noise
		what.Input = program.Input{Kind: in.Kind, Purpose: in.Purpose, P: in.P, Fixed: in.Fixed}
	}
	i := d.plan.add(b)
	d.rows[i] = true
	what.Dst = []int{i}
	d.code = append(d.code, what)
	return i, nil
}
