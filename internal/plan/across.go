package plan

import (
	"fmt"
	"slices"
)

// shareAcross makes one of instructions of two phases that do the same with the
// same operands, where nothing that they read has changed between: a later phase
// goes on from what the earlier one has of the same rows. Phases were laid out, so
// that results lie alike.
func (p *Plan) shareAcross() error {
	known := make(map[string]Instr)
	for i := range p.Phases {
		ph := &p.Phases[i]
		for again := i > 0; again; { // a fused instruction may stand before what it reads
			again = false
			ph.Gradients = slices.DeleteFunc(ph.Gradients, func(in Instr) bool {
				same, ok := known[p.key(in)]
				if !ok || !p.replaceable(in) {
					return false
				}
				for k, d := range in.Dst {
					p.replaceAcross(ph, d, same.Dst[k])
				}
				again = true
				return true
			})
		}
		changed := p.changed(ph)
		for _, in := range ph.Gradients {
			if p.replaceable(in) {
				known[p.key(in)] = in
			}
		}
		for key, in := range known {
			if slices.ContainsFunc(in.Src, func(s int) bool { return changed[p.Root(s)] }) {
				delete(known, key)
			}
		}
	}
	return nil
}

// key has all that an instruction's results depend on, whatever the phase. Rows
// that are loaded are the same in every phase.
func (p *Plan) key(in Instr) string {
	src := make([]int, len(in.Src))
	var views [][]int
	for i, s := range in.Src {
		src[i] = p.Root(s)
		views = append(views, p.Buffers[s].Shape)
	}
	in.Src = src
	if in.Op == Load {
		return fmt.Sprint(in.Op, p.Buffers[in.Dst[0]].Shape)
	}
	return fmt.Sprint(p.signature(in), views)
}

// replaceable says that an instruction's results are read within the step alone.
func (p *Plan) replaceable(in Instr) bool {
	if r := in.Op.rule(); in.Update || r.updates || r.keeps {
		return false
	}
	return !slices.ContainsFunc(in.Dst, func(d int) bool {
		kind := p.Buffers[d].Kind
		return kind != Temp && kind != Input
	})
}

// replaceAcross makes a phase's readers of one buffer read another, and what views
// it, view that.
func (p *Plan) replaceAcross(ph *Phase, old, by int) {
	ph.replace(old, by)
	for i := range p.Buffers {
		if b := &p.Buffers[i]; b.Kind == View && b.Of == old {
			b.Of = by
		}
	}
}

// changed returns the tensors that a phase changes.
func (p *Plan) changed(ph *Phase) map[int]bool {
	all := make(map[int]bool)
	for _, section := range ph.sections() {
		for _, in := range section {
			for _, d := range in.Dst {
				if p.kept(d) {
					all[p.Root(d)] = true
				}
			}
		}
	}
	return all
}
