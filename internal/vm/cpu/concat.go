package cpu

import "aegis/internal/plan"

// concat puts columns side by side, or takes some out.
func (b *builder) concat(in plan.Instr) error {
	e := b.exec
	width := e.rowSize(in.Dst[0])
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			dst, x := w.rowsOf(in.Dst[0], i, i+1), w.rowsOf(in.Src[0], i, i+1)
			if in.Op == plan.Columns {
				copy(dst, x[int(in.Number):][:width])
				continue
			}
			copy(dst, x)
			copy(dst[len(x):], w.rowsOf(in.Src[1], i, i+1))
		}
	})
	return nil
}
