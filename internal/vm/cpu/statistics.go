package cpu

import (
	"aegis/internal/plan"
)

// channelMean is the mean of each channel over the batch, in chunks of rows as
// the gradient of a bias.
func (b *builder) channelMean(in plan.Instr) error {
	e := b.exec
	x, out := in.Src[0], e.buffers[in.Dst[0]]
	channels := e.plan.Buffers[x].Shape[1]
	area := e.rowSize(x) / channels
	b.unit(float64(e.rowSize(x))*float64(e.plan.Batch), func(w *worker) {
		sums := make([]float64, channels)
		for i := range e.n {
			for at, v := range w.wholeRow(x, i) {
				sums[e.channelOf(x, at, channels, area)] += float64(v)
			}
		}
		for c, v := range sums {
			out[c] = float32(v / (float64(e.n) * float64(area)))
		}
	}, x)
	return nil
}

// channelOf returns the channel of the value at a place in a row.
func (e *exec) channelOf(buffer, at, channels, area int) int {
	if e.channelsLast(buffer) > 1 {
		return at % channels
	}
	return at / area
}

// wholeRow is a row of a buffer that lives beyond a block.
func (w *worker) wholeRow(buffer, i int) []float32 {
	size := w.exec.sizes[buffer]
	return w.exec.buffers[buffer][i*size:][:size]
}
