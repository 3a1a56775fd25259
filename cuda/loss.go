//go:build !cpu

package cuda

import (
	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// lossOf writes a loss where the step's losses are, or where only others read
// it into its buffer.
func (b *builder) lossOf(in plan.Instr) {
	l := kernels.Loss{
		Batch: b.batch(), Width: b.width(in.Src[0]), Pred: b.at(in.Src[0]), Target: b.at(in.Src[1]), Loss: in.Loss,
		Value: b.at(in.Dst[0]), Factor: in.Factor, Scalar: b.scalarAt(in, 2), Slope: in.Slope, Y: b.slopeAt(in),
		Scratch: b.exec.scratch, Counter: b.exec.counters + driver.DevicePtr(4*b.loss),
	}
	if in.Op == plan.LossGrad {
		l.Grad = b.at(in.Dst[1])
	}
	if term := b.exec.term(b.phase, in.Dst[0]); term >= 0 {
		l.Value, l.Stride = b.exec.losses+driver.DevicePtr(4*term), b.exec.terms
	}
	b.loss++
	b.do(l)
}

// collect copies the loss terms that no loss instruction wrote itself.
func (b *builder) collect() {
	e := b.exec
	if e.losses == 0 {
		return
	}
	for i, out := range b.phase.Outputs {
		if e.term(b.phase, out.Buffer) >= 0 {
			continue
		}
		b.do(kernels.Collect{
			Step: b.step, X: b.at(out.Buffer), Losses: e.losses + driver.DevicePtr(4*(e.firstTerm(b.phase)+i)), Stride: e.terms,
		})
	}
}
