package cpu

import (
	"fmt"
	"sync/atomic"

	"aegis/model/program"
)

// move is a piece of a tensor on its way from a state or into one.
type move struct {
	param         *param
	state, matrix []float32 // in PyTorch's order, and in the layout's
	piece         int
}

// moves adds those of a tensor.
func (p *param) moves(all []move, state, matrix []float32) []move {
	for piece := range p.pieces() {
		all = append(all, move{p, state, matrix, piece})
	}
	return all
}

// together does moves on all workers.
func (m *Machine) together(all []move, do func(move)) {
	var next atomic.Int64
	m.team.run(func(int) {
		for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
			do(all[i])
		}
	})
}

// State copies parameters and optimizer state.
func (m *Machine) State() (*program.State, error) {
	s := new(program.State)
	return s, m.StateInto(s, true)
}

// StateInto copies them, or the parameters alone, into a state's memory.
func (m *Machine) StateInto(s *program.State, all bool) error {
	s.Fit(m.program, all)
	s.Step = m.step
	var moves []move
	for _, p := range m.params {
		add := func(name string, from []float32) { moves = p.moves(moves, s.Tensors[name].Data, from) }
		add(p.name, p.matrix)
		if all {
			p.eachSlot(add)
		}
	}
	m.together(moves, func(at move) { at.param.store(m.kernels, at.state, at.matrix, at.piece) })
	return nil
}

// SetState puts a state back.
func (m *Machine) SetState(s *program.State) error {
	if err := s.Check(m.program); err != nil {
		return fmt.Errorf("cpu: %w", err)
	}
	var moves []move
	for _, p := range m.params {
		moves = p.moves(moves, s.Tensors[p.name].Data, p.matrix)
		p.eachSlot(func(name string, to []float32) { moves = p.moves(moves, s.Tensors[name].Data, to) })
	}
	m.put(moves)
	m.step = s.Step
	return nil
}

// put does moves into parameters and their slots.
func (m *Machine) put(moves []move) {
	m.together(moves, func(at move) { at.param.load(m.kernels, at.matrix, at.state, at.piece) })
	for _, p := range m.params {
		if p.copied != nil {
			m.kernels.Transpose(p.copied, p.k, p.matrix, p.n, p.k, p.n)
		}
	}
}
