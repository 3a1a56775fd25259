package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/program"
)

// ClipNorm is what a phase multiplies its gradients by, so that the norm of all
// together is within [Phase.Clip]. It reads all of them, whatever their shapes,
// each value bounded as Clip says, and stands before the updates, which are
// Scaled by it and bound values themselves: a gradient is read once more and
// never written again.
const ClipNorm Op = "clip-norm" // factor ← g…

var clipFamily = family{
	rules: []rule{{
		op: ClipNorm, sum: true, dst: []role{whole}, src: []role{whole}, many: true, clips: true,
		shapes: func(o operands) error {
			if len(o.dst(0)) != 0 {
				return errors.New("want a scalar ← gradients")
			}
			return nil
		},
	}},
}

// clip puts before a phase's updates what they need to clip gradients.
func (d *decoder) clip(p *program.Phase, ph *Phase) {
	ph.Clip = p.Clip
	if p.Clip.Norm == 0 || len(ph.Update) == 0 {
		return
	}
	factor := d.plan.add(Buffer{Name: "clip", Kind: Temp, Shape: []int{}, Of: -1})
	var grads []int
	for i := range ph.Update {
		u := &ph.Update[i]
		grads = append(grads, u.Src[0])
		u.Src = slices.Insert(u.Src, 1, factor)
		u.Scaled = true
	}
	ph.Update = append([]Instr{newInstr(ClipNorm, []int{factor}, grads)}, ph.Update...)
}

// checkClipped wants every gradient of a phase that clips to go through it: none
// is applied where it is made, and where the norm is bounded it is that of all
// that are applied, and each update multiplies by its factor.
func (p *Plan) checkClipped() error {
	return p.each(func(ph *Phase, _ int, in Instr) error {
		switch factor := ph.clipFactor(); {
		case in.Update && ph.Clip.On():
			return errors.New("applies a gradient that is to be clipped")
		case in.Op == ClipNorm && (ph.Clip.Norm == 0 || in.Dst[0] != factor):
			return errors.New("clips a second time, or without a bound")
		case in.Op == ClipNorm && !slices.Equal(in.Src, ph.applied()):
			return fmt.Errorf("is the norm of %v; want that of the gradients that are applied, %v", in.Src, ph.applied())
		case in.Op == Update && in.Scaled != (ph.Clip.Norm != 0):
			return fmt.Errorf("is scaled: %v; want it where the norm of gradients is bounded", in.Scaled)
		case in.Op == Update && in.Scaled && in.Src[1] != factor:
			return fmt.Errorf("is scaled by %s; want what clips the norm of the phase", p.label(in.Src[1]))
		}
		return nil
	})
}

// clipFactor returns the buffer of what clips a phase's norm, or -1.
func (ph *Phase) clipFactor() int {
	for _, in := range ph.Update {
		if in.Op == ClipNorm {
			return in.Dst[0]
		}
	}
	return -1
}

// applied returns the gradients of a phase's updates.
func (ph *Phase) applied() (list []int) {
	for _, in := range ph.Update {
		if in.Op == Update {
			list = append(list, in.Src[0])
		}
	}
	return list
}
