//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gpu"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// handOut stands among operations where the gradients of a phase leave the
// device and come back. It launches nothing.
type handOut struct{ phase *plan.Phase }

// Launches returns nothing.
func (handOut) Launches() ([]kernels.Launch, error) { return nil, nil }

// piece is recorded work: all of it, or what runs until the host takes part.
type piece struct {
	graph *gpu.Graph
	then  *plan.Phase // whose gradients are handed out behind it; nil: none
}

// capture records work, in pieces between which gradients are handed out.
func (m *Machine) capture(work []gpu.Operation) (pieces []piece, err error) {
	begin := 0
	for i, o := range append(work, handOut{}) {
		out, ok := o.(handOut)
		if !ok {
			continue
		}
		calls, err := m.modules.Calls(work[begin:i])
		if err != nil {
			return nil, gpu.First(err, m.discard(pieces))
		}
		graph, err := m.gpu.Capture(calls)
		if err != nil {
			return nil, gpu.First(err, m.discard(pieces))
		}
		pieces, begin = append(pieces, piece{graph: graph, then: out.phase}), i+1
	}
	return pieces, nil
}

// replay queues recorded work, and waits where gradients are handed out.
func (m *Machine) replay(pieces []piece) error {
	for _, p := range pieces {
		if err := m.gpu.Replay(p.graph); err != nil {
			return err
		}
		if p.then == nil {
			continue
		}
		span := p.then.Exchange
		at := m.train.arena + driver.DevicePtr(4*span.Offset)
		gradients := make([]float32, span.Size)
		if err := gpu.Download(m.gpu, gradients, at); err != nil {
			return err
		}
		if err := m.exchange(p.then.Name, gradients); err != nil {
			return fmt.Errorf("cuda: exchange of the gradients of %s: %w", p.then.Name, err)
		}
		if err := gpu.Upload(m.gpu, at, gradients); err != nil {
			return err
		}
	}
	return nil
}

// discard frees recorded work.
func (m *Machine) discard(pieces []piece) error {
	var errs []error
	for _, p := range pieces {
		errs = append(errs, m.gpu.Discard(p.graph))
	}
	return gpu.First(errs...)
}
