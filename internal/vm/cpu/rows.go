package cpu

import (
	"fmt"

	"aegis/data"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/op"
)

// builder turns a phase's instructions into tasks.
type builder struct {
	exec  *exec
	phase *phase
}

// rows adds an instruction as a task to the stage in progress.
func (b *builder) rows(in plan.Instr, run func(w *worker, from, to int)) {
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.rows = append(s.rows, rowTask{run: run, reads: in.Src, writes: in.Dst})
}

// dense adds one that reads a big weight matrix.
func (b *builder) dense(in plan.Instr, run func(w *worker, from, to int)) {
	b.rows(in, run)
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.rows[len(s.rows)-1].dense = true
}

// add translates one instruction.
func (b *builder) add(in plan.Instr) error {
	switch in.Op {
	case plan.Load:
		return b.load(in)
	case plan.Linear:
		return b.linear(in)
	case plan.LinearDX:
		return b.linearDX(in)
	case plan.Conv2d:
		return b.conv(in)
	case plan.Conv2dDX:
		return b.convDX(in)
	case plan.ConvTranspose2d:
		return b.convTranspose(in)
	case plan.ConvTranspose2dDX:
		return b.convTransposeDX(in)
	case plan.LinearDW, plan.Conv2dDW, plan.ConvTranspose2dDW:
		return b.weights(in)
	case plan.Activate:
		return b.activate(in)
	case plan.Slope:
		return b.slope(in)
	case plan.Loss, plan.LossGrad:
		return b.loss(in)
	case plan.Add:
		return b.sum(in)
	case plan.AddSums:
		return b.addSums(in)
	case plan.Pack:
		return b.pack(in)
	case plan.Update:
		return b.update(in)
	}
	return fmt.Errorf("no instruction %q", in.Op)
}

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
	b.rows(in, func(w *worker, from, to int) {
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
	})
	return nil
}

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

// channelsLast returns the channels that lie innermost in a buffer's rows, 1
// where the values lie in the order of the shape.
func (e *exec) channelsLast(buffer int) int {
	if b := e.plan.Buffers[buffer]; b.Layout == plan.NHWC {
		return b.Shape[1]
	}
	return 1
}

// activation is an op's function as a kernel.
type activation struct {
	kind  kernel.Activation
	alpha float32
	none  bool
}

func newActivation(a op.Activation) (activation, error) {
	kinds := map[op.Kind]kernel.Activation{
		op.ReLU: kernel.ReLU, op.LeakyReLU: kernel.LeakyReLU, op.Tanh: kernel.Tanh,
		op.Sigmoid: kernel.Sigmoid, op.ELU: kernel.ELU, op.GELU: kernel.GELU,
	}
	kind, ok := kinds[a.Kind]
	if !ok && a.Kind != op.Identity {
		return activation{}, fmt.Errorf("no kernel for activation %v", a)
	}
	return activation{kind: kind, alpha: float32(a.Alpha), none: !ok}, nil
}

// relu says that a product does it in registers.
func (a activation) relu() bool { return !a.none && a.kind == kernel.ReLU }

// linear is y = f(x·W + b).
func (b *builder) linear(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	b.dense(in, func(w *worker, from, to int) {
		w.rowProduct(in, from, to)
		w.forward(e.buffers[in.Src[2]], act)
	})
	return nil
}

// rowProduct sets w.product to whole rows times the weights (K,N).
func (w *worker) rowProduct(in plan.Instr, from, to int) {
	e := w.exec
	x, y := in.Src[0], in.Dst[0]
	k, n := e.rowSize(x), e.rowSize(y)
	w.product = kernel.Product{
		M: to - from, N: n, K: k, A: w.rowsOf(x, from, to), RowA: k, ColA: 1,
		B: e.buffers[in.Src[1]], LdB: n, C: w.rowsOf(y, from, to), LdC: n,
	}
}

// forward computes w.product with a bias and an activation, in registers where
// it can.
func (w *worker) forward(bias []float32, act activation) {
	k := w.exec.machine.kernels
	w.product.Bias, w.product.ReLU = bias, act.relu()
	k.Gemm(&w.product, w.scratch)
	if !act.none && !act.relu() {
		k.Act(act.kind, w.product.C, w.product.C, act.alpha)
	}
}

// backward computes w.product times the derivative at y, which lies as the
// result does.
func (w *worker) backward(slope activation, y []float32) {
	k := w.exec.machine.kernels
	if slope.relu() {
		w.product.Y, w.product.LdY = y, w.product.N
	}
	k.Gemm(&w.product, w.scratch)
	if !slope.none && !slope.relu() {
		k.ActGrad(slope.kind, w.product.C, w.product.C, y, slope.alpha)
	}
}

// linearDX is dx = (dz·Wᵀ) ⊙ f'(y).
func (b *builder) linearDX(in plan.Instr) error {
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	b.dense(in, func(w *worker, from, to int) { w.rowsDX(in, slope, from, to) })
	return nil
}

// rowsDX is the gradient of whole rows times weights by the rows.
func (w *worker) rowsDX(in plan.Instr, slope activation, from, to int) {
	w.turned(in, from, to)
	if !slope.none {
		out, y := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[len(in.Src)-1], from, to)
		w.exec.machine.kernels.ActGrad(slope.kind, out, out, y, slope.alpha)
	}
}

// turned is whole rows times the transposed weights (K,N), rows of N values in
// and of K out: the other way round, as weights · rowsᵀ, so that the weights
// are read as they lie and what is transposed is small. It goes block by block
// through the weights, big ones where the rows themselves are too many to stay
// in the cache.
func (w *worker) turned(in plan.Instr, from, to int) {
	const (
		cache      = 1 << 16 // floats
		small, big = 128, 2048
	)
	e, rows := w.exec, to-from
	kernels, weights := e.machine.kernels, e.buffers[in.Src[1]]
	x, out := w.rowsOf(in.Src[0], from, to), w.rowsOf(in.Dst[0], from, to)
	n, k := e.rowSize(in.Src[0]), e.rowSize(in.Dst[0])
	columns := w.space(&w.columns, len(x))
	kernels.Transpose(columns, rows, x, n, rows, n)
	block := small
	if len(x) > cache {
		block = big
	}
	for i := 0; i < k; i += block {
		high := min(block, k-i)
		result := w.space(&w.result, high*rows)
		w.product = kernel.Product{
			M: high, N: rows, K: n, A: weights[i*n:], RowA: n, ColA: 1,
			B: columns, LdB: rows, C: result, LdC: rows,
		}
		kernels.Gemm(&w.product, w.scratch)
		kernels.Transpose(out[i:], k, result, rows, high, rows)
	}
}

func (b *builder) activate(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	b.rows(in, func(w *worker, from, to int) {
		dst, src := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		if act.none {
			copy(dst, src)
			return
		}
		e.machine.kernels.Act(act.kind, dst, src, act.alpha)
	})
	return nil
}

func (b *builder) slope(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	b.rows(in, func(w *worker, from, to int) {
		dst, g := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		if act.none {
			copy(dst, g)
			return
		}
		e.machine.kernels.ActGrad(act.kind, dst, g, w.rowsOf(in.Src[1], from, to), act.alpha)
	})
	return nil
}

func (b *builder) sum(in plan.Instr) error {
	e := b.exec
	b.rows(in, func(w *worker, from, to int) {
		dst := w.rowsOf(in.Dst[0], from, to)
		copy(dst, w.rowsOf(in.Src[0], from, to))
		e.machine.kernels.Add(dst, w.rowsOf(in.Src[1], from, to))
	})
	return nil
}

// lossSum is a loss term: a sum for each chunk of rows.
type lossSum struct {
	value   []float32 // the buffer
	partial []float64
	width   int // values in a row
}

// mean adds the chunks in their order.
func (l *lossSum) mean(n int) float32 {
	sum := 0.0
	for _, v := range l.partial[:(n+chunkRows-1)/chunkRows] {
		sum += v
	}
	return float32(sum / (float64(n) * float64(l.width)))
}

// loss is a loss term, with its gradient by the logits or outputs.
func (b *builder) loss(in plan.Instr) error {
	e := b.exec
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	kernelOf, factor, err := lossKernel(e.machine.kernels, in.Loss)
	if err != nil {
		return err
	}
	pred, target := in.Src[0], in.Src[1]
	sum := &lossSum{value: e.buffers[in.Dst[0]], width: e.rowSize(pred), partial: make([]float64, (e.plan.Batch+chunkRows-1)/chunkRows)}
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.losses = append(s.losses, sum)
	b.rows(in, func(w *worker, from, to int) {
		coef := float32(factor / (float64(e.n) * float64(sum.width)))
		for at := from; at < to; at += chunkRows {
			end := min(at+chunkRows, to)
			y := w.rowsOf(pred, at, end)
			var dy []float32
			if in.Op == plan.LossGrad {
				dy = w.rowsOf(in.Dst[1], at, end)
			}
			sum.partial[at/chunkRows] = kernelOf(dy, y, w.rowsOf(target, at, end), coef)
			if in.Op == plan.LossGrad && !slope.none {
				of := w.rowsOf(in.Src[len(in.Src)-1], at, end)
				e.machine.kernels.ActGrad(slope.kind, dy, dy, of, slope.alpha)
			}
		}
	})
	return nil
}

// lossKernel returns a loss and the factor of its derivative that the kernel
// leaves to its coefficient.
func lossKernel(k *kernel.Set, l op.Loss) (f func(dst, y, t []float32, coef float32) float64, factor float64, err error) {
	switch l.Kind {
	case op.MSE:
		return k.MSE, 2, nil
	case op.MAE:
		return k.MAE, 1, nil
	case op.Huber:
		delta := float32(l.Delta)
		return func(dst, y, t []float32, coef float32) float64 { return k.Huber(dst, y, t, coef, delta) }, 1, nil
	case op.BCE:
		return k.BCE, 1, nil
	case op.BCELogits:
		return k.BCELogits, 1, nil
	}
	return nil, 0, fmt.Errorf("no kernel for loss %v", l)
}
