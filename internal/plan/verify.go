package plan

import (
	"fmt"
	"slices"
)

// check looks for one kind of mistake in a plan.
type check func(*Plan) error

// Verify checks a finished plan: operand counts and shapes, every source
// written before it is read, updates and copies, stages, layouts, and that
// buffers in use share no memory. Its errors name the instruction, counted
// through the sections of its phase.
func (p *Plan) Verify() error {
	for _, check := range []check{
		(*Plan).checkOps, (*Plan).checkOperands, (*Plan).checkWritten, (*Plan).checkUpdates,
		(*Plan).checkClipped, (*Plan).checkStages, (*Plan).checkLayouts, (*Plan).checkMemory,
	} {
		if err := check(p); err != nil {
			return fmt.Errorf("plan: %s: %w", p.Name, err)
		}
	}
	return nil
}

// each visits every instruction of a plan, phase after phase. Its number is
// counted through the sections of its phase, as Plan.String prints it.
func (p *Plan) each(visit func(ph *Phase, section int, in Instr) error) error {
	for i := range p.Phases {
		ph, number := &p.Phases[i], 0
		for s, section := range ph.sections() {
			for _, in := range section {
				if err := visit(ph, s, in); err != nil {
					return fmt.Errorf("phase %s: instr %d %s: %w", ph.Name, number, in.Op, err)
				}
				number++
			}
		}
	}
	return nil
}

// checkOps refuses what no VM knows, and what stands in another section.
func (p *Plan) checkOps() error {
	return p.each(func(_ *Phase, section int, in Instr) error {
		switch r := in.Op.rule(); {
		case r.graphOnly:
			return fmt.Errorf("is left over from the graph")
		case (r.updates || r.keeps || r.clips) && section == 0:
			return fmt.Errorf("is among the gradients")
		case !r.updates && !r.keeps && !r.clips && section == 1:
			return fmt.Errorf("is among the updates")
		}
		return nil
	})
}

// checkWritten holds a step to single assignment: a buffer is written
// once, and before it is read, in the same phase or in one before.
func (p *Plan) checkWritten() error {
	written := make(map[int]*Phase) // the phase that wrote a buffer
	err := p.each(func(ph *Phase, _ int, in Instr) error {
		for _, v := range in.Src {
			if !p.ready(v) && written[p.Root(v)] == nil {
				return fmt.Errorf("reads %s, which nothing has written", p.label(v))
			}
		}
		dst, _ := p.roles(ph, in)
		for i, v := range in.Dst {
			switch {
			case p.kept(v) && dst[i] != updated && dst[i] != copied && dst[i] != kept:
				return fmt.Errorf("writes %s; only updates may", p.label(v))
			case p.Buffers[v].Kind == View:
				return fmt.Errorf("writes %s, a view", p.label(v))
			case !p.kept(v) && written[v] != nil:
				return fmt.Errorf("writes %s a second time", p.label(v))
			}
			written[v] = ph
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range p.Phases {
		for _, out := range p.Phases[i].Outputs {
			if v := p.Root(out.Buffer); !p.ready(v) && written[v] != &p.Phases[i] {
				return fmt.Errorf("phase %s: output %s: nothing writes %s", p.Phases[i].Name, out.Name, p.label(v))
			}
		}
	}
	return nil
}

// kept says that a buffer lives from step to step.
func (p *Plan) kept(v int) bool {
	switch p.Buffers[v].Kind {
	case Param, Slot, Copy:
		return true
	}
	return false
}

// ready says that a buffer can be read before any instruction.
func (p *Plan) ready(v int) bool { return p.kept(v) || p.Buffers[v].Kind == Scalar }

// label names a buffer in errors.
func (p *Plan) label(v int) string {
	return fmt.Sprintf("#%d (%s %s)", v, p.Buffers[v].Kind, p.Buffers[v].Name)
}

// checkUpdates wants each parameter updated at most once a phase, after
// everything in the phase that reads it, together with its copy and with its
// own slots.
func (p *Plan) checkUpdates() error {
	copyOf := make(map[int]int)
	for i, b := range p.Buffers {
		if b.Kind == Copy {
			copyOf[b.Of] = i
		}
	}
	done := make(map[int]bool)
	var last *Phase
	return p.each(func(ph *Phase, _ int, in Instr) error {
		if ph != last {
			last = ph
			clear(done)
		}
		dst, src := p.roles(ph, in)
		for i, v := range in.Src {
			if done[p.Root(v)] && src[i] != after {
				return fmt.Errorf("reads %s after its update", p.label(v))
			}
		}
		params, copies, slots := having(in.Dst, dst, updated), having(in.Dst, dst, copied), having(in.Src, src, slot)
		perParam := len(ph.Optimizer.Slots())
		if in.Op.rule().keeps {
			params, perParam = having(in.Dst, dst, kept), 0
		}
		var want []int
		for i, w := range params {
			if p.Buffers[w].Kind != Param {
				return fmt.Errorf("updates %s, no parameter", p.label(w))
			}
			if done[w] {
				return fmt.Errorf("updates %s a second time", p.label(w))
			}
			done[w] = true
			if c, ok := copyOf[w]; ok {
				want = append(want, c)
			}
			for _, s := range slots[i*perParam:][:perParam] {
				if b := p.Buffers[s]; b.Kind != Slot || b.Of != w || !slices.Equal(b.Shape, p.Buffers[w].Shape) {
					return fmt.Errorf("updates %s with %s, which is no slot of it", p.label(w), p.label(s))
				}
			}
		}
		if !slices.Equal(copies, want) {
			return fmt.Errorf("refreshes the copies %v of what it updates; want %v", copies, want)
		}
		return nil
	})
}

// checkStages wants stages in order, each all rows or all sums, and no result
// read before the wait that it needs.
func (p *Plan) checkStages() error {
	lastSection, stage, perRow := -1, 0, false
	early := make(map[int]bool) // what is complete only at the end of the stage
	read := make(map[int]bool)  // in the stage
	var last *Phase
	return p.each(func(ph *Phase, section int, in Instr) error {
		next := ph != last || section != lastSection
		switch {
		case next && in.Stage != 0, !next && in.Stage != stage && in.Stage != stage+1:
			return fmt.Errorf("is in stage %d after stage %d", in.Stage, stage)
		case next || in.Stage != stage:
			clear(early)
			clear(read)
			perRow = in.Op.PerRow()
		case perRow != in.Op.PerRow():
			return fmt.Errorf("stage %d mixes rows and sums", in.Stage)
		}
		last, lastSection, stage = ph, section, in.Stage
		for _, v := range in.Src {
			if early[p.Root(v)] {
				return fmt.Errorf("reads %s in the stage that completes it", p.label(v))
			}
			read[p.Root(v)] = true
		}
		dst, _ := p.roles(ph, in)
		for i, v := range in.Dst {
			if read[p.Root(v)] {
				return fmt.Errorf("writes %s in a stage that reads it", p.label(v))
			}
			if dst[i] != rows {
				early[p.Root(v)] = true
			}
		}
		return nil
	})
}
