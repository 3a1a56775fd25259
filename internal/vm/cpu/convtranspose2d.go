package cpu

import "aegis/internal/plan"

// convTranspose2d is a transposed convolution.
func (b *builder) convTranspose2d(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	x, weight, y, bias := in.Src[0], in.Src[1], in.Dst[0], e.buffers[in.Src[2]]
	after := func(out []float32) {
		if !act.none {
			e.machine.kernels.Act(act.kind, out, out, act.alpha)
		}
	}
	g := e.newWindow(in)
	if e.plan.Whole(in) {
		b.dense(in, func(w *worker, from, to int) {
			w.turned(in, from, to)
			all := w.repeated(&w.bias, bias, g.height*g.width)
			for i := from; i < to; i++ {
				e.machine.kernels.Add(w.rowsOf(y, i, i+1), all)
			}
			after(w.rowsOf(y, from, to))
		})
		return nil
	}
	b.rows(in, func(w *worker, from, to int) {
		start := w.startOf(g, bias)
		for i := from; i < to; i++ {
			out := w.rowsOf(y, i, i+1)
			w.scatter(g, w.rowsOf(x, i, i+1), e.buffers[weight], out, start)
			after(out)
		}
	})
	return nil
}

// convTranspose2dDX is the gradient of a transposed convolution by its input.
func (b *builder) convTranspose2dDX(in plan.Instr) error {
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	dz, weight, dx, y := in.Src[0], in.Src[1], in.Dst[0], in.Src[len(in.Src)-1]
	if b.exec.plan.Whole(in) {
		b.dense(in, func(w *worker, from, to int) {
			w.rowProduct(in, from, to)
			w.backward(slope, w.slopeRows(slope, y, from, to))
		})
		return nil
	}
	g := b.exec.newWindow(in)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.patchProduct(g, dz, weight, dx, i)
			w.backward(slope, w.slopeRows(slope, y, i, i+1))
		}
	})
	return nil
}

// convTranspose2dDW is the gradient of a transposed convolution's weights and
// bias.
func (b *builder) convTranspose2dDW(in plan.Instr) error {
	dz, x := in.Src[0], in.Src[1]
	if err := b.chunkedBias(b.target(in, 1), dz); err != nil {
		return err
	}
	return b.convWeights(in, b.target(in, 0), dz, x)
}
