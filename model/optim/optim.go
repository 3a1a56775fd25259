// Package optim has the optimizers: what each is, and the reference update
// that every VM must match; and the schedules of the learning rate.
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
	// AdamW is Adam with the weight decay of Loshchilov and Hutter, "Decoupled
	// Weight Decay Regularization" (2019): it shrinks a parameter by itself and
	// no moment has it.
	AdamW = "adamw"
	// SGD is stochastic gradient descent with classical momentum as PyTorch has
	// it: u ← momentum·u + g; w ← w − lr·u. With Nesterov's, w ← w − lr·(g +
	// momentum·u).
	SGD = "sgd"
	// RMSprop is Tieleman and Hinton's as PyTorch has it, whose root is taken
	// before epsilon is added; the mean of gradients is not taken away.
	RMSprop = "rmsprop"
)

// Spec is an optimizer with its hyper-parameters.
type Spec struct {
	Kind      string  // one of Kinds
	LR        float64 // learning rate, > 0
	Beta1     float64 // Adam and AdamW: decay of the first moment, in [0, 1)
	Beta2     float64 // Adam and AdamW: decay of the second moment, in [0, 1)
	Epsilon   float64 // all but SGD: added to the square root
	Momentum  float64 // SGD and RMSprop: in [0, 1)
	Nesterov  bool    // SGD with momentum: the step looks ahead by it
	Smoothing float64 // RMSprop: decay of the mean of squares, in [0, 1)

	// WeightDecay takes all parameters towards zero, biases and norms too, as
	// PyTorch's optimizers do: AdamW multiplies them by 1 − lr·WeightDecay, the
	// others add WeightDecay·w to the gradient.
	WeightDecay float64

	Schedule Schedule // of the learning rate
}

// kind is an optimizer.
type kind struct {
	name  string
	takes []string // the hyper-parameters that it has beside those that all have
	start Spec     // those that PyTorch gives it
}

// kinds are all of them.
var kinds = []kind{
	{name: Adam, takes: []string{"beta1", "beta2", "epsilon"}, start: Spec{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}},
	{name: AdamW, takes: []string{"beta1", "beta2", "epsilon"}, start: Spec{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}},
	{name: SGD, takes: []string{"momentum", "nesterov"}},
	{name: RMSprop, takes: []string{"smoothing", "epsilon", "momentum"}, start: Spec{Smoothing: 0.99, Epsilon: 1e-8}},
}

// Kinds returns all optimizers.
func Kinds() []string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.name)
	}
	return list
}

// Takes tells whether an optimizer has a hyper-parameter: beta1, beta2, epsilon,
// momentum, nesterov or smoothing.
func Takes(optimizer, name string) bool {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == optimizer })
	return i >= 0 && slices.Contains(kinds[i].takes, name)
}

// Default returns a kind with the values that PyTorch gives it: betas 0.9 and
// 0.999, RMSprop's smoothing 0.99, epsilon 1e-8; no momentum and no weight
// decay.
func Default(optimizer string, lr float64) Spec {
	s := Spec{}
	if i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == optimizer }); i >= 0 {
		s = kinds[i].start
	}
	s.Kind, s.LR = optimizer, lr
	return s
}

// The bounds of epsilon: the vector kernels' roots and quotients are exact
// beside these.
const minEpsilon, maxEpsilon = 1e-12, 1e6

// Validate says what is wrong with a spec.
func (s Spec) Validate() error {
	if !slices.Contains(Kinds(), s.Kind) {
		return fmt.Errorf("optim: unknown optimizer %q; want one of %s", s.Kind, strings.Join(Kinds(), ", "))
	}
	if !(s.LR > 0) || math.IsInf(s.LR, 0) {
		return fmt.Errorf("optim: learning rate %v; want a finite number above 0", s.LR)
	}
	if err := s.Schedule.Validate(); err != nil {
		return err
	}
	if err := s.Schedule.checkSteps(); err != nil {
		return err
	}
	return s.checkNumbers()
}

// checkNumbers says which hyper-parameter is another optimizer's or out of
// range.
func (s Spec) checkNumbers() error {
	for _, r := range []struct {
		name  string
		value float64
	}{{"momentum", s.Momentum}, {"beta1", s.Beta1}, {"beta2", s.Beta2}, {"smoothing", s.Smoothing}} {
		if !(r.value >= 0 && r.value < 1) {
			return fmt.Errorf("optim: %s %v; want a number in [0, 1)", r.name, r.value)
		}
		if r.value != 0 && !Takes(s.Kind, r.name) {
			return fmt.Errorf("optim: %s %v with %s; it is %s: want 0", r.name, r.value, s.Kind, owners(r.name))
		}
	}
	switch takes := Takes(s.Kind, "epsilon"); {
	case takes && !(s.Epsilon >= minEpsilon && s.Epsilon <= maxEpsilon):
		return fmt.Errorf("optim: epsilon %v; want a number from %v to %v", s.Epsilon, minEpsilon, float64(maxEpsilon))
	case !takes && s.Epsilon != 0:
		return fmt.Errorf("optim: epsilon %v with %s; it is %s: want 0", s.Epsilon, s.Kind, owners("epsilon"))
	case s.Nesterov && !Takes(s.Kind, "nesterov"):
		return fmt.Errorf("optim: nesterov with %s; it is %s", s.Kind, owners("nesterov"))
	case s.Nesterov && s.Momentum == 0:
		return fmt.Errorf("optim: nesterov without momentum; want momentum, such as 0.9")
	}
	if !(s.WeightDecay >= 0 && s.WeightDecay < 1e9) {
		return fmt.Errorf("optim: weight decay %v; want a number from 0 to below 1e9", s.WeightDecay)
	}
	return nil
}

// owners says whose a hyper-parameter is.
func owners(name string) string {
	var list []string
	for _, k := range kinds {
		if slices.Contains(k.takes, name) {
			list = append(list, k.name+"'s")
		}
	}
	return strings.Join(list, " and ")
}

// Algorithm names what a VM has to do, which follows from what a spec has: a
// term that is 0 costs neither arithmetic nor a slot. It is "" for an unknown
// kind.
func (s Spec) Algorithm() string {
	decays, heavy := s.WeightDecay != 0, s.Momentum != 0
	switch s.Kind {
	case Adam, AdamW:
		if decays {
			return AdamDecayStep
		}
		return AdamStep
	case SGD:
		switch {
		case heavy && (decays || s.Nesterov):
			return MomentumDecayStep
		case heavy:
			return MomentumStep
		case decays:
			return SGDDecayStep
		}
		return SGDStep
	case RMSprop:
		if heavy {
			return RMSpropMomentumStep
		}
		return RMSpropStep
	}
	return ""
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
//	Adam:    m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − alpha·m/(√v + epsilon)
//	SGD:     u ← momentum·u + g;  w ← w − lr·u
//	RMSprop: v ← smoothing·v + (1−smoothing)g²;  w ← w − lr·g/(√v + epsilon)
func (s Spec) Update(w, g []float32, slots [][]float32, scalars []float32) {
	if a := s.algorithm(); a.update != nil {
		a.update(w, g, slots, scalars)
		return
	}
	for i := range w {
		w[i] = float32(math.NaN())
	}
}
