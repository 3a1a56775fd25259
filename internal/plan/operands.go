package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// checkOperands checks the number of every instruction's operands and their
// shapes.
func (p *Plan) checkOperands() error {
	return p.each(func(ph *Phase, _ int, in Instr) error {
		o := operands{plan: p, phase: ph, in: in}
		if err := o.counts(); err != nil {
			return err
		}
		if err := o.shapes(); err != nil {
			return fmt.Errorf("%w: %s", err, o)
		}
		return nil
	})
}

// operands is an instruction under examination.
type operands struct {
	plan  *Plan
	phase *Phase
	in    Instr
}

// String lists the operands' shapes.
func (o operands) String() string {
	list := func(buffers []int) (shapes [][]int) {
		for _, v := range buffers {
			shapes = append(shapes, o.plan.Buffers[v].Shape)
		}
		return shapes
	}
	return fmt.Sprintf("%v ← %v", list(o.in.Dst), list(o.in.Src))
}

func (o operands) dst(i int) []int { return o.plan.Buffers[o.in.Dst[i]].Shape }
func (o operands) src(i int) []int { return o.plan.Buffers[o.in.Src[i]].Shape }

// counts checks which operands there are, that there are such buffers, and
// that the instruction can have what is fused into it.
func (o operands) counts() error {
	if _, ok := rules[o.in.Op]; !ok {
		return errors.New("no such instruction")
	}
	if err := o.fused(); err != nil {
		return err
	}
	dst, src := o.plan.roles(o.phase, o.in)
	if got := len(o.in.Dst); got != len(dst) {
		return fmt.Errorf("want %d results, got %d", len(dst), got)
	}
	if got := len(o.in.Src); got != len(src) {
		return fmt.Errorf("want %d sources, got %d", len(src), got)
	}
	for _, v := range slices.Concat(o.in.Dst, o.in.Src) {
		if v < 0 || v >= len(o.plan.Buffers) {
			return fmt.Errorf("no buffer #%d", v)
		}
	}
	return nil
}

// fused checks the fields that not every instruction has, and that VMs can
// know the functions in them.
func (o operands) fused() error {
	r := o.in.Op.rule()
	switch {
	case o.in.Slope == op.None && r.slope == always:
		return errors.New("has no slope")
	case o.in.Slope != op.None && r.slope == never:
		return errors.New("cannot have a slope")
	case o.in.Scaled && r.scalar == never:
		return errors.New("cannot be multiplied by a scalar")
	case o.in.Activation != op.None && !r.activation:
		return errors.New("cannot have an activation")
	case o.in.Update && !r.merges:
		return errors.New("cannot have an update")
	}
	for _, a := range []op.Activation{o.in.Activation, o.in.Slope} {
		if err := a.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// shapes checks shapes against the instruction's rule.
func (o operands) shapes() error {
	if err := o.batches(); err != nil {
		return err
	}
	if o.in.Slope != op.None && !slices.Equal(o.src(len(o.in.Src)-1), o.dst(len(o.in.Dst)-1)) {
		return errors.New("want the slope's y in the result's shape")
	}
	r := o.in.Op.rule()
	if o.in.Scaled && len(o.src(len(r.src))) != 0 {
		return errors.New("want a scalar behind the other sources")
	}
	if r.alike {
		for i := range o.in.Src {
			if o.in.Scaled && i == len(r.src) {
				continue
			}
			if !slices.Equal(o.src(i), o.dst(0)) {
				return errors.New("want all of one shape")
			}
		}
	}
	if r.shapes != nil {
		return r.shapes(o)
	}
	return nil
}

// batches wants the batch as first dimension of what has rows.
func (o operands) batches() error {
	dst, src := o.plan.roles(o.phase, o.in)
	for _, v := range append(having(o.in.Src, src, rows), having(o.in.Dst, dst, rows)...) {
		if s := o.plan.Buffers[v].Shape; len(s) == 0 || s[0] != o.plan.Batch {
			return fmt.Errorf("want %d rows in %s", o.plan.Batch, o.plan.label(v))
		}
	}
	return nil
}
