package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// rowsAhead is how many rows before its turn an image is fetched: rows of a
// shuffled epoch lie anywhere in memory.
const rowsAhead = 8

// load decodes rows of a set, or copies values; an image of several channels
// goes from C,H,W to H,W,C.
func (b *builder) load(in plan.Instr) error {
	e, dst := b.exec, in.Dst[0]
	factor, offset := e.plan.Pixels.Scale()
	size := e.rowSize(dst)
	channels := e.channelsLast(dst)
	area := size / channels
	k := e.machine.kernels
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			if ahead := i + rowsAhead; ahead < len(e.rows) {
				kernel.Prefetch(e.images[int(e.rows[ahead])*size:][:size])
			}
			y := w.rowsOf(dst, i, i+1)
			planar := y
			if channels > 1 && area > 1 {
				planar = w.space(&w.planar, size)
			}
			if e.values != nil {
				copy(planar, e.values[i*size:][:size])
			} else {
				k.DecodeBytes(planar, e.images[int(e.rows[i])*size:][:size], factor, offset)
			}
			if channels > 1 && area > 1 {
				k.Transpose(y, channels, planar, area, channels, area)
			}
		}
	})
	return nil
}

// channelsLast returns the channels that lie innermost in a buffer's rows, 1
// where the values lie in the order of the shape.
func (e *exec) channelsLast(buffer int) int {
	if b := e.plan.Buffers[buffer]; b.Layout == plan.NHWC {
		return b.Shape[1]
	}
	return 1
}
