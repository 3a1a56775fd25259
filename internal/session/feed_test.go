package session

import (
	"context"
	"errors"
	"testing"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/train"
	"aegis/internal/vm"
	"aegis/model/optim"
	"aegis/model/program"
)

// steady opens a network whose parameters stay what they are, on both sets.
func steady(t *testing.T, cfg Config, trained, tested data.Rows) vm.Trainer {
	t.Helper()
	cfg.Optimizer, cfg.LR, cfg.Batch = optim.SGD, 1e-30, trained.N
	p, err := cfg.Program()
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := openCPU(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if err := errors.Join(m.Bind(vm.TrainSet, trained), m.Bind(vm.TestSet, tested)); err != nil {
		t.Fatal(err)
	}
	return m
}

// losses are those of two steps over all rows, and of two looks at the test set.
func losses(t *testing.T, m vm.Trainer, trained, tested int) (steps, looks []float64) {
	t.Helper()
	for step := range int64(2) {
		if err := m.Train(context.Background(), program.Steps{First: step, Rows: train.Rows(trained), Scalars: []float32{1e-30}}); err != nil {
			t.Fatal(err)
		}
		look, err := m.Evaluate(context.Background(), vm.TestSet, train.Rows(tested))
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, look...)
	}
	all, err := m.Losses()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		steps = append(steps, float64(v))
	}
	return steps, looks
}

// A network that draws its values has the losses of one that is given what
// pictures show as drawn, at each look: of the test set always, of the training
// set where it is static; else each step draws anew.
func TestBinarize(t *testing.T) {
	ds := blobs(40, 30, 8, 6)
	for _, how := range []string{"static", "dynamic"} {
		t.Run(how, func(t *testing.T) {
			cfg := config(t, "fc64")
			cfg.Image, cfg.Loss, cfg.Binarize = [3]int{1, 8, 6}, "bce", how
			p, err := cfg.Program()
			if err != nil {
				t.Fatal(err)
			}
			tr := &trainer{cfg: cfg, program: p}
			drawn := func(set string, from data.Set) data.Rows {
				rows := data.Rows{N: from.N, Shape: from.Shape, Bytes: make([]byte, len(from.Bytes))}
				values := tr.feed(shown{set: set, from: from}, train.Rows(from.N)).Values
				ones := 0
				for i, v := range values {
					if v != 0 && v != 1 {
						t.Fatalf("a value was drawn as %v", v)
					}
					rows.Bytes[i] = 255 * byte(v)
					ones += int(v)
				}
				if share := float64(ones) / float64(len(values)); share < 0.01 || share > 0.99 {
					t.Fatalf("%v of the values are 1", share)
				}
				return rows
			}
			steps, looks := losses(t, steady(t, cfg, ds.Train.Rows, ds.Test.Rows), ds.Train.N, ds.Test.N)
			plain := cfg
			plain.Binarize = ""
			wantSteps, wantLooks := losses(t, steady(t, plain, drawn(vm.TrainSet, ds.Train), drawn(vm.TestSet, ds.Test)), ds.Train.N, ds.Test.N)
			numtest.Close(t, "evaluation", looks, wantLooks, 1e-6)
			if how == "static" {
				numtest.Close(t, "steps", steps, wantSteps, 1e-6)
			} else if steps[0] == steps[1] || steps[0] == wantSteps[0] {
				t.Errorf("losses %v of steps that draw anew; of rows that stay %v", steps, wantSteps)
			}
		})
	}
}
