package program

import (
	"fmt"
	"slices"
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
	s := &State{Tensors: make(map[string]Tensor)}
	for _, param := range p.Params {
		data := make([]float32, param.Size())
		param.Start(data, seed)
		s.Tensors[param.Name] = Tensor{Shape: param.Shape, Data: data}
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Trained {
			for _, slot := range phase.Optimizer.Slots() {
				s.Tensors[SlotName(phase.Name, slot, node.Name())] = Tensor{
					Shape: node.Shape(), Data: make([]float32, node.Shape().TotalSize()),
				}
			}
		}
	}
	return s
}

// Check reports the first tensor of a program that s lacks or holds in another
// shape.
func (s *State) Check(p *Program) error {
	for _, param := range p.Params {
		if err := s.check(param.Name, param.Shape); err != nil {
			return err
		}
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Trained {
			for _, slot := range phase.Optimizer.Slots() {
				if err := s.check(SlotName(phase.Name, slot, node.Name()), node.Shape()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *State) check(name string, shape []int) error {
	_, err := s.Tensor(name, shape)
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
