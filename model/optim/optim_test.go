package optim

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// named is a case of a golden file, of scripts/golden_optim.py.
type named struct {
	Name   string
	Config struct {
		Optimizer, Schedule   string
		LR                    float64
		Beta1, Beta2, Epsilon float64
		Momentum              float64
		Nesterov              bool
		Smoothing             float64 `json:"rmsprop_alpha"`
		WeightDecay           float64 `json:"weight_decay"`
		Warmup                int64
	}
	Start, Want, Losses []float64
	Steps, Epoch        int64
	Best                float64
	Bad                 int
}

// spec is the case's optimizer.
func (n named) spec(t *testing.T) Spec {
	t.Helper()
	c := n.Config
	s := Default(c.Optimizer, c.LR)
	s.Beta1, s.Beta2 = cmp.Or(c.Beta1, s.Beta1), cmp.Or(c.Beta2, s.Beta2)
	s.Epsilon, s.Smoothing = cmp.Or(c.Epsilon, s.Epsilon), cmp.Or(c.Smoothing, s.Smoothing)
	s.Momentum, s.Nesterov, s.WeightDecay = c.Momentum, c.Nesterov, c.WeightDecay
	if c.Schedule != "" {
		var err error
		if s.Schedule, err = ParseSchedule(c.Schedule); err != nil {
			t.Fatal(err)
		}
		s.Schedule.Steps, s.Schedule.Epoch, s.Schedule.Warmup = n.Steps, n.Epoch, c.Warmup
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// golden reads one list of the golden file.
func golden(t *testing.T, list string) []named {
	t.Helper()
	text, err := os.ReadFile("testdata/optim.json")
	if err != nil {
		t.Fatal(err)
	}
	var lists map[string][]named
	if err := json.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	if len(lists[list]) == 0 {
		t.Fatalf("no %s in the golden file", list)
	}
	return lists[list]
}

// TestUpdate holds every algorithm to fifty steps of PyTorch in float64, under
// gradients of very different sizes.
func TestUpdate(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range golden(t, "updates") {
		t.Run(c.Name, func(t *testing.T) {
			s := c.spec(t)
			seen[s.Algorithm()] = true
			w, slots := make([]float32, len(c.Start)), make([][]float32, len(s.Slots()))
			for i, v := range c.Start {
				w[i] = float32(v)
			}
			for i := range slots {
				slots[i] = make([]float32, len(w))
			}
			for step := range c.Steps {
				g := make([]float32, len(w))
				for i := range g {
					g[i] = float32(math.Sin(float64(7*int64(i)+step)) * math.Pow(100, float64(-i)))
				}
				s.Update(w, g, slots, s.Scalars(step, s.LR))
			}
			for i, want := range c.Want {
				if math.Abs(float64(w[i])-want) > 2e-6*(1+math.Abs(want)) {
					t.Errorf("parameter %d after %d steps = %v, want %v", i, c.Steps, w[i], want)
				}
			}
		})
	}
	for _, a := range algorithms {
		if !seen[a.name] {
			t.Errorf("no case of %s", a.name)
		}
	}
}

func TestNaNGradientReachesTheParameter(t *testing.T) {
	for _, c := range golden(t, "updates") {
		s := c.spec(t)
		w, slots := []float32{1}, make([][]float32, len(s.Slots()))
		for i := range slots {
			slots[i] = []float32{0}
		}
		s.Update(w, []float32{float32(math.NaN())}, slots, s.Scalars(0, s.LR))
		if w[0] == w[0] {
			t.Errorf("%s: w = %v after a NaN gradient, want NaN", c.Name, w[0])
		}
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
		{decaying(Default(AdamW, 0.5)), map[string]float64{"keep": 1 - 0.5*0.01, "decay": 0}},
		{decaying(Default(Adam, 0.5)), map[string]float64{"keep": 1, "decay": 0.01}},
		{decaying(Default(SGD, 0.5)), map[string]float64{"lr": 0.5, "keep": 1 - 0.5*0.01}},
		{decaying(momentum), map[string]float64{"ahead": 0, "along": 0.05, "decay": 0.01}},
		{decaying(Default(RMSprop, 0.5)), map[string]float64{"lr": 0.5, "smoothing": 0.99, "1-smoothing": 1 - 0.99, "decay": 0.01}},
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

func decaying(s Spec) Spec {
	s.WeightDecay = 0.01
	return s
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
		{name: "unknown schedule", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: "sawtooth"}}, want: `unknown schedule "sawtooth"; want one of constant, step, cosine`},
		{name: "cosine over nothing", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: Cosine}}, want: "cosine over 0 steps"},
		{name: "epsilon 0", spec: Spec{Kind: Adam, LR: 1}, want: "epsilon 0"},
		{name: "epsilon of rmsprop", spec: Spec{Kind: RMSprop, LR: 1, Epsilon: 1e-20}, want: "epsilon 1e-20; want a number from 1e-12"},
		{name: "adamw", spec: decaying(Default(AdamW, 1e-3))},
		{name: "rmsprop", spec: decaying(Default(RMSprop, 1e-3))},
		{name: "epsilon with sgd", spec: Spec{Kind: SGD, LR: 1, Epsilon: 1}, want: "it is adam's and adamw's and rmsprop's"},
		{name: "beta1 with rmsprop", spec: Spec{Kind: RMSprop, LR: 1, Epsilon: 1, Beta1: 0.5}, want: "beta1 0.5 with rmsprop; it is adam's"},
		{name: "smoothing with adam", spec: Spec{Kind: Adam, LR: 1, Epsilon: 1, Smoothing: 0.5}, want: "smoothing 0.5 with adam; it is rmsprop's"},
		{name: "nesterov with rmsprop", spec: Spec{Kind: RMSprop, LR: 1, Epsilon: 1, Nesterov: true, Momentum: 0.5}, want: "nesterov with rmsprop; it is sgd's"},
		{name: "nesterov alone", spec: Spec{Kind: SGD, LR: 1, Nesterov: true}, want: "nesterov without momentum"},
		{name: "negative decay", spec: Spec{Kind: SGD, LR: 1, WeightDecay: -1}, want: "weight decay -1"},
		{name: "NaN decay", spec: Spec{Kind: SGD, LR: 1, WeightDecay: math.NaN()}, want: "weight decay NaN"},
		{name: "warm-up of all", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: Linear, Steps: 5, Warmup: 5}}, want: "warm-up of 5 steps before schedule linear, and training has 5"},
		{name: "warm-up alone", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Warmup: 5}}},
		{name: "negative warm-up", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Warmup: -1}}, want: "schedule constant: warm-up of -1"},
		{name: "steps by epochs", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: StepDecay, Every: 2, Gamma: 0.5}}, want: "epochs of 0 steps"},
		{name: "no factor", spec: Spec{Kind: SGD, LR: 1, Schedule: Schedule{Kind: OnPlateau}}, want: "schedule plateau: factor 0"},
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
