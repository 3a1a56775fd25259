package cpu

import "aegis/internal/plan"

// finish is what one worker does when all have done a stage.
func (e *exec) finish(s *stage) {
	for _, l := range s.losses {
		l.value[0] = l.mean(e.n)
	}
	if s.complete != nil {
		s.complete()
	}
	if e.givenUp(s) {
		e.stop.Store(true)
	}
	if s.last && e.after != nil && !e.stop.Load() {
		e.after()
	}
}

// newPhase turns the instructions of phase number i into stages of tasks.
func (e *exec) newPhase(i int) (*phase, error) {
	p := e.plan.Phases[i]
	ph := &phase{name: p.Name, outputs: p.Outputs, clip: p.Clip, width: len(p.Optimizer.ScalarNames())}
	if p.Optimizer.Kind != "" {
		var err error
		if ph.optimizer, err = e.machine.kernels.Update(p.Optimizer.Algorithm()); err != nil {
			return nil, err
		}
	}
	b := &builder{exec: e, phase: ph, followers: e.followers(i)}
	for i, section := range [][]plan.Instr{p.Gradients, p.Update} {
		if i == 1 && e.machine.exchange != nil && p.Exchange.Size > 0 {
			b.exchange(p)
		}
		last := -1
		for _, in := range section {
			if e.followsAtOnce(in) {
				continue
			}
			if in.Stage != last {
				ph.stages = append(ph.stages, stage{})
				last = in.Stage
			}
			if err := b.add(in); err != nil {
				return nil, err
			}
		}
	}
	for i := range ph.stages {
		if s := &ph.stages[i]; s.finish == nil {
			s.finish = func() { e.finish(s) }
		}
	}
	return ph, nil
}
