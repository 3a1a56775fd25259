package plan

import (
	"fmt"
	"slices"
)

// shareCommon makes one of instructions that do the same with the same
// operands, and drops what nobody reads.
func (p *Plan) shareCommon() error {
	for i := range p.Phases {
		ph := &p.Phases[i]
		first := make(map[string]Instr)
		for _, in := range ph.Gradients {
			key := p.signature(in)
			same, ok := first[key]
			if !ok {
				first[key] = in
				continue
			}
			for k, d := range in.Dst {
				ph.replace(d, same.Dst[k])
			}
		}
	}
	return p.prune()
}

// signature has all that an instruction's results depend on. Results' shapes
// are part of it: the image that a strided convolution came from is not told
// by the operands of its gradient.
func (p *Plan) signature(in Instr) string {
	var shapes [][]int
	for _, d := range in.Dst {
		shapes = append(shapes, p.Buffers[d].Shape)
	}
	if in.Op.rule().stays { // of two one would be left with nobody to read it
		return fmt.Sprint(in.Op, in.Dst)
	}
	return fmt.Sprintf("%s %v %#v %#v %#v %#v %v %v %v %v %v %v %v %v", in.Op, in.Src, in.Activation, in.Slope, in.Window, in.Loss, in.Factor, in.Number, in.Moment, in.Numbers, in.K, in.Scaled, in.Input, shapes)
}

// prune drops instructions with no result that anybody reads, but for those
// that stay: a Load says what a graph's input is.
func (p *Plan) prune() error {
	for i := range p.Phases {
		ph := &p.Phases[i]
		needed := make(map[int]bool)
		for _, in := range ph.Update {
			for _, s := range in.Src {
				needed[s] = true
			}
		}
		for _, out := range ph.Outputs {
			needed[out.Buffer] = true
		}
		// A fused instruction may stand before what it reads.
		live, again := make([]bool, len(ph.Gradients)), true
		for again {
			again = false
			for k := len(ph.Gradients) - 1; k >= 0; k-- {
				in := ph.Gradients[k]
				read := func(d int) bool { return needed[d] }
				if live[k] || !in.Op.rule().stays && !in.Update && !slices.ContainsFunc(in.Dst, read) {
					continue
				}
				for _, s := range in.Src {
					needed[s] = true
				}
				live[k], again = true, true
			}
		}
		var kept []Instr
		for k, in := range ph.Gradients {
			if live[k] {
				kept = append(kept, in)
			}
		}
		ph.Gradients = kept
	}
	return nil
}
