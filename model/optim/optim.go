// Package optim has the optimizers: what each is, and the reference update
// that every VM must match.
package optim

import (
	"fmt"
	"math"
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
	if s.Kind != Adam && s.Kind != SGD {
		return fmt.Errorf("optim: unknown optimizer %q; want %s or %s", s.Kind, Adam, SGD)
	}
	if !(s.LR > 0) || math.IsInf(s.LR, 0) {
		return fmt.Errorf("optim: learning rate %v; want a finite number above 0", s.LR)
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

// Slots names the arrays that an optimizer keeps for each parameter, each of
// the parameter's size and zero at the start.
func (s Spec) Slots() []string {
	switch {
	case s.Kind == Adam:
		return []string{"m", "v"}
	case s.Momentum != 0:
		return []string{"momentum"}
	}
	return nil
}

// ScalarNames names the numbers that change from step to step, in the order
// in which [Spec.Scalars] gives them.
func (s Spec) ScalarNames() []string {
	if s.Kind == Adam {
		return []string{"alpha", "epsilon"}
	}
	return []string{"lr"}
}

// Scalars returns the numbers of one step, counted from 0, at a learning rate
// (schedules change it). For Adam they hold both bias corrections, so that an
// update needs no powers:
//
//	alpha   = lr · √(1−β₂ᵗ) / (1−β₁ᵗ)    t = step+1
//	epsilon = Epsilon · √(1−β₂ᵗ)
func (s Spec) Scalars(step int64, lr float64) []float32 {
	if s.Kind != Adam {
		return []float32{float32(lr)}
	}
	t := float64(step + 1)
	root := math.Sqrt(1 - math.Pow(s.Beta2, t))
	return []float32{float32(lr * root / (1 - math.Pow(s.Beta1, t))), float32(s.Epsilon * root)}
}

// Update applies one step to w in place: g is its gradient, slots are the
// arrays of [Spec.Slots], scalars the numbers of [Spec.Scalars]. All are as
// long as w.
//
//	Adam: m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − alpha·m/(√v + epsilon)
//	SGD:  u ← momentum·u + g;  w ← w − lr·u
func (s Spec) Update(w, g []float32, slots [][]float32, scalars []float32) {
	switch {
	case s.Kind == Adam:
		m, v := slots[0], slots[1]
		b1, b2 := float32(s.Beta1), float32(s.Beta2)
		c1, c2 := float32(1-s.Beta1), float32(1-s.Beta2)
		alpha, epsilon := scalars[0], scalars[1]
		for i, gi := range g {
			m[i] = b1*m[i] + c1*gi
			v[i] = b2*v[i] + c2*gi*gi
			w[i] -= alpha * m[i] / (float32(math.Sqrt(float64(v[i]))) + epsilon)
		}
	case s.Momentum != 0:
		u, momentum := slots[0], float32(s.Momentum)
		for i, gi := range g {
			u[i] = momentum*u[i] + gi
			w[i] -= scalars[0] * u[i]
		}
	default:
		for i, gi := range g {
			w[i] -= scalars[0] * gi
		}
	}
}
