package plan

import (
	"fmt"

	"aegis/model/program"
)

// Compile makes the plan of a program's phases. All parameters of the program
// are its first buffers, in their order.
func Compile(p *program.Program, opt Options) (*Plan, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	plan := &Plan{Name: p.Name, Options: opt, Batch: p.Batch, Scaling: p.Scaling}
	params := plan.addParams(p.Params)
	for _, phase := range p.Phases {
		d := newDecoder(plan, &phase.Graph, phase.Name, params)
		if err := d.phase(phase); err != nil {
			return nil, fmt.Errorf("plan: phase %s: %w", phase.Name, err)
		}
	}
	plan.follow(p.Params, params)
	return plan.compile()
}

// CompileForward makes the plan of one forward graph: a phase without Update,
// named after the graph's first output. The parameters that the graph uses are
// its first buffers, in the program's order and in the layouts that [Compile]
// gives them.
func CompileForward(p *program.Program, g *program.Graph, opt Options) (*Plan, error) {
	if err := p.Check(g); err != nil {
		return nil, fmt.Errorf("plan: forward graph of %s: %w", p.Name, err)
	}
	plan := &Plan{Name: p.Name, Options: opt, Batch: g.Batch(), Scaling: p.Scaling}
	used := make(map[string]bool)
	for _, n := range g.Params {
		used[n.Name()] = true
	}
	var list []program.Param
	for _, param := range p.Params {
		if used[param.Name] {
			list = append(list, param)
		}
	}
	d := newDecoder(plan, g, g.Outputs[0].Name, plan.addParams(list))
	if err := d.forward(); err != nil {
		return nil, fmt.Errorf("plan: forward graph %s: %w", d.phaseName, err)
	}
	return plan.compile()
}

// compile runs the passes over decoded phases. Each pass leaves a plan that
// passes its checks and those of the passes before it.
func (p *Plan) compile() (*Plan, error) {
	var checks []check
	for _, pass := range []struct {
		name   string
		run    func(*Plan) error
		checks []check
	}{
		{name: "decode", run: (*Plan).prune, checks: []check{(*Plan).checkOperands}},
		{name: "common subexpressions", run: (*Plan).shareCommon},
		{name: "fuse", run: (*Plan).fuse},
		{name: "layout", run: (*Plan).layOut, checks: []check{(*Plan).checkLayouts}},
		{name: "common to phases", run: (*Plan).shareAcross},
		{name: "order", run: (*Plan).order, checks: []check{(*Plan).checkOps, (*Plan).checkWritten, (*Plan).checkUpdates, (*Plan).checkClipped, (*Plan).checkStages}},
		{name: "memory", run: (*Plan).place, checks: []check{(*Plan).checkMemory}},
	} {
		checks = append(checks, pass.checks...)
		if err := pass.run(p); err != nil {
			return nil, fmt.Errorf("plan: %s: %s: %w", p.Name, pass.name, err)
		}
		for _, check := range checks {
			if err := check(p); err != nil {
				return nil, fmt.Errorf("plan: %s: after pass %s: %w", p.Name, pass.name, err)
			}
		}
	}
	return p, nil
}

// addParams adds the parameters' buffers and returns their numbers by name.
func (p *Plan) addParams(list []program.Param) map[string]int {
	numbers := make(map[string]int)
	for _, param := range list {
		numbers[param.Name] = p.add(Buffer{Name: param.Name, Kind: Param, Shape: param.Shape, Of: -1})
	}
	return numbers
}

// add adds a buffer without a place in memory and returns its number.
func (p *Plan) add(b Buffer) int {
	b.Offset = -1
	if b.Layout == "" {
		b.Layout = RowMajor
	}
	p.Buffers = append(p.Buffers, b)
	return len(p.Buffers) - 1
}

// Root returns the buffer that holds the numbers of buffer i: what a view
// views, the parameter that a copy follows.
func (p *Plan) Root(i int) int {
	if b := p.Buffers[i]; b.Kind == View || b.Kind == Copy {
		return b.Of
	}
	return i
}

// sections returns the instructions of a phase in the order they run.
func (ph *Phase) sections() [][]Instr { return [][]Instr{ph.Gradients, ph.Update} }

// replace makes every reader of one buffer read another.
func (ph *Phase) replace(old, by int) {
	for _, section := range ph.sections() {
		for _, in := range section {
			for i, s := range in.Src {
				if s == old {
					in.Src[i] = by
				}
			}
		}
	}
	for i := range ph.Outputs {
		if ph.Outputs[i].Buffer == old {
			ph.Outputs[i].Buffer = by
		}
	}
}

// readers counts the operands and outputs that are a buffer.
func (ph *Phase) readers(buffer int) int {
	n := 0
	for _, section := range ph.sections() {
		for _, in := range section {
			for _, s := range in.Src {
				if s == buffer {
					n++
				}
			}
		}
	}
	for _, out := range ph.Outputs {
		if out.Buffer == buffer {
			n++
		}
	}
	return n
}

// producer returns the index of the instruction in Gradients that writes a
// buffer, or -1.
func (ph *Phase) producer(buffer int) int {
	for i, in := range ph.Gradients {
		for _, d := range in.Dst {
			if d == buffer {
				return i
			}
		}
	}
	return -1
}
