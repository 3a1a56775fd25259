//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// linear translates a linear layer, or one of its gradients.
func (b *builder) linear(in plan.Instr) {
	switch in.Op {
	case plan.Linear:
		b.do(kernels.Linear{
			Batch: b.batch(), In: b.width(in.Src[0]), Out: b.width(in.Dst[0]),
			X: b.at(in.Src[0]), W: b.at(in.Src[1]), B: b.at(in.Src[2]), Y: b.at(in.Dst[0]), Activation: in.Activation,
		})
	case plan.LinearDX:
		b.do(kernels.LinearDX{
			Batch: b.batch(), In: b.width(in.Dst[0]), Out: b.width(in.Src[0]),
			DZ: b.at(in.Src[0]), W: b.at(in.Src[1]), Y: b.slopeAt(in), DX: b.at(in.Dst[0]), Slope: in.Slope,
		})
	default: // LinearDW
		w, bias, optimizer := b.targets(in)
		b.do(kernels.LinearDW{
			Batch: b.batch(), In: b.width(in.Src[1]), Out: b.width(in.Src[0]), DZ: b.at(in.Src[0]), X: b.at(in.Src[1]),
			W: w, B: bias, Optimizer: optimizer, Scratch: b.exec.scratch,
		})
	}
}
