package plan

import (
	G "gorgonia.org/gorgonia"

	"aegis/model/program"
)

// What changes tensors that live from step to step.
const (
	Update Op = "update" // w, [copy] ← g, [scalar], slots…: an optimizer's step, of g as Phase.Clip bounds it; Scaled
	Keep   Op = "keep"   // running ← value
	Follow Op = "follow" // shadow, [copy] ← w, after w's update: w + Factor·(shadow − w)
)

var updateFamily = family{
	rules: []rule{
		{op: Update, sum: true, dst: []role{updated}, src: []role{whole}, scalar: maybe, updates: true, alike: true},
		{op: Keep, sum: true, dst: []role{kept}, src: []role{whole}, keeps: true, alike: true},
		{op: Follow, sum: true, dst: []role{kept}, src: []role{after}, keeps: true, alike: true, detail: factorText},
	},
}

// update returns the update of a phase's parameter by its gradient, with new
// slots.
func (d *decoder) update(p *program.Phase, param, grad *G.Node) (Instr, error) {
	src, err := d.sources([]*G.Node{param, grad})
	if err != nil {
		return Instr{}, err
	}
	in := newInstr(Update, src[:1:1], src[1:])
	for _, slot := range p.Optimizer.Slots() {
		in.Src = append(in.Src, d.plan.add(Buffer{
			Name: program.SlotName(p.Name, slot, param.Name()), Kind: Slot, Shape: param.Shape(), Of: src[0],
		}))
	}
	return in, nil
}

// keep returns what writes a running tensor.
func (d *decoder) keep(w program.Write) (Instr, error) {
	src, err := d.sources([]*G.Node{w.Param, w.Value})
	if err != nil {
		return Instr{}, err
	}
	return newInstr(Keep, src[:1:1], src[1:]), nil
}

// follow adds to the last phase what moves the shadows.
func (p *Plan) follow(list []program.Param, numbers map[string]int) {
	last := &p.Phases[len(p.Phases)-1]
	for _, param := range list {
		if param.Role == program.Shadow {
			in := newInstr(Follow, []int{numbers[param.Name]}, []int{numbers[param.Of]})
			in.Factor = param.Decay
			last.Update = append(last.Update, in)
		}
	}
}
