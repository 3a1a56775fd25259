package kernel

import (
	"fmt"
	"math"

	"aegis/model/optim"
)

// updateKernels are the optimizers of a set.
type updateKernels struct {
	adam            func(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps float32)
	adamDecay       func(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps, keep, decay float32)
	sgd             func(w, g []float32, lr float32)
	sgdDecay        func(w, g []float32, lr, keep float32)
	momentum        func(w, g, u []float32, mu, lr float32)
	momentumDecay   func(w, g, u []float32, mu, ahead, along, decay float32)
	rmsprop         func(w, g, v []float32, b, c, lr, eps, decay float32)
	rmspropMomentum func(w, g, v, u []float32, b, c, lr, eps, decay, mu float32)
}

var genericUpdates = updateKernels{
	adam: adamGeneric, adamDecay: adamDecayGeneric, sgd: sgdGeneric, sgdDecay: sgdDecayGeneric,
	momentum: momentumGeneric, momentumDecay: momentumDecayGeneric, rmsprop: rmspropGeneric, rmspropMomentum: rmspropMomentumGeneric,
}

// Update applies one step of an optimizer to values at, at+1, … of w, as many
// as the gradient g has. slots are the whole arrays of optim.Spec.Slots, x the
// numbers of optim.Spec.Scalars.
type Update func(w []float32, slots [][]float32, at int, g, x []float32)

// Update returns the kernel of an algorithm of optim.
func (s *Set) Update(algorithm string) (Update, error) {
	switch algorithm {
	case optim.AdamStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			end := at + len(g)
			s.Adam(w[at:end], g, slots[0][at:end], slots[1][at:end], x[2], x[3], x[4], x[5], x[0], x[1])
		}, nil
	case optim.AdamDecayStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			end := at + len(g)
			s.AdamDecay(w[at:end], g, slots[0][at:end], slots[1][at:end], x[3], x[4], x[5], x[6], x[0], x[1], x[2], x[7])
		}, nil
	case optim.SGDStep:
		return func(w []float32, _ [][]float32, at int, g, x []float32) { s.SGD(w[at:at+len(g)], g, x[0]) }, nil
	case optim.SGDDecayStep:
		return func(w []float32, _ [][]float32, at int, g, x []float32) { s.SGDDecay(w[at:at+len(g)], g, x[0], x[1]) }, nil
	case optim.MomentumStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			s.Momentum(w[at:at+len(g)], g, slots[0][at:at+len(g)], x[1], x[0])
		}, nil
	case optim.MomentumDecayStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			s.MomentumDecay(w[at:at+len(g)], g, slots[0][at:at+len(g)], x[2], x[0], x[1], x[3])
		}, nil
	case optim.RMSpropStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			s.RMSprop(w[at:at+len(g)], g, slots[0][at:at+len(g)], x[2], x[3], x[0], x[1], x[4])
		}, nil
	case optim.RMSpropMomentumStep:
		return func(w []float32, slots [][]float32, at int, g, x []float32) {
			end := at + len(g)
			s.RMSpropMomentum(w[at:end], g, slots[0][at:end], slots[1][at:end], x[2], x[3], x[0], x[1], x[4], x[5])
		}, nil
	}
	return nil, fmt.Errorf("kernel: no kernel for optimizer %q", algorithm)
}

// Adam applies one step of Adam to w; g is the gradient, m and v the moments:
//
//	m ← b1·m + c1·g;  v ← b2·v + c2·g²;  w ← w − alpha·m/(√v + eps)
//
// c1 is 1−b1, c2 is 1−b2; alpha and eps hold both bias corrections (see
// optim.Spec.Scalars). The moments' bits are those of optim.Spec.Update; the step
// is within 4 units in the last place of it, for v from 1e-37 to 1e38: root and
// quotient are by Newton's method.
func (s *Set) Adam(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps float32) {
	atLeast(g, len(w))
	atLeast(m, len(w))
	atLeast(v, len(w))
	s.updates.adam(w, g, m, v, b1, c1, b2, c2, alpha, eps)
}

// AdamDecay is Adam with either weight decay: the step goes from keep·w on, by
// the gradient g + decay·w. Its moments are to the bits of optim.Spec.Update too.
func (s *Set) AdamDecay(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps, keep, decay float32) {
	atLeast(g, len(w))
	atLeast(m, len(w))
	atLeast(v, len(w))
	s.updates.adamDecay(w, g, m, v, b1, c1, b2, c2, alpha, eps, keep, decay)
}

// SGD applies w ← w − lr·g.
func (s *Set) SGD(w, g []float32, lr float32) {
	atLeast(g, len(w))
	s.updates.sgd(w, g, lr)
}

// SGDDecay applies w ← keep·w − lr·g.
func (s *Set) SGDDecay(w, g []float32, lr, keep float32) {
	atLeast(g, len(w))
	s.updates.sgdDecay(w, g, lr, keep)
}

// Momentum applies u ← mu·u + g; w ← w − lr·u.
func (s *Set) Momentum(w, g, u []float32, mu, lr float32) {
	atLeast(g, len(w))
	atLeast(u, len(w))
	s.updates.momentum(w, g, u, mu, lr)
}

// MomentumDecay applies, of the gradient d = g + decay·w,
//
//	u ← mu·u + d;  w ← w − (ahead·d + along·u)
//
// which is Nesterov's momentum where ahead is lr and along is lr·mu, and the
// classical one where ahead is 0 and along is lr.
func (s *Set) MomentumDecay(w, g, u []float32, mu, ahead, along, decay float32) {
	atLeast(g, len(w))
	atLeast(u, len(w))
	s.updates.momentumDecay(w, g, u, mu, ahead, along, decay)
}

// RMSprop applies, of the gradient d = g + decay·w,
//
//	v ← b·v + c·d²;  w ← w − lr·d/(√v + eps)
//
// Root and quotient are Adam's.
func (s *Set) RMSprop(w, g, v []float32, b, c, lr, eps, decay float32) {
	atLeast(g, len(w))
	atLeast(v, len(w))
	s.updates.rmsprop(w, g, v, b, c, lr, eps, decay)
}

// RMSpropMomentum is RMSprop whose quotient goes into a momentum, from which the
// step is: u ← mu·u + d/(√v + eps); w ← w − lr·u.
func (s *Set) RMSpropMomentum(w, g, v, u []float32, b, c, lr, eps, decay, mu float32) {
	atLeast(g, len(w))
	atLeast(v, len(w))
	atLeast(u, len(w))
	s.updates.rmspropMomentum(w, g, v, u, b, c, lr, eps, decay, mu)
}

// The loops convert each product to float32 before they add to it: that keeps
// the compiler from fusing the two on some machines and not on others.

// adamGeneric is
//
//	for i := range w {
//		m[i] = b1*m[i] + c1*g[i]
//		v[i] = b2*v[i] + c2*g[i]*g[i]
//		w[i] -= alpha * m[i] / (sqrt(v[i]) + eps)
//	}
func adamGeneric(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps float32) {
	n := len(w)
	g, m, v = g[:n], m[:n], v[:n]
	for i, gi := range g {
		m[i] = float32(b1*m[i]) + float32(c1*gi)
		v[i] = float32(b2*v[i]) + float32(c2*gi*gi)
		w[i] -= alpha * m[i] / (float32(math.Sqrt(float64(v[i]))) + eps)
	}
}

// adamDecayGeneric is
//
//	for i := range w {
//		d := g[i] + decay*w[i]
//		m[i] = b1*m[i] + c1*d
//		v[i] = b2*v[i] + c2*d*d
//		w[i] = keep*w[i] - alpha*m[i]/(sqrt(v[i])+eps)
//	}
func adamDecayGeneric(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps, keep, decay float32) {
	n := len(w)
	g, m, v = g[:n], m[:n], v[:n]
	for i, gi := range g {
		d := gi + float32(decay*w[i])
		m[i] = float32(b1*m[i]) + float32(c1*d)
		v[i] = float32(b2*v[i]) + float32(c2*d*d)
		w[i] = float32(keep*w[i]) - alpha*m[i]/(float32(math.Sqrt(float64(v[i])))+eps)
	}
}

// sgdGeneric is
//
//	for i := range w {
//		w[i] -= lr * g[i]
//	}
func sgdGeneric(w, g []float32, lr float32) {
	g = g[:len(w)]
	for i, gi := range g {
		w[i] -= float32(lr * gi)
	}
}

// sgdDecayGeneric is
//
//	for i := range w {
//		w[i] = keep*w[i] - lr*g[i]
//	}
func sgdDecayGeneric(w, g []float32, lr, keep float32) {
	g = g[:len(w)]
	for i, gi := range g {
		w[i] = float32(keep*w[i]) - float32(lr*gi)
	}
}

// momentumGeneric is
//
//	for i := range w {
//		u[i] = mu*u[i] + g[i]
//		w[i] -= lr * u[i]
//	}
func momentumGeneric(w, g, u []float32, mu, lr float32) {
	n := len(w)
	g, u = g[:n], u[:n]
	for i, gi := range g {
		u[i] = float32(mu*u[i]) + gi
		w[i] -= float32(lr * u[i])
	}
}

// momentumDecayGeneric is
//
//	for i := range w {
//		d := g[i] + decay*w[i]
//		u[i] = mu*u[i] + d
//		w[i] -= ahead*d + along*u[i]
//	}
func momentumDecayGeneric(w, g, u []float32, mu, ahead, along, decay float32) {
	n := len(w)
	g, u = g[:n], u[:n]
	for i, gi := range g {
		d := gi + float32(decay*w[i])
		u[i] = float32(mu*u[i]) + d
		w[i] -= float32(ahead*d) + float32(along*u[i])
	}
}

// rmspropGeneric is
//
//	for i := range w {
//		d := g[i] + decay*w[i]
//		v[i] = b*v[i] + c*d*d
//		w[i] -= lr * d / (sqrt(v[i]) + eps)
//	}
func rmspropGeneric(w, g, v []float32, b, c, lr, eps, decay float32) {
	n := len(w)
	g, v = g[:n], v[:n]
	for i, gi := range g {
		d := gi + float32(decay*w[i])
		v[i] = float32(b*v[i]) + float32(c*d*d)
		w[i] -= lr * d / (float32(math.Sqrt(float64(v[i]))) + eps)
	}
}

// rmspropMomentumGeneric is
//
//	for i := range w {
//		d := g[i] + decay*w[i]
//		v[i] = b*v[i] + c*d*d
//		u[i] = mu*u[i] + d/(sqrt(v[i])+eps)
//		w[i] -= lr * u[i]
//	}
func rmspropMomentumGeneric(w, g, v, u []float32, b, c, lr, eps, decay, mu float32) {
	n := len(w)
	g, v, u = g[:n], v[:n], u[:n]
	for i, gi := range g {
		d := gi + float32(decay*w[i])
		v[i] = float32(b*v[i]) + float32(c*d*d)
		u[i] = float32(mu*u[i]) + d/(float32(math.Sqrt(float64(v[i])))+eps)
		w[i] -= float32(lr * u[i])
	}
}
