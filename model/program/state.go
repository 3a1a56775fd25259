package program

import (
	"fmt"
	"slices"
	"sync"
)

// Tensor is a host copy of a parameter or of optimizer state.
type Tensor struct {
	Shape []int
	Data  []float32
}

// State is all that training carries from step to step. Tensors holds the
// parameters by their names and each optimizer slot as
// "optimizer.<phase>.<slot>.<parameter>".
type State struct {
	Step    int64 // steps done
	Tensors map[string]Tensor
}

const slotPrefix = "optimizer."

// SlotName names an optimizer slot in State.Tensors.
func SlotName(phase, slot, param string) string {
	return slotPrefix + phase + "." + slot + "." + param
}

// Start returns the state before the first step.
func (p *Program) Start(seed uint64) *State {
	s := new(State)
	s.Fit(p, true)
	var drawing sync.WaitGroup
	for _, param := range p.Params {
		drawing.Go(func() { param.Start(s.Tensors[param.Name].Data, seed) })
	}
	drawing.Wait()
	return s
}

// Fit gives s memory for the tensors of a program's state, or for the parameters
// alone, and for nothing else. What it has of the right shape stays as it is; the
// values of the others are zero.
func (s *State) Fit(p *Program, all bool) {
	fitted := make(map[string]Tensor)
	p.eachTensor(all, func(name string, shape []int) {
		t, err := s.Tensor(name, shape)
		if err != nil {
			t = Tensor{Shape: slices.Clone(shape), Data: make([]float32, Size(shape))}
		}
		fitted[name] = t
	})
	s.Tensors = fitted
}

// eachTensor visits the tensors of a state, or the parameters alone.
func (p *Program) eachTensor(all bool, visit func(name string, shape []int)) {
	for _, param := range p.Params {
		visit(param.Name, param.Shape)
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Trained {
			for _, slot := range phase.Optimizer.Slots() {
				if all {
					visit(SlotName(phase.Name, slot, node.Name()), node.Shape())
				}
			}
		}
	}
}

// Check reports the first tensor of a program that s lacks or holds in another
// shape.
func (s *State) Check(p *Program) (err error) {
	p.eachTensor(true, func(name string, shape []int) {
		if err == nil {
			_, err = s.Tensor(name, shape)
		}
	})
	return err
}

// Tensor returns a tensor of a shape by its name.
func (s *State) Tensor(name string, shape []int) (Tensor, error) {
	t, ok := s.Tensors[name]
	switch {
	case !ok:
		return t, fmt.Errorf("program: state: no tensor %s; want shape %v", name, shape)
	case !slices.Equal(t.Shape, shape):
		return t, fmt.Errorf("program: state: %s has shape %v; want %v", name, t.Shape, shape)
	case len(t.Data) != Size(shape):
		return t, fmt.Errorf("program: state: %s has %d values; want %d", name, len(t.Data), Size(shape))
	}
	return t, nil
}
