//go:build !cpu

package cuda

import (
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// channelMean is the mean of each channel over the batch.
func (b *builder) channelMean(in plan.Instr) {
	channels := b.size(in.Dst[0])
	b.do(kernels.ChannelMean{
		Batch: b.batch(), Channels: channels, Area: b.width(in.Src[0]) / channels, X: b.at(in.Src[0]), Mean: b.at(in.Dst[0]),
	})
}
