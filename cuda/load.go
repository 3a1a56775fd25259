//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// load makes a batch, where the values are not in the input already.
func (b *builder) load(in plan.Instr) {
	if b.source.numbers == 0 {
		return
	}
	factor, offset := b.exec.plan.Scaling.Pixels.Scale()
	b.do(kernels.Load{
		Batch: b.batch(), Width: b.width(in.Dst[0]), Set: b.source.rows, Numbers: b.source.numbers,
		Factor: factor, Offset: offset, Columns: b.exec.columns, Floats: b.source.floats, Y: b.at(in.Dst[0]),
	})
}

// pack copies rows.
func (b *builder) pack(in plan.Instr) {
	b.do(kernels.Copy{Batch: b.batch(), Width: b.width(in.Dst[0]), X: b.at(in.Src[0]), Y: b.at(in.Dst[0])})
}
