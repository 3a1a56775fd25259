package tape

import (
	"context"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"aegis/internal/vm"
	"aegis/model/program"
)

// Runner runs the forward parts of a program; it is a vm.Runner. Its calls take
// turns.
type Runner struct {
	machine *Machine // without phases; used in a turn only
	turn    chan struct{}
}

// OpenRunner prepares a program under the parameters that params gives.
func OpenRunner(p *program.Program, seed uint64, params vm.Params) (*Runner, error) {
	m := newMachine(p, seed)
	for _, spec := range p.Params {
		t, err := params(spec.Name, spec.Shape)
		if err != nil {
			return nil, fmt.Errorf("tape: parameter %s: %w", spec.Name, err)
		}
		m.tensors[spec.Name] = tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(slices.Clone(t.Data)))
	}
	return &Runner{machine: m, turn: make(chan struct{}, 1)}, nil
}

// Device names the reference.
func (r *Runner) Device() string { return r.machine.Device() }

// VM returns "tape".
func (r *Runner) VM() string { return r.machine.VM() }

// Infer runs a part on given values when its turn has come, and fills out.
func (r *Runner) Infer(ctx context.Context, part program.Part, in program.Feed, out []float32) error {
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

// Close releases the machines.
func (r *Runner) Close() error { return r.machine.Close() }
