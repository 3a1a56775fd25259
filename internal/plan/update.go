package plan

import (
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/model/program"
)

// What changes tensors that live from step to step.
const (
	Update Op = "update" // w, [copy] ← g, [scalar], slots…: an optimizer's step, of g as Phase.Clip bounds it; Scaled
	Keep   Op = "keep"   // running ← value
	Follow Op = "follow" // shadow, [copy] ← w, [scalar], after w's update: w + Factor·(shadow − w); Scaled
)

var updateFamily = family{
	rules: []rule{
		{op: Update, sum: true, dst: []role{updated}, src: []role{whole}, scalar: maybe, updates: true, alike: true},
		{op: Keep, sum: true, dst: []role{kept}, src: []role{whole}, keeps: true, alike: true},
		{op: Follow, sum: true, dst: []role{kept}, src: []role{after}, scalar: maybe, keeps: true, alike: true, detail: factorText},
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
	scalars := make(map[string]int)
	for _, param := range list {
		if param.Role != program.Shadow {
			continue
		}
		in := newInstr(Follow, []int{numbers[param.Name]}, []int{numbers[param.Of]})
		in.Factor = param.Decay
		if by := param.DecayBy; by != "" {
			if _, ok := scalars[by]; !ok {
				scalars[by] = p.add(Buffer{Name: by, Kind: Scalar, Of: -1})
			}
			in.Factor, in.Scaled, in.Src = 1, true, append(in.Src, scalars[by])
		}
		last.Update = append(last.Update, in)
	}
}

// FollowsAtOnce says whether a shadow may follow its parameter piece by piece,
// each right behind its last update of a step, and in which phase that is: no
// graph that is trained reads the shadow.
func (p *Plan) FollowsAtOnce(follow Instr) (phase int, ok bool) {
	shadow, of := follow.Dst[0], follow.Src[0]
	for k := range p.Phases {
		for _, section := range p.Phases[k].sections() {
			for _, in := range section {
				for _, v := range in.Src {
					if p.Root(v) == shadow {
						return 0, false
					}
				}
			}
		}
	}
	phase = p.lastUpdate(of)
	return phase, phase >= 0
}

// lastUpdate returns the number of the last phase that updates a parameter, -1
// where none does.
func (p *Plan) lastUpdate(param int) int {
	last := -1
	for i := range p.Phases {
		for _, section := range p.Phases[i].sections() {
			for _, in := range section {
				if (in.Update || in.Op == Update) && slices.Contains(in.Dst, param) {
					last = i
				}
			}
		}
	}
	return last
}
