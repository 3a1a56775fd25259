// Package optim has the optimizers: what each is, and the reference update
// that every VM must match.
//
// An optimizer is one or more algorithms, of which a [Spec] chooses one; all
// that an algorithm needs beside the gradient and its slots travels in the
// scalars of a step, its constants too.
package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The optimizers.
const (
	// Adam is Kingma and Ba, "Adam: A Method for Stochastic Optimization"
	// (2015), algorithm 1 in the order of operations at the end of its section 2.
	Adam = "adam"
	// SGD is stochastic gradient descent with classical momentum as PyTorch has
	// it: u ← momentum·u + g; w ← w − lr·u.
	SGD = "sgd"
)

// Spec is an optimizer with its hyper-parameters.
type Spec struct {
	Kind     string  // Adam or SGD
	LR       float64 // learning rate, > 0
	Beta1    float64 // Adam: decay of the first moment, in [0, 1)
	Beta2    float64 // Adam: decay of the second moment, in [0, 1)
	Epsilon  float64 // Adam: added to the square root, > 0
	Momentum float64 // SGD: in [0, 1)

	Schedule Schedule // of the learning rate
}

// The algorithms, which are what VMs have kernels for: see [Spec.Algorithm].
const (
	AdamStep     = "adam"
	SGDStep      = "sgd"
	MomentumStep = "momentum"
)

// algorithm is one way to change parameters.
type algorithm struct {
	name    string
	kind    string   // the optimizer that it belongs to
	slots   []string // arrays that it keeps for each parameter
	scalars []string // names of its numbers of a step

	// values returns the numbers of step t, counted from 1, at a learning rate.
	values func(s Spec, t, lr float64) []float64

	// update changes w and slots in place, x being the numbers of the step.
	update func(w, g []float32, slots [][]float32, x []float32)
}

// algorithms are all of them.
var algorithms = []algorithm{
	{
		name: AdamStep, kind: Adam, slots: []string{"m", "v"},
		scalars: []string{"alpha", "epsilon", "beta1", "1-beta1", "beta2", "1-beta2"},
		values: func(s Spec, t, lr float64) []float64 {
			root := math.Sqrt(1 - math.Pow(s.Beta2, t))
			return []float64{lr * root / (1 - math.Pow(s.Beta1, t)), s.Epsilon * root, s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2}
		},
		update: func(w, g []float32, slots [][]float32, x []float32) {
			m, v := slots[0], slots[1]
			alpha, epsilon, b1, c1, b2, c2 := x[0], x[1], x[2], x[3], x[4], x[5]
			for i, gi := range g {
				m[i] = b1*m[i] + c1*gi
				v[i] = b2*v[i] + c2*gi*gi
				w[i] -= alpha * m[i] / (float32(math.Sqrt(float64(v[i]))) + epsilon)
			}
		},
	},
	{
		name: SGDStep, kind: SGD, scalars: []string{"lr"},
		values: func(_ Spec, _, lr float64) []float64 { return []float64{lr} },
		update: func(w, g []float32, _ [][]float32, x []float32) {
			for i, gi := range g {
				w[i] -= x[0] * gi
			}
		},
	},
	{
		name: MomentumStep, kind: SGD, slots: []string{"momentum"}, scalars: []string{"lr", "momentum"},
		values: func(s Spec, _, lr float64) []float64 { return []float64{lr, s.Momentum} },
		update: func(w, g []float32, slots [][]float32, x []float32) {
			u := slots[0]
			for i, gi := range g {
				u[i] = x[1]*u[i] + gi
				w[i] -= x[0] * u[i]
			}
		},
	},
}

// Kinds returns all optimizers.
func Kinds() []string {
	var list []string
	for _, a := range algorithms {
		if !slices.Contains(list, a.kind) {
			list = append(list, a.kind)
		}
	}
	return list
}

// Default returns a kind with the values that PyTorch gives it: Adam's betas
// 0.9 and 0.999 and epsilon 1e-8; no momentum for SGD.
func Default(kind string, lr float64) Spec {
	s := Spec{Kind: kind, LR: lr}
	if kind == Adam {
		s.Beta1, s.Beta2, s.Epsilon = 0.9, 0.999, 1e-8
	}
	return s
}

// Validate says what is wrong with a spec.
func (s Spec) Validate() error {
	if !slices.Contains(Kinds(), s.Kind) {
		return fmt.Errorf("optim: unknown optimizer %q; want %s", s.Kind, strings.Join(Kinds(), " or "))
	}
	if !(s.LR > 0) || math.IsInf(s.LR, 0) {
		return fmt.Errorf("optim: learning rate %v; want a finite number above 0", s.LR)
	}
	if err := s.Schedule.Validate(); err != nil {
		return err
	}
	if s.Schedule.BySteps() && s.Schedule.Steps < 1 {
		return fmt.Errorf("optim: schedule %s over %d steps; want how many steps training has", s.Schedule.Kind, s.Schedule.Steps)
	}
	for _, r := range []struct {
		name  string
		value float64
	}{{"momentum", s.Momentum}, {"beta1", s.Beta1}, {"beta2", s.Beta2}} {
		if !(r.value >= 0 && r.value < 1) {
			return fmt.Errorf("optim: %s %v; want a number in [0, 1)", r.name, r.value)
		}
	}
	if s.Kind == Adam && (!(s.Epsilon > 0) || math.IsInf(s.Epsilon, 0)) {
		return fmt.Errorf("optim: epsilon %v; want a finite number above 0", s.Epsilon)
	}
	if s.Kind == Adam && s.Momentum != 0 {
		return fmt.Errorf("optim: momentum %v with adam; it has beta1 for that, momentum is for sgd", s.Momentum)
	}
	return nil
}

// Algorithm names what a VM has to do: the kind itself, but for SGD with
// momentum, which keeps a slot. It is "" for an unknown kind.
func (s Spec) Algorithm() string {
	if s.Kind == SGD && s.Momentum != 0 {
		return MomentumStep
	}
	if i := slices.IndexFunc(algorithms, func(a algorithm) bool { return a.kind == s.Kind }); i >= 0 {
		return algorithms[i].name
	}
	return ""
}

// algorithm returns the algorithm, an empty one for an unknown kind.
func (s Spec) algorithm() algorithm {
	name := s.Algorithm()
	for _, a := range algorithms {
		if a.name == name {
			return a
		}
	}
	return algorithm{}
}

// Slots names the arrays that an optimizer keeps for each parameter, each of
// the parameter's size and zero at the start.
func (s Spec) Slots() []string { return slices.Clone(s.algorithm().slots) }

// ScalarNames names the numbers of a step in the order in which [Spec.Scalars]
// gives them: those that change from step to step, then the constants.
func (s Spec) ScalarNames() []string { return slices.Clone(s.algorithm().scalars) }

// Scalars returns the numbers of one step, counted from 0, at a learning rate,
// as [Spec.Rate] has it. For Adam the first two hold both bias corrections, so
// that an update needs no powers:
//
//	alpha   = lr · √(1−β₂ᵗ) / (1−β₁ᵗ)    t = step+1
//	epsilon = Epsilon · √(1−β₂ᵗ)
func (s Spec) Scalars(step int64, lr float64) []float32 {
	a := s.algorithm()
	if a.values == nil {
		return nil
	}
	values := make([]float32, len(a.scalars))
	for i, v := range a.values(s, float64(step+1), lr) {
		values[i] = float32(v)
	}
	return values
}

// Update applies one step to w in place: g is its gradient, slots are the
// arrays of [Spec.Slots], scalars the numbers of [Spec.Scalars]. All are as
// long as w. An unknown kind, which [Spec.Validate] refuses, makes w NaN.
//
//	Adam: m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − alpha·m/(√v + epsilon)
//	SGD:  u ← momentum·u + g;  w ← w − lr·u
func (s Spec) Update(w, g []float32, slots [][]float32, scalars []float32) {
	if a := s.algorithm(); a.update != nil {
		a.update(w, g, slots, scalars)
		return
	}
	for i := range w {
		w[i] = float32(math.NaN())
	}
}
