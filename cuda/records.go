//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
)

// record prepares the work of so many steps, on images at an address, where
// it is not there yet. Before the first, the kernels run once over no rows: a
// driver may load them only when they are first launched, and must not do so
// in a capture.
func (m *Machine) record(steps int, images driver.DevicePtr) error {
	if m.records[steps] != nil {
		return nil
	}
	if len(m.records) == 0 {
		if err := m.rehearse(images); err != nil {
			return err
		}
	}
	calls, err := m.training(steps, images)
	if err != nil {
		return err
	}
	graph, err := m.gpu.Capture(calls)
	if err != nil {
		return m.gpu.OutOfMemory(err, fmt.Sprintf(
			"want a graph of %d training steps there; free some memory or keep fewer images on the device", steps))
	}
	m.records[steps] = graph
	return nil
}

// rehearse queues a step without rows, which changes nothing.
func (m *Machine) rehearse(images driver.DevicePtr) error {
	calls, err := m.training(1, images)
	if err != nil {
		return err
	}
	nothing := kernels.RunBlock(0, 0, uint32(m.program.Batch), 0)
	if err := gpu.Upload(m.gpu, m.queue.at(m.queue.run, 0), nothing[:]); err != nil {
		return err
	}
	return m.gpu.Queue(calls)
}

// training returns the launches of some training steps.
func (m *Machine) training(steps int, images driver.DevicePtr) ([]gpu.Call, error) {
	q := m.queue
	list := []gpu.Operation{kernels.Advance{Run: q.at(q.run, 0), Blocks: q.at(q.blocks, 0), Count: steps}}
	from := source{rows: images, numbers: q.at(q.rows, 0), floats: m.sets[trainSet].floats()}
	for i := range steps {
		ops, err := m.train.build(q.at(q.blocks, i*kernels.StepSize/4), from)
		if err != nil {
			return nil, err
		}
		list = append(list, ops...)
	}
	return m.modules.Calls(list)
}

// dropRecords forgets all recorded work, when what it reads moves.
func (m *Machine) dropRecords() error {
	var errs []error
	for _, g := range m.records {
		errs = append(errs, m.gpu.Discard(g))
	}
	clear(m.records)
	return gpu.First(errs...)
}
