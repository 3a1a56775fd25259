//go:build !cpu

package cuda

import (
	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// update translates an update of a parameter whose gradient is a buffer, and is
// clipped as it is read.
func (b *builder) update(in plan.Instr) {
	u := kernels.Update{Step: b.step, Count: b.size(in.Dst[0]), Optimizer: *b.optimizer(), Clip: b.phase.Clip}
	slots := in.Src[1:]
	if in.Scaled {
		u.Factor, slots = b.at(in.Src[1]), in.Src[2:]
	}
	u.Target = b.target(in.Dst[0], slots)
	u.Target.Grad = b.at(in.Src[0])
	b.do(u)
}

// keep writes a running tensor.
func (b *builder) keep(in plan.Instr) {
	b.do(kernels.Copy{Batch: b.batch(), Width: b.size(in.Dst[0]), Whole: true, X: b.at(in.Src[0]), Y: b.at(in.Dst[0])})
}

// follow moves a shadow after the parameter that it follows.
func (b *builder) follow(in plan.Instr) {
	shadow := b.at(in.Dst[0])
	b.do(kernels.Lerp{
		Step: b.step, Width: b.size(in.Dst[0]), Factor: in.Factor, Scalar: b.scalarAt(in, 1), A: b.at(in.Src[0]), B: shadow, C: shadow,
	})
}

// optimizer is the phase's.
func (b *builder) optimizer() *kernels.Optimizer {
	return &kernels.Optimizer{
		Spec: b.phase.Optimizer, Scalars: b.exec.scalars + driver.DevicePtr(4*b.first), Stride: b.stride,
	}
}

// target is a parameter with its slots.
func (b *builder) target(param int, slots []int) kernels.Target {
	t := kernels.Target{Param: b.at(param)}
	for i, slot := range slots {
		t.Slots[i] = b.at(slot)
	}
	return t
}

// targets says where the gradients of weights and of a bias go: into buffers,
// or at once into the parameters.
func (b *builder) targets(in plan.Instr) (w, bias kernels.Target, optimizer *kernels.Optimizer) {
	if !in.Update {
		return kernels.Target{Grad: b.at(in.Dst[0])}, kernels.Target{Grad: b.at(in.Dst[1])}, nil
	}
	n := len(b.phase.Optimizer.Slots())
	slots := in.Src[len(in.Src)-2*n:]
	return b.target(in.Dst[0], slots[:n]), b.target(in.Dst[1], slots[n:]), b.optimizer()
}
