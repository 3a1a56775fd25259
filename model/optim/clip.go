package optim

import (
	"fmt"
	"math"
	"strings"
)

// Clip bounds the gradients of a phase before its optimizer sees them. The zero
// Clip leaves them as they are. Where both bounds are set, values come first: the
// norm is that of the values as they then are, and both bounds hold.
type Clip struct {
	// Norm bounds √(Σ g²) over all gradients of the phase: all are multiplied
	// by [Clip.Factor]. 0: no bound. As torch.nn.utils.clip_grad_norm_.
	Norm float64

	// Value bounds each value of a gradient to [−Value, Value]. 0: no bound. As
	// torch.nn.utils.clip_grad_value_.
	Value float64
}

// On says whether anything is bounded.
func (c Clip) On() bool { return c != Clip{} }

// String says what is bounded in a few words, "" for nothing.
func (c Clip) String() string {
	var list []string
	if c.Value != 0 {
		list = append(list, fmt.Sprintf("values to ±%g", c.Value))
	}
	if c.Norm != 0 {
		list = append(list, fmt.Sprintf("norm to %g", c.Norm))
	}
	return strings.Join(list, ", ")
}

// Validate says what is wrong with the bounds.
func (c Clip) Validate() error {
	for _, b := range []struct {
		what  string
		bound float64
	}{{"the norm of gradients", c.Norm}, {"values of gradients", c.Value}} {
		// VMs have them in float32.
		if small := float64(float32(b.bound)); b.bound != 0 && !(b.bound > 0 && small > 0 && small <= math.MaxFloat32) {
			return fmt.Errorf("optim: clips %s to %v; want a number above 0 that float32 has, or 0 for no bound", b.what, b.bound)
		}
	}
	return nil
}

// Limit is Value as a VM bounds by it: infinite where there is no bound.
func (c Clip) Limit() float32 {
	if c.Value == 0 {
		return float32(math.Inf(1))
	}
	return float32(c.Value)
}

// Factor is what all gradients are multiplied by, given the sum of the squares
// of all their values: min(1, Norm/(√squares + 1e-6)). That of a NaN is NaN, so
// that a broken run says so.
func (c Clip) Factor(squares float64) float32 {
	f := c.Norm / (math.Sqrt(squares) + 1e-6)
	if f > 1 {
		f = 1
	}
	return float32(f)
}

// Apply clips the gradients of a phase in place; a NaN stays one. Squares are
// added up in float64, which they do not leave: a gradient of 1e30 is clipped as
// any other.
func (c Clip) Apply(grads [][]float32) {
	squares := 0.0
	for _, g := range grads {
		for i, v := range g {
			g[i] = max(-c.Limit(), min(c.Limit(), v))
			squares += float64(g[i]) * float64(g[i])
		}
	}
	if c.Norm == 0 {
		return
	}
	factor := c.Factor(squares)
	for _, g := range grads {
		for i := range g {
			g[i] *= factor
		}
	}
}
