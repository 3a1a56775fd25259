package plan

import "fmt"

// order schedules each phase in stages: all rows' work that can be done, then
// all sums over the batch that can be made, then rows again where something
// waits for a sum. In a stage of rows an instruction may read what an earlier
// one wrote in the same row; in a stage of sums none reads another's result.
func (p *Plan) order() error {
	done := make(map[int]bool) // a phase may read what an earlier one wrote
	for i := range p.Phases {
		s := scheduler{plan: p, pending: p.Phases[i].Gradients, done: done}
		if err := s.run(); err != nil {
			return fmt.Errorf("phase %s: %w", p.Phases[i].Name, err)
		}
		p.Phases[i].Gradients = s.code
		p.Phases[i].orderUpdates()
	}
	return nil
}

// orderUpdates puts what clips gradients before all updates, and what follows a
// parameter behind them.
func (ph *Phase) orderUpdates() {
	updates, last := 0, 0
	for i := range ph.Update {
		u := &ph.Update[i]
		switch u.Op {
		case ClipNorm:
			u.Stage, updates, last = 0, 1, 1
		case Follow:
			u.Stage = last
		default:
			u.Stage, last = updates, updates+1
		}
	}
}

// scheduler takes instructions from pending to code.
type scheduler struct {
	plan          *Plan
	pending, code []Instr
	done          map[int]bool // what has been written
	stage         int
}

func (s *scheduler) run() error {
	for i, b := range s.plan.Buffers {
		if b.Kind == Param || b.Kind == Slot || b.Kind == Scalar {
			s.done[i] = true
		}
	}
	for len(s.pending) > 0 {
		before := len(s.pending)
		s.rows()
		s.sums()
		if len(s.pending) == before {
			return fmt.Errorf("%s waits for itself", s.pending[0].Op)
		}
	}
	return nil
}

// rows makes a stage of the work on rows. Only sums read loss values, which
// are complete where the stage ends.
func (s *scheduler) rows() {
	took := false
	for again := true; again; {
		again = false
		for i := 0; i < len(s.pending); {
			in := s.pending[i]
			if !in.Op.PerRow() || !s.ready(in) {
				i++
				continue
			}
			s.take(i)
			s.finish(in.Dst)
			again, took = true, true
		}
	}
	if took {
		s.stage++
	}
}

// sums makes a stage of the sums that are ready before it.
func (s *scheduler) sums() {
	var results []int
	took := false
	for i := 0; i < len(s.pending); {
		in := s.pending[i]
		if in.Op.PerRow() || !s.ready(in) || s.overtakes(i) {
			i++
			continue
		}
		s.take(i)
		took = true
		results = append(results, in.Dst...)
	}
	s.finish(results)
	if took {
		s.stage++
	}
}

// take moves an instruction from pending to code.
func (s *scheduler) take(i int) {
	in := s.pending[i]
	in.Stage = s.stage
	s.code = append(s.code, in)
	s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
}

func (s *scheduler) finish(results []int) {
	for _, r := range results {
		s.done[r] = true
	}
}

// ready says that all operands have been written.
func (s *scheduler) ready(in Instr) bool {
	for _, v := range in.Src {
		if !s.done[s.plan.Root(v)] {
			return false
		}
	}
	return true
}

// overtakes says that the instruction updates parameters that others still
// have to read.
func (s *scheduler) overtakes(i int) bool {
	if !s.pending[i].Update {
		return false
	}
	for k, other := range s.pending {
		if k == i {
			continue
		}
		for _, v := range other.Src {
			for _, d := range s.pending[i].Dst {
				if s.plan.Root(v) == s.plan.Root(d) {
					return true
				}
			}
		}
	}
	return false
}
