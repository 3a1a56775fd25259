package vmtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model"
	"aegis/model/program"
)

// Exchanging opens a VM that hands its gradients out; to nil it hands none.
type Exchanging func(exchange func(phase string, gradients []float32) error) Open

// Exchange holds a VM that hands gradients out to the numbers of twice the rate
// where all are doubled, has it fail in the middle of a training, and clip what
// comes back.
func Exchange(t *testing.T, open Exchanging) {
	spec := Networks()["momentum"]
	pixels := make([]byte, 9*spec.Image[0]*spec.Image[1]*spec.Image[2])
	for i := range pixels {
		pixels[i] = byte(37 * i)
	}
	clippedExchange(t, open, spec, pixels)
	failure := errors.New("no answer")
	var sizes []int
	p, m := machine(t, open(func(phase string, gradients []float32) error {
		if phase != "train" {
			t.Errorf("phase %q", phase)
		}
		sizes = append(sizes, len(gradients))
		for i := range gradients {
			gradients[i] *= 2
		}
		if len(sizes) == 7 {
			return failure
		}
		return nil
	}), spec, pixels)
	rows := slices.Repeat(train.Rows(9), 8)[:5*p.Batch-1]
	steps(t, p, m, 0, rows)
	want := 0
	for _, param := range p.Params {
		want += (param.Size() + 15) / 16 * 16
	}
	if !slices.Equal(sizes, slices.Repeat([]int{want}, 5)) {
		t.Errorf("gradients of %v values, want %d in each of five steps", sizes, want)
	}
	got := state(t, m)

	twice := spec
	twice.LR *= 2
	q, reference := machine(t, open(nil), twice, pixels)
	steps(t, q, reference, 0, rows)
	for _, param := range p.Params {
		if !slices.Equal(got.Tensors[param.Name].Data, state(t, reference).Tensors[param.Name].Data) {
			t.Errorf("%s is another than with twice the rate", param.Name)
		}
	}

	if _, err := m.Evaluate(context.Background(), vm.TrainSet, rows); err != nil || len(sizes) != 5 {
		t.Errorf("error %v and %d exchanges after an evaluation, want none and 5", err, len(sizes))
	}
	s := program.Steps{First: 5, Rows: rows}
	for i := range s.Count(p.Batch) {
		s.Scalars = p.StepScalars(s.Scalars, 5+int64(i), 1)
	}
	if err := m.Train(context.Background(), s); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if step := state(t, m).Step; step != 6 {
		t.Errorf("step %d after a failure in the seventh, want 6", step)
	}
	if err := m.SetState(got); err != nil {
		t.Fatal(err)
	}
	if err := m.Train(context.Background(), s); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

// clippedExchange doubles gradients whose norm is bounded far below theirs: what
// is left of them is as without, for the bound is on what comes back.
func clippedExchange(t *testing.T, open Exchanging, spec model.Spec, pixels []byte) {
	t.Helper()
	spec.ClipNorm = 0.01
	rows := train.Rows(9)
	double := func(_ string, gradients []float32) error {
		for i := range gradients {
			gradients[i] *= 2
		}
		return nil
	}
	p, m := machine(t, open(double), spec, pixels)
	_, reference := machine(t, open(nil), spec, pixels)
	before := state(t, m)
	steps(t, p, m, 0, rows)
	steps(t, p, reference, 0, rows)
	got, want := state(t, m), state(t, reference)
	for _, param := range p.Params {
		moved := func(after *program.State) []float64 {
			by := widen(after.Tensors[param.Name].Data)
			for i, v := range before.Tensors[param.Name].Data {
				by[i] -= float64(v)
			}
			return by
		}
		numtest.Close(t, "clipped step of "+param.Name, moved(got), moved(want), 1e-2)
	}
}
