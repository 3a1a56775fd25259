package cpu

import (
	"aegis/data"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// rowsAhead is how many rows before its turn an image is fetched: rows of a
// shuffled epoch lie anywhere in memory.
const rowsAhead = 8

// load scales rows of a set, or copies values; an image of several channels
// goes from C,H,W to H,W,C.
func (b *builder) load(in plan.Instr) error {
	e, dst := b.exec, in.Dst[0]
	scaling := e.plan.Scaling
	factor, offset := scaling.Pixels.Scale()
	size := e.rowSize(dst)
	channels := e.channelsLast(dst)
	area := size / channels
	k := e.machine.kernels
	read := func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			if ahead := i + rowsAhead; ahead < len(e.rows) {
				kernel.Prefetch(e.memory[int(e.rows[ahead])*e.stride:][:e.stride])
			}
			y := w.rowsOf(dst, i, i+1)
			planar := y
			if channels > 1 && area > 1 {
				planar = w.space(&w.planar, size)
			}
			switch {
			case e.values != nil:
				copy(planar, e.values[i*size:][:size])
			case scaling.Kind == data.ScaleRange:
				k.DecodeBytes(planar, e.memory[int(e.rows[i])*size:][:size], factor, offset)
			default:
				scaling.Read(planar, e.set, int(e.rows[i]))
			}
			if channels > 1 && area > 1 {
				k.Transpose(y, channels, planar, area, channels, area)
			}
		}
	}
	b.rows(in, func(w *worker, from, to int) {
		if err := e.set.Guard(func() { read(w, from, to) }); err != nil {
			e.cut.Store(true) // the others are not kept waiting: the call says so at its end
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
