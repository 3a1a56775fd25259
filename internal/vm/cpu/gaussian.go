package cpu

import (
	"math"

	"aegis/internal/plan"
)

// gaussian is a likelihood whose deviation is learned: its value, what it
// weighs squares by, and its gradient by the deviation's logarithm.
func (b *builder) gaussian(in plan.Instr) error {
	e := b.exec
	dst, first := e.buffers[in.Dst[0]], e.buffers[in.Src[0]]
	b.unit(1, func(*worker) {
		if in.Op == plan.Precision {
			dst[0] = float32(math.Exp(-2*float64(first[0])) / 2)
			return
		}
		square, s := float64(first[0]), float64(e.buffers[in.Src[1]][0])
		weighed := math.Exp(-2*s) * square
		if in.Op == plan.Gaussian {
			dst[0] = float32(weighed/2 + in.Number*(s+math.Log(2*math.Pi)/2))
			return
		}
		dst[0] = float32(in.Number-weighed) * e.factor(in)
	})
	return nil
}
