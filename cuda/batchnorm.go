//go:build !cpu

package cuda

import (
	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// batchNorm translates the instructions of batch norm.
func (b *builder) batchNorm(in plan.Instr) {
	at := func(source int) driver.DevicePtr { return b.at(in.Src[source]) }
	switch in.Op {
	case plan.Moments:
		b.do(kernels.Moments{Channels: b.channels(in.Src[0]), X: at(0), M: b.at(in.Dst[0])})
	case plan.Track:
		channels := b.size(in.Dst[0])
		b.do(kernels.Lerp{
			Step: b.step, Width: channels, Factor: in.Factor,
			A: at(0), B: at(1) + driver.DevicePtr(4*channels*int(in.Moment)), C: b.at(in.Dst[0]),
		})
	case plan.BatchNorm, plan.RunningNorm:
		last := len(in.Src) - 1
		norm := kernels.BatchNorm{
			Channels: b.channels(in.Src[0]), X: at(0), Mean: at(1), Variance: at(2), Gamma: at(last - 1), Beta: at(last),
			Y: b.at(in.Dst[0]), Epsilon: in.Factor, Activation: in.Activation,
		}
		if in.Op == plan.BatchNorm { // moments: the variance lies behind the mean
			norm.Variance = norm.Mean + driver.DevicePtr(4*norm.Channels.Channels)
		}
		b.do(norm)
	case plan.BatchNormDGamma:
		b.do(kernels.BatchNormSums{
			Channels: b.channels(in.Src[2]), DY: at(0), X: at(2), M: at(1),
			DGamma: b.at(in.Dst[0]), DBeta: b.at(in.Dst[1]), Epsilon: in.Factor,
		})
	case plan.BatchNormDX:
		b.do(kernels.BatchNormDX{
			Channels: b.channels(in.Src[5]), DY: at(0), X: at(5), M: at(1), Gamma: at(2), DGamma: at(3), DBeta: at(4),
			DX: b.at(in.Dst[0]), Epsilon: in.Factor,
		})
	}
}

// channels is how the values of a buffer lie.
func (b *builder) channels(buffer int) kernels.Channels {
	n := b.shape(buffer)[1]
	return kernels.Channels{Batch: b.batch(), Channels: n, Area: b.width(buffer) / n}
}
