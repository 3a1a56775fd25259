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
	after *follower   // follows each piece of the parameter; nil: nothing does at once
}

// follower is a shadow that moves after what it follows.
type follower struct {
	kernels *kernel.Set
	shadow  *param
	decay   []float32 // one value, of the step
}

// move moves the values from, from+1, … after those of what it follows.
func (f *follower) move(from int, of []float32) {
	f.kernels.Follow(f.shadow.matrix[from:from+len(of)], of, f.decay[0])
}

// followers are the shadows that may follow at once in phase number i of the
// plan, by the names of what they follow.
func (e *exec) followers(i int) map[string]*follower {
	found := make(map[string]*follower)
	for _, in := range e.plan.Phases[len(e.plan.Phases)-1].Update {
		if in.Op != plan.Follow {
			continue
		}
		if phase, ok := e.plan.FollowsAtOnce(in); ok && phase == i {
			found[e.plan.Buffers[in.Src[0]].Name] = e.newFollower(in)
		}
	}
	return found
}

// followsAtOnce says that an instruction is done behind updates.
func (e *exec) followsAtOnce(in plan.Instr) bool {
	if in.Op != plan.Follow {
		return false
	}
	_, ok := e.plan.FollowsAtOnce(in)
	return ok
}

// newFollower is what an instruction moves.
func (e *exec) newFollower(in plan.Instr) *follower {
	f := &follower{kernels: e.machine.kernels, shadow: e.machine.params[e.plan.Buffers[in.Dst[0]].Name]}
	if in.Scaled {
		f.decay = e.buffers[in.Src[1]]
	} else {
		f.decay = []float32{float32(in.Factor)}
	}
	return f
}

// updated is a parameter that the phase's optimizer changes.
func (b *builder) updated(buffer int) target {
	p := b.exec.machine.params[b.exec.plan.Buffers[buffer].Name]
	return target{param: p, phase: b.phase, slots: p.of(b.phase.name), after: b.followers[p.name]}
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
	t.refresh(k, row, rows, col, cols)
}

// updateCost is the cost of updating a value, in multiply-adds as products make
// them, measured on AVX-512.
func (t target) updateCost() int {
	const update, refresh, follow = 28, 16, 8
	cost := update
	if t.param.copied != nil {
		cost += refresh
	}
	if t.after != nil {
		cost += follow
		if t.after.shadow.copied != nil {
			cost += refresh
		}
	}
	return cost
}

// update applies the optimizer to values from, from+1, … of a parameter, and
// moves what follows them.
func (t target) update(from int, g []float32) {
	t.phase.optimizer(t.param.matrix, t.slots, from, g, t.phase.scalars)
	if t.after != nil {
		t.after.move(from, t.param.matrix[from:from+len(g)])
	}
}

// refresh brings the copies of rows and columns of a parameter, and of what
// follows it, up to date.
func (t target) refresh(k *kernel.Set, row, rows, col, cols int) {
	t.param.refresh(k, row, rows, col, cols)
	if t.after != nil {
		t.after.shadow.refresh(k, row, rows, col, cols)
	}
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
		b.unit(float64(rows*n*t.updateCost()), func(w *worker) {
			if t.phase.clip.On() {
				t.clipped(w, row*n, g[row*n:(row+rows)*n], factor[0])
			} else {
				t.update(row*n, g[row*n:(row+rows)*n])
			}
			t.refresh(e.machine.kernels, row, rows, 0, n)
		})
	})
	return nil
}

// follow moves a shadow by itself.
func (b *builder) follow(in plan.Instr) error {
	e := b.exec
	f, of := e.newFollower(in), e.buffers[in.Src[0]]
	b.matrix(f.shadow, func(row, rows, from, to int) {
		f.move(from, of[from:to])
		f.shadow.refresh(e.machine.kernels, row, rows, 0, f.shadow.n)
	})
	return nil
}
