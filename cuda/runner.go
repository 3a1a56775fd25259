//go:build !cpu

package cuda

import (
	"context"
	"fmt"

	"aegis/internal/vm"
	"aegis/model/program"
)

// Runner runs the forward parts of a program on one GPU; it is a vm.Runner. The
// device has the parameters and one arena, and calls take turns.
type Runner struct {
	machine *Machine // without training; used in a turn only
	missing map[program.Part]error
	turn    chan struct{}
}

// OpenRunner prepares a program under the parameters that params gives. Parts
// that the program cannot build are errors when they are asked for.
func OpenRunner(p *program.Program, seed uint64, params vm.Params, opt Options) (*Runner, error) {
	lean := *p
	lean.Phases = nil
	r := &Runner{missing: make(map[program.Part]error), turn: make(chan struct{}, 1)}
	state := func() (*program.State, error) {
		s := &program.State{Tensors: make(map[string]program.Tensor, len(p.Params))}
		for _, spec := range p.Params {
			t, err := params(spec.Name, spec.Shape)
			if err != nil {
				return nil, fmt.Errorf("cuda: parameter %s: %w", spec.Name, err)
			}
			s.Tensors[spec.Name] = t
		}
		return s, nil
	}
	var err error
	if r.machine, err = openAs(&lean, seed, opt, state, r.compile); err != nil {
		return nil, err
	}
	return r, nil
}

// compile makes the plans of all parts that there are, for as many rows as fit
// in little memory.
func (r *Runner) compile(m *Machine) error {
	const busy, little = 512, 64 << 20 / 4 // floats
	for m.forwardRows = busy; ; m.forwardRows /= 2 {
		largest := 0
		for _, part := range vm.RunnerParts() {
			if _, err := m.program.Build(part, 1); err != nil {
				r.missing[part] = err
				continue
			}
			e, err := m.compileForward(part, PlanOptions())
			if err != nil {
				return err
			}
			m.parts[part], largest = e, max(largest, e.plan.Arena)
		}
		if largest <= little || m.forwardRows == 1 {
			m.makeQueue(tuning{})
			return nil
		}
	}
}

// Device names the GPU.
func (r *Runner) Device() string { return r.machine.Device() }

// VM returns "cuda".
func (r *Runner) VM() string { return r.machine.VM() }

// Memory returns what is allocated on the device.
func (r *Runner) Memory() Memory { return r.machine.Memory() }

// Infer runs a part on given values when its turn has come, and fills out.
func (r *Runner) Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error {
	if err := r.missing[part]; err != nil {
		return fmt.Errorf("cuda: part %s: %w", part, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turn }()
	return r.machine.Infer(ctx, part, in, out)
}

// Close waits for the device and frees everything.
func (r *Runner) Close() error { return r.machine.Close() }
