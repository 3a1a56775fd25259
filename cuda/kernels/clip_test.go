package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aegis/cuda/driver"
	"aegis/model/optim"
)

// clipCase is gradients of some sizes.
type clipCase struct {
	name  string
	clip  optim.Clip
	sizes []int
	plant float32 // a value of the last gradient; 0: none
}

func clipCases() []clipCase {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	return []clipCase{
		{name: "one value", clip: optim.Clip{Norm: 0.25}, sizes: []int{1}},
		{name: "never", clip: optim.Clip{Norm: 1e6}, sizes: []int{1000, 3}},
		{name: "always", clip: optim.Clip{Norm: 0.5}, sizes: []int{31, 256, 1, 5000}},
		{name: "two launches", clip: optim.Clip{Norm: 0.5}, sizes: slices.Repeat([]int{300, 7}, 9)},
		{name: "both", clip: optim.Clip{Norm: 2, Value: 0.1}, sizes: []int{700, 20}},
		{name: "not a number", clip: optim.Clip{Norm: 2, Value: 0.1}, sizes: []int{700, 20}, plant: nan},
		{name: "infinite", clip: optim.Clip{Norm: 2}, sizes: []int{700, 20}, plant: inf},
		{name: "squares beyond float32", clip: optim.Clip{Norm: 2}, sizes: []int{700, 20}, plant: 1e30},
	}
}

// gradients are random ones, on the device too.
func (c clipCase) gradients(d *device) (grads [][]float32, on []Array) {
	for i, n := range c.sizes {
		g := random(uint64(i), n)
		if c.plant != 0 && i == len(c.sizes)-1 {
			g[n-1] = c.plant
		}
		grads = append(grads, g)
		on = append(on, Array{Ptr: d.in(g, n, 0).ptr, Count: n})
	}
	return grads, on
}

// TestClipNorm holds the factor to the reference's, within the rounding to
// float32, and updates by it to those of gradients that are clipped before: to
// the bit, by the factor that there is.
func TestClipNorm(t *testing.T) {
	d := open(t, Clip, Optim)
	for _, c := range clipCases() {
		for _, rows := range []int{4, 0} {
			t.Run(fmt.Sprint(c.name, " ", rows), func(t *testing.T) {
				d.TB = t
				defer d.free()
				grads, on := c.gradients(d)
				factor := d.out(1, 0)
				step := d.step(rows, 3, 64, 0)
				l := ClipNorm{Step: step, Clip: c.clip, Gradients: on, Factor: factor.ptr}
				l.Scratch = d.out(l.ScratchFloats(), 0).ptr
				d.run(l.Launches())
				if rows == 0 {
					factor.checkUntouched("factor", 0)
					return
				}
				d.checkFactor(c, factor.read()[0], grads)
				d.checkClippedUpdate(c, step, on[0], grads[0], factor)
			})
		}
	}
}

// checkFactor compares it with that of the squares.
func (d *device) checkFactor(c clipCase, got float32, grads [][]float32) {
	d.Helper()
	squares := 0.0
	for _, g := range grads {
		for _, v := range g {
			v = max(-c.clip.Limit(), min(c.clip.Limit(), v))
			squares += float64(v) * float64(v)
		}
	}
	want := c.clip.Factor(squares)
	if diff := math.Abs(float64(got - want)); !(diff <= 1e-7*float64(want)) && !(got != got && want != want) {
		d.Errorf("factor %v, want %v", got, want)
	}
}

// checkClippedUpdate updates a parameter by a gradient that is clipped as it is
// read, and wants the bits of one that was clipped before.
func (d *device) checkClippedUpdate(c clipCase, step driver.DevicePtr, on Array, g []float32, factor *buffer) {
	d.Helper()
	clipped := slices.Clone(g)
	optim.Clip{Value: c.clip.Value}.Apply([][]float32{clipped})
	for i := range clipped {
		clipped[i] *= factor.read()[0]
	}
	for _, s := range optimizers() {
		o, scalars := d.scalars(s, 3, 7)
		p := d.param(s, 5, on.Count)
		target := p.target
		target.Grad = on.Ptr
		d.run(Update{Step: step, Count: on.Count, Target: target, Optimizer: o, Clip: c.clip, Factor: factor.ptr}.Launches())
		if c.plant != c.plant { // no bits to compare: all is NaN
			if w := p.device[0].read()[0]; w == w {
				d.Errorf("%s: a parameter is %v beside a gradient that is no number", s.Kind, w)
			}
			continue
		}
		s.Update(p.w, clipped, p.slots, scalars)
		for i, want := range append([][]float32{p.w}, p.slots...) {
			p.device[i].checkBits(fmt.Sprint(s.Kind, " array ", i), want)
		}
	}
}

// TestClipSameBits: the order of the sum does not depend on the batch.
func TestClipSameBits(t *testing.T) {
	d := open(t, Clip)
	c := clipCases()[3]
	var first uint32
	for _, rows := range []int{1, 4, 64} {
		_, on := c.gradients(d)
		factor := d.out(1, 0)
		l := ClipNorm{Step: d.step(rows, rows, 64, 0), Clip: c.clip, Gradients: on, Factor: factor.ptr}
		l.Scratch = d.out(l.ScratchFloats(), 0).ptr
		d.run(l.Launches())
		if got := math.Float32bits(factor.read()[0]); rows == 1 {
			first = got
		} else if got != first {
			t.Errorf("factor %#x with %d rows, %#x with one", got, rows, first)
		}
	}
}
