package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// target is where a gradient goes: into a buffer, or at once into its
// parameter.
type target struct {
	param *param    // or what has its shape
	grad  []float32 // nil: the update follows
	phase *phase
	slots [][]float32 // that the phase keeps of the parameter
}

// updated is a parameter that the phase's optimizer changes.
func (b *builder) updated(buffer int) target {
	p := b.exec.machine.params[b.exec.plan.Buffers[buffer].Name]
	return target{param: p, phase: b.phase, slots: p.of(b.phase.name)}
}

// target finds operand i of an instruction's results.
func (b *builder) target(in plan.Instr, i int) target {
	buffers := b.exec.plan.Buffers
	dst := in.Dst[i]
	if in.Update {
		return b.updated(dst)
	}
	grad := b.exec.buffers[dst]
	shape := &param{matrix: grad}
	shape.setShape(buffers[dst].Shape, buffers[dst].Layout)
	return target{param: shape, phase: b.phase, grad: grad}
}

// apply updates a tile of the weights from its gradient (rows,cols).
func (t target) apply(k *kernel.Set, g []float32, row, rows, col, cols int) {
	if p := t.param; cols == p.n {
		t.update(row*p.n, g[:rows*cols])
	} else {
		for i := range rows {
			t.update((row+i)*p.n+col, g[i*cols:(i+1)*cols])
		}
	}
	t.param.refresh(k, row, rows, col, cols)
}

// updateCost is the cost of updating a value, in multiply-adds as products make
// them, measured on AVX-512.
func (p *param) updateCost() int {
	const update, refresh = 28, 16
	if p.copied == nil {
		return update
	}
	return update + refresh
}

// update applies the optimizer to values from, from+1, … of a parameter.
func (t target) update(from int, g []float32) {
	t.phase.optimizer(t.param.matrix, t.slots, from, g, t.phase.scalars)
}

// refresh brings the copy of rows and columns of a weight matrix up to date.
func (p *param) refresh(k *kernel.Set, row, rows, col, cols int) {
	if p.copied != nil {
		k.Transpose(p.copied[col*p.k+row:], p.k, p.matrix[row*p.n+col:], p.n, rows, cols)
	}
}

// update is an optimizer step by itself, of a gradient that is clipped on its way
// where the phase says so.
func (b *builder) update(in plan.Instr) error {
	e := b.exec
	t := b.updated(in.Dst[0])
	p, g := t.param, e.buffers[in.Src[0]]
	k, n := p.k, p.n
	if n == 0 {
		k, n = 1, len(p.matrix)
	}
	factor := []float32{1}
	if in.Scaled {
		factor = e.buffers[in.Src[1]]
	}
	tiles(k, n, 16, n, func(row, rows, _, _ int) {
		b.unit(float64(rows*n*p.updateCost()), func(w *worker) {
			if t.phase.clip.On() {
				t.clipped(w, row*n, g[row*n:(row+rows)*n], factor[0])
			} else {
				t.update(row*n, g[row*n:(row+rows)*n])
			}
			p.refresh(e.machine.kernels, row, rows, 0, n)
		})
	})
	return nil
}
