package cpu

import "aegis/internal/plan"

func (b *builder) sum(in plan.Instr) error {
	e := b.exec
	b.rows(in, func(w *worker, from, to int) {
		dst := w.rowsOf(in.Dst[0], from, to)
		copy(dst, w.rowsOf(in.Src[0], from, to))
		e.machine.kernels.Add(dst, w.rowsOf(in.Src[1], from, to))
	})
	return nil
}

// addSums adds two gradients of one parameter, or two loss terms.
func (b *builder) addSums(in plan.Instr) error {
	e := b.exec
	dst, x, y := e.buffers[in.Dst[0]], e.buffers[in.Src[0]], e.buffers[in.Src[1]]
	b.unit(float64(len(dst)), func(*worker) {
		copy(dst, x)
		e.machine.kernels.Add(dst, y)
	})
	return nil
}
