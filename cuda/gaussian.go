//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// gaussian is a likelihood whose deviation is learned.
func (b *builder) gaussian(in plan.Instr) {
	g := kernels.Gaussian{Step: b.step, Values: in.Number, Factor: in.Factor, Out: b.at(in.Dst[0])}
	if in.Op == plan.Precision {
		g.Kind, g.LogSigma = kernels.LikelihoodPrecision, b.at(in.Src[0])
		b.do(g)
		return
	}
	g.Square, g.LogSigma = b.at(in.Src[0]), b.at(in.Src[1])
	if in.Op == plan.GaussianGrad {
		g.Kind, g.Scalar = kernels.LikelihoodGradient, b.scalarAt(in, 2)
	}
	b.do(g)
}
