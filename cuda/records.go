//go:build !cpu

package cuda

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
)

// recorded is the work of some training steps: a graph, or where the driver
// has none the launches one by one.
type recorded struct {
	calls []call
	graph driver.GraphExec
}

// launch queues training steps that were recorded.
func (m *Machine) launch(steps int) error {
	r := m.records[steps]
	if r.graph != 0 {
		return m.gpu.LaunchGraph(r.graph, m.gpu.stream)
	}
	return m.gpu.queue(r.calls)
}

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
	graph, err := m.gpu.capture(calls)
	switch {
	case errors.Is(err, driver.ErrNotSupported):
		m.records[steps] = &recorded{calls: calls}
	case errors.Is(err, driver.OutOfMemory):
		return fmt.Errorf("cuda: out of memory on GPU %d, %s: want a graph of %d training steps there; free some memory or keep fewer images on the device: %w",
			m.gpu.info.Number, m.gpu.info.Name, steps, err)
	case err != nil:
		return err
	default:
		m.records[steps] = &recorded{graph: graph}
	}
	return nil
}

// rehearse queues a step without rows, which changes nothing.
func (m *Machine) rehearse(images driver.DevicePtr) error {
	calls, err := m.training(1, images)
	if err != nil {
		return err
	}
	nothing := kernels.RunBlock(0, 0, uint32(m.program.Batch), 0)
	if err := upload(m.gpu, m.queue.at(m.queue.run, 0), words(&nothing)); err != nil {
		return err
	}
	return m.gpu.queue(calls)
}

// training returns the launches of some training steps.
func (m *Machine) training(steps int, images driver.DevicePtr) ([]call, error) {
	q := m.queue
	list := []operation{kernels.Advance{Run: q.at(q.run, 0), Blocks: q.at(q.blocks, 0), Count: steps}}
	from := source{rows: images, numbers: q.at(q.rows, 0), floats: m.sets[trainSet].floats()}
	for i := range steps {
		ops, err := m.train.build(q.at(q.blocks, i*kernels.StepSize/4), from)
		if err != nil {
			return nil, err
		}
		list = append(list, ops...)
	}
	return m.library.calls(list)
}

// capture makes a graph of calls. Where it fails, nothing is left of it.
func (g *gpu) capture(calls []call) (driver.GraphExec, error) {
	if err := g.BeginCapture(g.stream); err != nil {
		return 0, err
	}
	err := g.queue(calls)
	graph, ended := g.EndCapture(g.stream)
	if ended != nil {
		return 0, first([]error{err, ended})
	}
	var exec driver.GraphExec
	if err == nil {
		exec, err = g.Instantiate(graph)
	}
	return exec, first([]error{err, g.DestroyGraph(graph)})
}

// dropRecords forgets all recorded work, when what it reads moves.
func (m *Machine) dropRecords() error {
	var errs []error
	for _, r := range m.records {
		if r.graph != 0 {
			errs = append(errs, m.gpu.DestroyGraphExec(r.graph))
		}
	}
	clear(m.records)
	return first(errs)
}
