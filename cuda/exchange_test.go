//go:build !cpu

package cuda_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"aegis/cuda"
	"aegis/internal/vm"
)

// TestExchange doubles all gradients of SGD with momentum, which is to have the
// very numbers of twice the rate, and then fails in the seventh step.
func TestExchange(t *testing.T) {
	const images = 9
	for _, limit := range []int64{0, -1} {
		p, data := small(t, "momentum", images)
		var sizes []int
		failure := errors.New("no answer")
		m := open(t, p, data, cuda.Options{DataLimit: limit, Exchange: func(phase string, gradients []float32) error {
			if phase != p.Phases[0].Name {
				t.Errorf("phase %q, want %q", phase, p.Phases[0].Name)
			}
			sizes = append(sizes, len(gradients))
			for i := range gradients {
				gradients[i] *= 2
			}
			if len(sizes) == 7 {
				return failure
			}
			return nil
		}})
		_, got := trained(t, p, m, data, images)
		want := 0
		for _, param := range p.Params {
			want += (param.Size() + 15) / 16 * 16
		}
		if !slices.Equal(sizes, []int{want, want, want, want, want}) {
			t.Errorf("gradients of %v values, want %d in each of five steps", sizes, want)
		}
		twice, _ := small(t, "momentum", images)
		twice.Phases[0].Optimizer.LR *= 2
		_, reference := trained(t, twice, open(t, twice, data, cuda.Options{}), data, images)
		for _, param := range p.Params {
			if !slices.Equal(got.Tensors[param.Name].Data, reference.Tensors[param.Name].Data) {
				t.Errorf("%s is another than with twice the rate", param.Name)
			}
		}

		if err := m.Train(context.Background(), someSteps(p, 5, 4*p.Batch, images)); !errors.Is(err, failure) {
			t.Errorf("error %v, want %v", err, failure)
		}
		if state, err := m.State(); err != nil || state.Step != 6 {
			t.Errorf("step %d after a failure (%v), want 6", state.Step, err)
		}
		if err := errors.Join(m.SetState(got), m.Bind(vm.TrainSet, data)); err != nil {
			t.Fatal(err)
		}
		if err := m.Train(context.Background(), someSteps(p, 5, 2*p.Batch, images)); err != nil {
			t.Errorf("after a failure: %v", err)
		}
	}
}
