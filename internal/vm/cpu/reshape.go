package cpu

import "aegis/internal/plan"

// pack writes each row's values, in the order of the source's shape, in the
// layout of the result.
func (b *builder) pack(in plan.Instr) error {
	e, dst, src := b.exec, in.Dst[0], in.Src[0]
	size := e.rowSize(dst)
	from, to := e.channelsLast(src), e.channelsLast(dst)
	k := e.machine.kernels
	b.rows(in, func(w *worker, first, last int) {
		for i := first; i < last; i++ {
			x, y := w.rowsOf(src, i, i+1), w.rowsOf(dst, i, i+1)
			planar := w.space(&w.planar, size)
			k.Transpose(planar, size/from, x, from, size/from, from)
			k.Transpose(y, to, planar, size/to, to, size/to)
		}
	})
	return nil
}
