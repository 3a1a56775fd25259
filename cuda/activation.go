//go:build !cpu

package cuda

import (
	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
	"aegis/model/op"
)

// activation translates an activation, or the gradient through one, that no
// layer or loss does beside.
func (b *builder) activation(in plan.Instr) {
	if in.Op == plan.Activate {
		b.do(kernels.Activate{
			Batch: b.batch(), Width: b.width(in.Dst[0]), Z: b.at(in.Src[0]), Y: b.at(in.Dst[0]), Activation: in.Activation,
		})
		return
	}
	b.do(kernels.Slope{
		Batch: b.batch(), Width: b.width(in.Dst[0]), G: b.at(in.Src[0]), Y: b.at(in.Src[1]), DZ: b.at(in.Dst[0]), Activation: in.Slope,
	})
}

// slopeAt is the operand of a fused slope, 0 where there is none.
func (b *builder) slopeAt(in plan.Instr) driver.DevicePtr {
	if in.Slope == op.None {
		return 0
	}
	return b.at(in.Src[len(in.Src)-1])
}
