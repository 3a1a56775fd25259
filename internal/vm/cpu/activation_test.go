package cpu

import (
	"math"
	"testing"

	"aegis/internal/vm/cpu/kernel"
	"aegis/model/op"
	"aegis/model/optim"
)

// Every function of package op has a kernel, which gives what the formula
// does; what is none is an error.
func TestKernelsOfActivations(t *testing.T) {
	z := []float32{-3, -0.5, 0, 0.25, 2}
	for _, kind := range op.Kinds() {
		a, err := op.ParseActivation(string(kind))
		if err != nil {
			t.Fatal(err)
		}
		act, err := newActivation(a)
		if err != nil || act.none != (kind == op.Identity) {
			t.Errorf("%s: %+v, error %v", kind, act, err)
		}
		if act.none || err != nil {
			continue
		}
		for _, k := range kernel.Sets() {
			y, dz, g := make([]float32, len(z)), make([]float32, len(z)), []float32{1, 1, 1, 1, 1}
			k.Act(act.kind, y, z, act.alpha)
			from := y
			if a.FromInput() {
				from = z
			}
			k.ActGrad(act.kind, dz, g, from, act.alpha)
			for i := range z {
				if want := a.Value(float64(z[i])); math.Abs(float64(y[i])-want) > 1e-6 {
					t.Errorf("%s: %s(%v) = %v, want %v", k.Name, a, z[i], y[i], want)
				}
				if want := a.Slope(float64(from[i])); math.Abs(float64(dz[i])-want) > 1e-6 {
					t.Errorf("%s: slope of %s at %v = %v, want %v", k.Name, a, z[i], dz[i], want)
				}
			}
		}
	}
	if _, err := newActivation(op.Activation{Kind: "swish"}); err == nil {
		t.Error("an unknown activation has a kernel")
	}
}

func TestKernelsOfLosses(t *testing.T) {
	pred, target := []float32{0.1, 0.5, 0.9}, []float32{0.4, 0.5, 0}
	for _, kind := range op.LossKinds() {
		l := op.Loss{Kind: kind}
		if kind == op.Huber || kind == op.Gaussian {
			l.Delta = 0.4
		}
		for _, k := range kernel.Sets() {
			f, factor, err := lossKernel(k, l)
			if err != nil {
				t.Fatal(err)
			}
			slope, want := make([]float32, len(pred)), 0.0
			got := f(slope, pred, target, float32(factor))
			for i := range pred {
				v, d := l.At(float64(pred[i]), float64(target[i]))
				want += v
				if math.Abs(float64(slope[i])-d) > 2e-6 {
					t.Errorf("%s: slope of %s at %v = %v, want %v", k.Name, l, pred[i], slope[i], d)
				}
			}
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: %s = %v, want %v", k.Name, l, got, want)
			}
		}
	}
	if _, _, err := lossKernel(kernel.Sets()[0], op.Loss{Kind: "hinge"}); err == nil {
		t.Error("an unknown loss has a kernel")
	}
}

func TestUnknownOptimizerHasNoKernel(t *testing.T) {
	if _, err := kernel.Sets()[0].Update(optim.Spec{Kind: "lion"}.Algorithm()); err == nil {
		t.Error("an unknown optimizer has a kernel")
	}
}
