//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// clipNorm makes what the phase's updates multiply gradients by. It stays on the
// device.
func (b *builder) clipNorm(in plan.Instr) {
	c := kernels.ClipNorm{Step: b.step, Clip: b.phase.Clip, Scratch: b.exec.scratch, Factor: b.at(in.Dst[0])}
	for _, g := range in.Src {
		c.Gradients = append(c.Gradients, kernels.Array{Ptr: b.at(g), Count: b.size(g)})
	}
	b.do(c)
}
