//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// regular translates what corrupts rows, keeps codes sparse and weights small.
func (b *builder) regular(in plan.Instr) {
	first, last, dst := b.at(in.Src[0]), b.at(in.Src[len(in.Src)-1]), b.at(in.Dst[0])
	numbers := in.Numbers
	switch in.Op {
	case plan.Clamp:
		b.do(kernels.Clamp{Batch: b.batch(), Width: b.width(in.Dst[0]), Lo: numbers[0], Hi: numbers[1], X: first, Y: dst})
	case plan.ClampGrad:
		b.do(kernels.Clamp{Batch: b.batch(), Width: b.width(in.Dst[0]), Lo: numbers[0], Hi: numbers[1], DY: first, X: last, Y: dst})
	case plan.TopK, plan.TopKGrad:
		b.do(kernels.TopK{Batch: b.batch(), Width: b.width(in.Dst[0]), K: in.K, From: first, X: last, Y: dst})
	case plan.ChannelMeanGrad:
		b.do(kernels.ChannelMeanGrad{Channels: b.channels(in.Dst[0]), G: last, DX: dst})
	case plan.RateKL:
		b.do(kernels.RateKL{Step: b.step, Width: b.size(in.Src[0]), Rate: numbers[0], Means: first, Value: dst})
	case plan.RateKLGrad:
		b.do(kernels.RateKLGrad{
			Step: b.step, Width: b.size(in.Src[0]), Rate: numbers[0], Factor: in.Factor, Scalar: b.scalarAt(in, 1), Means: first, DM: dst,
		})
	case plan.Decay:
		b.do(kernels.Decay{Step: b.step, Width: b.size(in.Dst[0]), L1: numbers[0], L2: numbers[1], G: first, W: last, Out: dst})
	}
}
