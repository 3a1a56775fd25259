package cpu_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/internal/vm/cpu"
	"aegis/internal/vm/vmtest"
	"aegis/model/optim"
	"aegis/model/program"
)

// trained is the state after some steps of a small network of SGD.
func trained(t *testing.T, rate float64, exchange func(string, []float32) error) (*program.State, error) {
	t.Helper()
	spec := vmtest.Networks()["colour"]
	spec.Optimizer, spec.LR = optim.SGD, rate
	p, err := spec.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, err := cpu.Open(p, 1, cpu.Options{Threads: 2, Exchange: exchange})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	rows := 2*p.Batch + 1
	pixels := make([]byte, rows*p.PixelCount())
	for i := range pixels {
		pixels[i] = byte(37 * i)
	}
	if err := m.Bind(vm.TrainSet, vmtest.Rows(p, pixels)); err != nil {
		t.Fatal(err)
	}
	s := program.Steps{Rows: train.Rows(rows)}
	for i := range s.Count(p.Batch) {
		s.Scalars = p.StepScalars(s.Scalars, int64(i))
	}
	failed := m.Train(context.Background(), s)
	state, err := m.State()
	if err != nil {
		t.Fatal(err)
	}
	return state, failed
}

// What an exchange makes of the gradients is what the optimizer applies: a
// quarter of them at a rate of one is a rate of a quarter, to the bit.
func TestExchange(t *testing.T) {
	want, err := trained(t, 0.25, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls, size := 0, 0
	got, err := trained(t, 1, func(phase string, gradients []float32) error {
		if phase != "train" {
			t.Errorf("phase %q", phase)
		}
		calls, size = calls+1, len(gradients)
		for i := range gradients {
			gradients[i] /= 4
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	params := 0
	for name, tensor := range want.Tensors {
		params += (len(tensor.Data) + 15) / 16 * 16
		if !slices.Equal(got.Tensors[name].Data, tensor.Data) {
			t.Errorf("%s differs", name)
		}
	}
	if calls != 3 || size != params {
		t.Errorf("%d calls with %d values, want 3 with %d", calls, size, params)
	}
}

// Where an exchange fails nothing is applied.
func TestExchangeFails(t *testing.T) {
	lost := errors.New("a neighbour is lost")
	calls := 0
	state, err := trained(t, 1, func(string, []float32) error {
		if calls++; calls == 2 {
			return lost
		}
		return nil
	})
	if !errors.Is(err, lost) || state.Step != 1 || calls != 2 {
		t.Errorf("error %v after %d steps and %d calls, want %v after 1 and 2", err, state.Step, calls, lost)
	}
}
