package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

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

// linearDW is the gradient of weights and bias.
func (b *builder) linearDW(in plan.Instr) error {
	b.denseWeights(b.target(in, 0), in.Src[0], in.Src[1])
	b.denseBias(b.target(in, 1), in.Src[0])
	return nil
}

// denseWeights is dW (K,N) = xᵀ·dz over whole rows.
func (b *builder) denseWeights(t target, dz, x int) {
	e := b.exec
	k, n := e.rowSize(x), e.rowSize(dz)
	rows, cols := tileSize(e.plan.Batch, n)
	tiles(k, n, rows, cols, func(row, rows, col, cols int) {
		cost := float64(rows) * float64(cols) * float64(e.plan.Batch+t.updateCost())
		b.unit(cost, func(w *worker) {
			out, ld := w.space(&w.grad, rows*cols), cols
			if t.grad != nil {
				out, ld = t.grad[row*n+col:], n
			}
			w.product = kernel.Product{
				M: rows, N: cols, K: e.n, A: e.buffers[x][row:], RowA: 1, ColA: k,
				B: e.buffers[dz][col:], LdB: n, C: out, LdC: ld,
			}
			if t.grad == nil && cols == n {
				w.product.Next, w.product.NextGap = t.param.matrix[min((row+rows)*n, k*n):min((row+2*rows)*n, k*n)], t.param.gap
			}
			e.machine.kernels.Gemm(&w.product, w.scratch)
			if t.grad == nil {
				t.apply(e.machine.kernels, out, row, rows, col, cols)
			}
		}, dz, x)
	})
}

// denseBias is db = the sum of dz over the rows.
func (b *builder) denseBias(t target, dz int) {
	e := b.exec
	n := e.rowSize(dz)
	b.unit(float64(n)*float64(e.plan.Batch+t.updateCost()), func(w *worker) {
		out := t.grad
		if out == nil {
			out = w.space(&w.grad, n)
		}
		e.machine.kernels.ColumnSum(out, e.buffers[dz], e.n, n, n, false)
		if t.grad == nil {
			t.update(0, out[:n])
		}
	}, dz)
}

// tileSize says how a gradient (K,N) is cut into units. The rows of the other
// operand are read again for each unit: where they do not stay in the cache
// units are big.
func tileSize(batch, n int) (rows, cols int) {
	const cache = 1 << 18 // floats
	if batch*n > cache {
		return 256, 512
	}
	return 16, 1024
}
