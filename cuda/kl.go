//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// klGrad is the gradient of one mean divergence by log variances, or of a mean
// for each dimension.
func (b *builder) klGrad(in plan.Instr) {
	g := kernels.KLGrad{
		Batch: b.batch(), Width: b.width(in.Src[0]), LogVar: in.Op != plan.KLMeansMu, Factor: 1,
		X: b.at(in.Src[0]), DX: b.at(in.Dst[0]),
	}
	if in.Op == plan.KLLogVar {
		g.Factor, g.Scalar = in.Factor, b.scalarAt(in, 1)
	} else {
		g.Means = b.at(in.Src[1])
	}
	b.do(g)
}

// klMeans is the mean divergence of each dimension.
func (b *builder) klMeans(in plan.Instr) {
	b.do(kernels.KLMeans{
		Batch: b.batch(), Width: b.width(in.Src[0]), Mu: b.at(in.Src[0]), LogVar: b.at(in.Src[1]), Means: b.at(in.Dst[0]),
	})
}

// freeBits adds up divergences, or is the gradient of that.
func (b *builder) freeBits(in plan.Instr) {
	f := kernels.FreeBits{
		Step: b.step, Width: b.size(in.Src[0]), Floor: in.Number, X: b.at(in.Src[0]),
		Factor: in.Factor, Scalar: b.scalarAt(in, 1), DX: b.at(in.Dst[0]),
	}
	if in.Op == plan.FreeBits {
		f.Value, f.DX = b.at(in.Dst[0]), 0
	}
	b.do(f)
}
