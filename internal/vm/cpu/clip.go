package cpu

import "aegis/internal/plan"

// clipChunk is how many values go into one partial sum of squares. It is fixed:
// the norm must not depend on who adds up what.
const clipChunk = 8192

// clipPiece is how many values of a gradient are clipped at once: a copy of them
// lies in the innermost cache, beside what an update reads.
const clipPiece = 2048

// clipNorm makes partial sums of the squares of a phase's gradients, as all
// workers share them out, and when all are through adds them up in their order.
func (b *builder) clipNorm(in plan.Instr) error {
	e, clip := b.exec, b.phase.clip
	var sums []float64
	for _, v := range in.Src {
		g := e.buffers[v][:e.plan.Buffers[v].Size()]
		for from := 0; from < len(g); from += clipChunk {
			i, some := len(sums), g[from:min(from+clipChunk, len(g))]
			sums = append(sums, 0)
			b.unit(float64(len(some)), func(*worker) { sums[i] = e.machine.kernels.SumSquares(some, clip.Limit()) })
		}
	}
	factor := e.buffers[in.Dst[0]]
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.complete = func() {
		total := 0.0
		for _, squares := range sums {
			total += squares
		}
		factor[0] = clip.Factor(total)
	}
	return nil
}

// clipped is an update by a gradient that is clipped on its way, in values at,
// at+1, …
func (t target) clipped(w *worker, at int, g []float32, factor float32) {
	limit := t.phase.clip.Limit()
	for len(g) > 0 {
		n := min(len(g), clipPiece)
		some := w.space(&w.grad, n)
		w.exec.machine.kernels.Clip(some, g[:n], limit, factor)
		t.update(at, some)
		at, g = at+n, g[n:]
	}
}
