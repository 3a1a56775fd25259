package optim

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// trajectory runs the textbook update in float64, bias corrections and all.
func trajectory(s Spec, w float64, grads []float64) float64 {
	var m, v float64
	for i, g := range grads {
		t := float64(i + 1)
		if s.Kind == SGD {
			m = s.Momentum*m + g
			w -= s.LR * m
			continue
		}
		m = s.Beta1*m + (1-s.Beta1)*g
		v = s.Beta2*v + (1-s.Beta2)*g*g
		mHat, vHat := m/(1-math.Pow(s.Beta1, t)), v/(1-math.Pow(s.Beta2, t))
		w -= s.LR * mHat / (math.Sqrt(vHat) + s.Epsilon)
	}
	return w
}

func TestUpdateFollowsTheTextbook(t *testing.T) {
	momentum := Default(SGD, 0.05)
	momentum.Momentum = 0.9
	for name, s := range map[string]Spec{
		"adam": Default(Adam, 1e-2), "adam 0.5": {Kind: Adam, LR: 2e-4, Beta1: 0.5, Beta2: 0.999, Epsilon: 1e-8},
		"sgd": Default(SGD, 0.05), "momentum": momentum,
	} {
		t.Run(name, func(t *testing.T) {
			const steps = 50
			starts := []float64{0.3, -2, 0, 1e-3}
			w := make([]float32, len(starts))
			grads := make([][]float64, len(starts))
			for i, v := range starts {
				w[i] = float32(v)
				for step := range steps {
					grads[i] = append(grads[i], math.Sin(float64(7*i+step))*math.Pow(10, float64(-2*i)))
				}
			}
			slots := make([][]float32, len(s.Slots()))
			for i := range slots {
				slots[i] = make([]float32, len(w))
			}
			for step := range steps {
				g := make([]float32, len(w))
				for i := range g {
					g[i] = float32(grads[i][step])
				}
				s.Update(w, g, slots, s.Scalars(int64(step), s.LR))
			}
			for i, start := range starts {
				want := trajectory(s, start, grads[i])
				if math.Abs(float64(w[i])-want) > 2e-6*(1+math.Abs(want)) {
					t.Errorf("parameter %d after %d steps = %v, want %v", i, steps, w[i], want)
				}
			}
		})
	}
}

func TestNaNGradientReachesTheParameter(t *testing.T) {
	s := Default(Adam, 1e-3)
	w, slots := []float32{1}, [][]float32{{0}, {0}}
	s.Update(w, []float32{float32(math.NaN())}, slots, s.Scalars(0, s.LR))
	if w[0] == w[0] {
		t.Errorf("w = %v after a NaN gradient, want NaN", w[0])
	}
}

// A VM finds all that an algorithm needs in the scalars, to the bits of the
// spec's constants.
func TestConstantsTravelInTheScalars(t *testing.T) {
	momentum := Default(SGD, 0.05)
	momentum.Momentum = 0.9
	for _, c := range []struct {
		spec Spec
		want map[string]float64
	}{
		{Default(Adam, 1e-3), map[string]float64{"beta1": 0.9, "1-beta1": 1 - 0.9, "beta2": 0.999, "1-beta2": 1 - 0.999}},
		{Default(SGD, 0.5), map[string]float64{"lr": 0.5}},
		{momentum, map[string]float64{"lr": 0.05, "momentum": 0.9}},
	} {
		names, values := c.spec.ScalarNames(), c.spec.Scalars(3, c.spec.LR)
		if len(names) != len(values) {
			t.Fatalf("%s: %d names of %d scalars", c.spec.Algorithm(), len(names), len(values))
		}
		for name, want := range c.want {
			if i := slices.Index(names, name); i < 0 || values[i] != float32(want) {
				t.Errorf("%s: %s is not %v among %v %v", c.spec.Algorithm(), name, want, names, values)
			}
		}
	}
}

func TestUnknownOptimizer(t *testing.T) {
	s := Spec{Kind: "lion", LR: 1}
	w := []float32{1, 2}
	s.Update(w, []float32{0, 0}, nil, s.Scalars(0, 1))
	if s.Algorithm() != "" || s.Slots() != nil || s.ScalarNames() != nil || w[0] == w[0] || w[1] == w[1] {
		t.Errorf("algorithm %q, slots %v, scalars %v, w %v; want none and NaN", s.Algorithm(), s.Slots(), s.ScalarNames(), w)
	}
}

func TestValidate(t *testing.T) {
	cases := []struct {
		name string
		spec Spec
		want string // part of the error; empty: valid
	}{
		{name: "adam", spec: Default(Adam, 1e-3)},
		{name: "sgd", spec: Default(SGD, 1e-3)},
		{name: "unknown", spec: Spec{Kind: "lion", LR: 1}, want: `unknown optimizer "lion"`},
		{name: "negative rate", spec: Default(Adam, -1), want: "learning rate -1"},
		{name: "NaN rate", spec: Default(Adam, math.NaN()), want: "learning rate NaN"},
		{name: "infinite rate", spec: Default(SGD, math.Inf(1)), want: "learning rate +Inf"},
		{name: "momentum 1", spec: Spec{Kind: SGD, LR: 1, Momentum: 1}, want: "momentum 1"},
		{name: "momentum with adam", spec: Spec{Kind: Adam, LR: 1, Epsilon: 1, Momentum: 0.5}, want: "with adam"},
		{name: "cosine", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: Cosine, Steps: 1}}},
		{name: "unknown schedule", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: "sawtooth"}}, want: `unknown schedule "sawtooth"; want constant or cosine`},
		{name: "cosine over nothing", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: Cosine}}, want: "cosine over 0 steps"},
		{name: "epsilon 0", spec: Spec{Kind: Adam, LR: 1}, want: "epsilon 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.spec.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate() = %v, want %q", err, c.want)
			}
		})
	}
}
