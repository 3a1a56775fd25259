//go:build !cpu

package cuda

import (
	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// sum adds rows, or gradients of one parameter, or loss terms.
func (b *builder) sum(in plan.Instr) {
	a := kernels.Add{Batch: b.batch(), A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0])}
	a.Whole, a.Width = b.extent(in)
	b.do(a)
}

// mul multiplies rows.
func (b *builder) mul(in plan.Instr) {
	b.do(kernels.Mul{
		Batch: b.batch(), Width: b.width(in.Dst[0]), A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0]),
	})
}

// scale multiplies rows or a loss term by a constant, and by a scalar where
// there is one.
func (b *builder) scale(in plan.Instr) {
	s := kernels.Scale{Batch: b.batch(), Factor: in.Factor, Scalar: b.scalarAt(in, 1), X: b.at(in.Src[0]), Y: b.at(in.Dst[0])}
	s.Whole, s.Width = b.extent(in)
	b.do(s)
}

// lerp goes a part of the way from one tensor to another.
func (b *builder) lerp(in plan.Instr) {
	b.do(kernels.Lerp{
		Step: b.step, Width: b.size(in.Dst[0]), Factor: in.Factor, A: b.at(in.Src[0]), B: b.at(in.Src[1]), C: b.at(in.Dst[0]),
	})
}

// extent says whether an instruction works on whole tensors, and gives the
// values in one, else those in a row.
func (b *builder) extent(in plan.Instr) (whole bool, width int) {
	if in.Op.PerRow() {
		return false, b.width(in.Dst[0])
	}
	return true, b.size(in.Dst[0])
}

// scalarAt is the scalar that a result is multiplied by, 0 where there is none.
func (b *builder) scalarAt(in plan.Instr, source int) driver.DevicePtr {
	if !in.Scaled {
		return 0
	}
	return b.at(in.Src[source])
}
