//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/model/op"
)

// mixture makes draws of Gaussians on a circle out of noise.
func (b *builder) mixture(in plan.Instr) {
	radius, deviation, cos, sin := op.Mixture{Components: in.K}.Constants()
	b.do(kernels.Mixture{
		Batch: b.batch(), Components: in.K, Radius: radius, Deviation: deviation, Cos: cos, Sin: sin,
		Normal: b.at(in.Src[0]), Uniform: b.at(in.Src[1]), Z: b.at(in.Dst[0]),
	})
}
