//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// sum adds rows, or gradients of one parameter, or loss terms.
func (b *builder) sum(in plan.Instr) {
	a := kernels.Add{Batch: b.batch(), A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0])}
	if in.Op == plan.AddSums {
		a.Whole, a.Width = true, b.size(in.Dst[0])
	} else {
		a.Width = b.width(in.Dst[0])
	}
	b.do(a)
}
