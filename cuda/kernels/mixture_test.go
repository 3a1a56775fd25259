package kernels

import (
	"fmt"
	"testing"

	"aegis/model/op"
)

// TestMixture wants the bits of the reference. On a GPU they are the same too:
// every operation is one that IEEE 754 rounds.
func TestMixture(t *testing.T) {
	d := open(t, Inputs)
	for _, e := range [][3]int{{1, 1, 2}, {3, 0, 5}, {7, 6, 10}, {300, 299, 100}} { // rows, real rows, Gaussians
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			m := op.Mixture{Components: e[2]}
			normal, uniform, want := random(1, 2*e[1]), random(2, e[1]), make([]float32, 2*e[1])
			for i, v := range uniform {
				uniform[i] = (v + 1) / 2
			}
			if e[1] > 1 {
				uniform[0], uniform[1] = 0, 1-1./(1<<24) // the ends
			}
			for i, u := range uniform {
				m.Move(want[2*i:], normal[2*i:], u)
			}
			radius, deviation, cos, sin := m.Constants()
			z := d.out(2*e[0], 1)
			d.run(Mixture{
				Batch: Batch{Rows: e[0], Step: d.step(e[1], 0, e[0], 0)}, Components: e[2],
				Radius: radius, Deviation: deviation, Cos: cos, Sin: sin,
				Normal: d.in(normal, 2*e[0], 0).ptr, Uniform: d.in(uniform, e[0], 1).ptr, Z: z.ptr,
			}.Launches())
			z.checkBits("z", want)
		})
	}
}
