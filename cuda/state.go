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
	block := make([]float32, m.tensors.floats)
	err := m.gpu.Do("state", func() error { return gpu.Download(m.gpu, block, m.tensors.ptr) })
	if err != nil {
		return nil, err
	}
	s := &program.State{Step: m.step, Tensors: make(map[string]program.Tensor, len(m.tensors.order))}
	for name, at := range m.tensors.at {
		data := block[at.offset:][:program.Size(at.shape)]
		s.Tensors[name] = program.Tensor{Shape: slices.Clone(at.shape), Data: slices.Clone(data)}
	}
	return s, nil
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
