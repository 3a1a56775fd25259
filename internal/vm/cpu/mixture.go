package cpu

import (
	"aegis/internal/plan"
	"aegis/model/op"
)

// mixture makes draws of Gaussians on a circle out of noise.
func (b *builder) mixture(in plan.Instr) error {
	m := op.Mixture{Components: in.K}
	b.rows(in, func(w *worker, from, to int) {
		dst, normal, uniform := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to), w.rowsOf(in.Src[1], from, to)
		for i, u := range uniform {
			m.Move(dst[2*i:], normal[2*i:], u)
		}
	})
	return nil
}
