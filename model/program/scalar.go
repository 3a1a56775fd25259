package program

import "aegis/model/optim"

// Scalar is a named number that graphs read, such as the weight of a loss term.
type Scalar struct {
	Name  string
	At    func(step int64) float64 // its value in a training step, counted from 0
	Final float64                  // its value in forward graphs
}

// ScalarCount returns how many numbers change from step to step: those of
// every phase's optimizer, phase after phase, then the named ones.
func (p *Program) ScalarCount() int {
	n := len(p.Scalars)
	for _, phase := range p.Phases {
		n += len(phase.Optimizer.ScalarNames())
	}
	return n
}

// StepScalars appends the numbers of one step, counted from 0, to dst. All
// learning rates are multiplied by a factor, which is 1 but where [Program.Plateau]
// has another.
func (p *Program) StepScalars(dst []float32, step int64, factor float64) []float32 {
	for _, phase := range p.Phases {
		dst = append(dst, phase.Optimizer.Scalars(step, factor*phase.Optimizer.Rate(step))...)
	}
	for _, s := range p.Scalars {
		dst = append(dst, float32(s.At(step)))
	}
	return dst
}

// ScalarIndex returns where a named number lies among those of a step, or -1.
func (p *Program) ScalarIndex(name string) int {
	for i, s := range p.Scalars {
		if s.Name == name {
			return p.ScalarCount() - len(p.Scalars) + i
		}
	}
	return -1
}

// ShadowDecay returns the decay of a shadow in a step with the given numbers.
func (p *Program) ShadowDecay(shadow Param, scalars []float32) float32 {
	if shadow.DecayBy == "" {
		return float32(shadow.Decay)
	}
	return scalars[p.ScalarIndex(shadow.DecayBy)]
}

// FinalScalar returns the value of a named number in forward graphs.
func (p *Program) FinalScalar(name string) float32 {
	for _, s := range p.Scalars {
		if s.Name == name {
			return float32(s.Final)
		}
	}
	return 0
}

// Plateau returns where a schedule on a plateau stands before the first epoch:
// that of the first phase which has one. It is nil where none has.
func (p *Program) Plateau() *optim.Plateau {
	for _, phase := range p.Phases {
		if plateau := optim.NewPlateau(phase.Optimizer.Schedule); plateau != nil {
			return plateau
		}
	}
	return nil
}
