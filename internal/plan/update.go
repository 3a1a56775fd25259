package plan

import (
	G "gorgonia.org/gorgonia"

	"aegis/model/program"
)

// Update applies an optimizer.
const Update Op = "update" // w, [copy] ← g, slots…

var updateFamily = family{
	rules: []rule{{op: Update, sum: true, dst: []role{updated}, src: []role{whole}, updates: true, alike: true}},
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
