//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// concat puts columns side by side, or takes some out.
func (b *builder) concat(in plan.Instr) {
	if in.Op == plan.Columns {
		b.do(kernels.Columns{
			Batch: b.batch(), Width: b.width(in.Src[0]), First: int(in.Number), Count: b.width(in.Dst[0]),
			X: b.at(in.Src[0]), Y: b.at(in.Dst[0]),
		})
		return
	}
	b.do(kernels.Concat{
		Batch: b.batch(), N: b.width(in.Src[0]), M: b.width(in.Src[1]), A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0]),
	})
}
