//go:build !cpu

package cuda

import (
	"errors"

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

// record prepares the work of one step and of a graph of several, on images
// at an address. The kernels run once before, over no rows: a driver may load
// them only when they are first launched, and must not do so in a capture.
func (m *Machine) record(images driver.DevicePtr) error {
	if len(m.records) > 0 {
		return nil
	}
	one, err := m.training(1, images)
	if err != nil {
		return err
	}
	q := m.queue
	nothing := kernels.RunBlock(0, 0, uint32(m.program.Batch), 0)
	if err := upload(m.gpu, q.at(q.run, 0), words(&nothing)); err != nil {
		return err
	}
	if err := m.gpu.queue(one); err != nil {
		return err
	}
	several, err := m.training(q.graph, images)
	if err != nil {
		return err
	}
	for steps, calls := range map[int][]call{1: one, q.graph: several} {
		graph, err := m.gpu.capture(calls)
		switch {
		case errors.Is(err, driver.ErrNotSupported):
			m.records[steps] = &recorded{calls: calls}
		case err != nil:
			return err
		default:
			m.records[steps] = &recorded{graph: graph}
		}
	}
	return nil
}

// training returns the launches of some training steps.
func (m *Machine) training(steps int, images driver.DevicePtr) ([]call, error) {
	q := m.queue
	list := []operation{kernels.Advance{Run: q.at(q.run, 0), Blocks: q.at(q.blocks, 0), Count: steps}}
	from := source{images: images, numbers: q.at(q.rows, 0)}
	for i := range steps {
		ops, err := m.train.build(q.at(q.blocks, i*kernels.StepSize/4), from)
		if err != nil {
			return nil, err
		}
		list = append(list, ops...)
	}
	return m.library.calls(list)
}

// capture makes a graph of calls.
func (g *gpu) capture(calls []call) (driver.GraphExec, error) {
	if err := g.BeginCapture(g.stream); err != nil {
		return 0, err
	}
	queued := g.queue(calls)
	graph, err := g.EndCapture(g.stream)
	if queued != nil || err != nil {
		return 0, errors.Join(queued, err)
	}
	exec, err := g.Instantiate(graph)
	return exec, errors.Join(err, g.DestroyGraph(graph))
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
