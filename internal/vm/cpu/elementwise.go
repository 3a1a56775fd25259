package cpu

import "aegis/internal/plan"

// elementwise is what works value by value on rows.
func (b *builder) elementwise(in plan.Instr) error {
	e := b.exec
	b.rows(in, func(w *worker, from, to int) {
		dst, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		switch in.Op {
		case plan.Add:
			copy(dst, x)
			e.machine.kernels.Add(dst, w.rowsOf(in.Src[1], from, to))
		case plan.Mul:
			copy(dst, x)
			e.machine.kernels.Mul(dst, w.rowsOf(in.Src[1], from, to))
		case plan.Scale:
			copy(dst, x)
			e.machine.kernels.Scale(dst, e.factor(in))
		}
	})
	return nil
}

// factor is what an instruction multiplies by.
func (e *exec) factor(in plan.Instr) float32 {
	factor := float32(in.Factor)
	if in.Scaled {
		factor *= e.buffers[in.Src[len(in.Src)-1]][0]
	}
	return factor
}

// sums is what works value by value on what there is once for a batch.
func (b *builder) sums(in plan.Instr) error {
	e := b.exec
	dst, x := e.buffers[in.Dst[0]], e.buffers[in.Src[0]]
	dst, x = dst[:e.plan.Buffers[in.Dst[0]].Size()], x[:e.plan.Buffers[in.Src[0]].Size()]
	b.unit(float64(len(dst)), func(*worker) {
		switch in.Op {
		case plan.AddSums:
			copy(dst, x)
			e.machine.kernels.Add(dst, e.buffers[in.Src[1]])
		case plan.ScaleSums:
			copy(dst, x)
			e.machine.kernels.Scale(dst, e.factor(in))
		case plan.Lerp:
			y, weight := e.buffers[in.Src[1]], float32(in.Factor)
			for i, a := range x {
				dst[i] = a + float32(weight*(y[i]-a))
			}
		}
	})
	return nil
}

// keep writes a running tensor.
func (b *builder) keep(in plan.Instr) error {
	e := b.exec
	p := e.machine.params[e.plan.Buffers[in.Dst[0]].Name]
	src := e.buffers[in.Src[0]][:len(p.matrix)]
	b.matrix(p, func(_, _, from, to int) { copy(p.matrix[from:to], src[from:to]) })
	return nil
}

// exchange adds a stage between the gradients of a phase and its updates, in
// which one worker hands all gradients out.
func (b *builder) exchange(p plan.Phase) {
	e, ph := b.exec, b.phase
	gradients := e.arena[p.Exchange.Offset:][:p.Exchange.Size:p.Exchange.Size]
	ph.stages = append(ph.stages, stage{gives: true, finish: func() {
		if err := e.machine.exchange(p.Name, gradients); err != nil {
			e.failed = err
			e.stop.Store(true)
		}
	}})
}
