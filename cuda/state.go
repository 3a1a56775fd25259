//go:build !cpu

package cuda

import (
	"fmt"
	"slices"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/model/program"
)

// tensors is all that training carries from step to step: every tensor of a
// program.State in one block of memory, in PyTorch's layouts, which are the
// plan's.
type tensors struct {
	ptr    driver.DevicePtr
	floats int
	order  []string
	at     map[string]place
}

// place is where a tensor lies in the block, in floats.
type place struct {
	offset int
	shape  []int
}

// newTensors lays a program's tensors out: parameters, then slots.
func newTensors(p *program.Program) *tensors {
	t := &tensors{at: make(map[string]place)}
	for _, param := range p.Params {
		t.add(param.Name, param.Shape)
	}
	for _, phase := range p.Phases {
		for _, node := range phase.Trained {
			for _, slot := range phase.Optimizer.Slots() {
				t.add(program.SlotName(phase.Name, slot, node.Name()), node.Shape())
			}
		}
	}
	return t
}

func (t *tensors) add(name string, shape []int) {
	t.at[name] = place{offset: t.floats, shape: slices.Clone(shape)}
	t.order = append(t.order, name)
	t.floats += gpu.Align(program.Size(shape))
}

func (t *tensors) bytes() int64 { return 4 * int64(t.floats) }

// address returns where a tensor is on the device.
func (t *tensors) address(name string) (driver.DevicePtr, error) {
	at, ok := t.at[name]
	if !ok {
		return 0, fmt.Errorf("cuda: no tensor %s in the program", name)
	}
	return t.ptr + driver.DevicePtr(4*at.offset), nil
}

// State copies parameters and optimizer state.
func (m *Machine) State() (*program.State, error) {
	s := new(program.State)
	if err := m.StateInto(s, true); err != nil {
		return nil, err
	}
	return s, nil
}

// StateInto copies them, or the parameters alone, into a state's memory.
func (m *Machine) StateInto(s *program.State, all bool) error {
	s.Fit(m.program, all)
	s.Step = m.step
	return m.gpu.Do("state", func() error {
		for name, t := range s.Tensors {
			from, err := m.tensors.address(name)
			if err != nil {
				return err
			}
			if err := gpu.Download(m.gpu, t.Data, from); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetState puts a state back.
func (m *Machine) SetState(s *program.State) error {
	if err := s.Check(m.program); err != nil {
		return fmt.Errorf("cuda: %w", err)
	}
	block := make([]float32, m.tensors.floats)
	for name, at := range m.tensors.at {
		copy(block[at.offset:], s.Tensors[name].Data)
	}
	if err := m.gpu.Do("set state", func() error { return gpu.Upload(m.gpu, m.tensors.ptr, block) }); err != nil {
		return err
	}
	m.step = s.Step
	return nil
}
