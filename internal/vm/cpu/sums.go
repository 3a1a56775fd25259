package cpu

import (
	"fmt"
	"slices"

	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/optim"
)

// target is where a gradient goes: into a buffer, or at once into its
// parameter.
type target struct {
	param *param    // or what has its shape
	grad  []float32 // nil: the update follows
	phase *phase
	slots [][]float32 // that the phase keeps of the parameter
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
	shape.setShape(buffers[dst].Shape)
	return target{param: shape, phase: b.phase, grad: grad}
}

// updated is a parameter that the phase's optimizer changes.
func (b *builder) updated(buffer int) target {
	p := b.exec.machine.params[b.exec.plan.Buffers[buffer].Name]
	return target{param: p, phase: b.phase, slots: p.of(b.phase.name)}
}

// unit adds a unit to the stage in progress, which reads rows of buffers.
func (b *builder) unit(cost float64, run func(w *worker), reads ...int) {
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.units = append(s.units, unit{run: run, cost: cost})
	s.reads = append(s.reads, reads...)
}

// early adds a partial sum to the stage that takes rows through, right behind
// the task that writes the last of its operands: they are still in the cache.
func (b *builder) early(run func(w *worker, from, to int), operands ...int) {
	for i := len(b.phase.stages) - 1; i >= 0; i-- {
		s := &b.phase.stages[i]
		if len(s.rows) == 0 {
			continue
		}
		at := 0
		for k, task := range s.rows {
			if task.early && k == at || slices.ContainsFunc(task.writes, func(w int) bool { return slices.Contains(operands, w) }) {
				at = k + 1
			}
		}
		s.rows = slices.Insert(s.rows, at, rowTask{run: run, reads: operands, early: true})
		return
	}
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
func (t target) update(k *kernel.Set, from int, g []float32) {
	ph, w := t.phase, t.param.matrix[from:from+len(g)]
	slot := func(i int) []float32 { return t.slots[i][from : from+len(g)] }
	switch o := ph.optimizer; {
	case o.Kind == optim.Adam:
		k.Adam(w, g, slot(0), slot(1), float32(o.Beta1), float32(1-o.Beta1), float32(o.Beta2), float32(1-o.Beta2), ph.scalars[0], ph.scalars[1])
	case o.Momentum != 0:
		k.Momentum(w, g, slot(0), float32(o.Momentum), ph.scalars[0])
	default:
		k.SGD(w, g, ph.scalars[0])
	}
}

// refresh brings the copy of rows and columns of a weight matrix up to date.
func (p *param) refresh(k *kernel.Set, row, rows, col, cols int) {
	if p.copied != nil {
		k.Transpose(p.copied[col*p.k+row:], p.k, p.matrix[row*p.n+col:], p.n, rows, cols)
	}
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

// tiles cuts a matrix (K,N).
func tiles(k, n, rows, cols int, visit func(row, rows, col, cols int)) {
	for row := 0; row < k; row += rows {
		for col := 0; col < n; col += cols {
			visit(row, min(rows, k-row), col, min(cols, n-col))
		}
	}
}

// weights is the gradient of a weight matrix and of its bias.
func (b *builder) weights(in plan.Instr) error {
	dz, x := in.Src[0], in.Src[1]
	weight := b.target(in, 0)
	bias := b.target(in, 1)
	if in.Op == plan.ConvTranspose2dDW {
		if err := b.chunkedBias(bias, dz); err != nil {
			return err
		}
		return b.convWeights(in, weight, dz, x)
	}
	if in.Op == plan.Conv2dDW && !b.exec.plan.Whole(in) {
		if err := b.convWeights(in, weight, x, dz); err != nil {
			return err
		}
		return b.chunkedBias(bias, dz)
	}
	b.denseWeights(weight, dz, x)
	b.denseBias(bias, dz)
	return nil
}

// denseWeights is dW (K,N) = xᵀ·dz over whole rows.
func (b *builder) denseWeights(t target, dz, x int) {
	e := b.exec
	k, n := e.rowSize(x), e.rowSize(dz)
	rows, cols := tileSize(e.plan.Batch, n)
	tiles(k, n, rows, cols, func(row, rows, col, cols int) {
		cost := float64(rows) * float64(cols) * float64(e.plan.Batch+t.param.updateCost())
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

// apply updates a tile of the weights from its gradient (rows,cols).
func (t target) apply(k *kernel.Set, g []float32, row, rows, col, cols int) {
	if p := t.param; cols == p.n {
		t.update(k, row*p.n, g[:rows*cols])
	} else {
		for i := range rows {
			t.update(k, (row+i)*p.n+col, g[i*cols:(i+1)*cols])
		}
	}
	t.param.refresh(k, row, rows, col, cols)
}

// denseBias is db = the sum of dz over the rows.
func (b *builder) denseBias(t target, dz int) {
	e := b.exec
	n := e.rowSize(dz)
	b.unit(float64(n)*float64(e.plan.Batch+t.param.updateCost()), func(w *worker) {
		out := t.grad
		if out == nil {
			out = w.space(&w.grad, n)
		}
		e.machine.kernels.ColumnSum(out, e.buffers[dz], e.n, n, n, false)
		if t.grad == nil {
			t.update(e.machine.kernels, 0, out[:n])
		}
	}, dz)
}

// partials is a sum over the batch in chunks of rows.
type partials struct {
	data [][]float32 // a chunk each
}

func (b *builder) newPartials(n int) (partials, error) {
	p := partials{data: make([][]float32, (b.exec.plan.Batch+chunkRows-1)/chunkRows)}
	for i := range p.data {
		var err error
		if p.data[i], err = b.exec.machine.memory.Floats(n); err != nil {
			return p, fmt.Errorf("partial sums over the batch: %w", err)
		}
	}
	return p, nil
}

// reduce adds the chunks in their order, for values from to to-1.
func (p partials) reduce(k *kernel.Set, dst []float32, batch, from, to int) {
	copy(dst, p.data[0][from:to])
	for c := 1; c*chunkRows < batch; c++ {
		k.Add(dst[:to-from], p.data[c][from:to])
	}
}

// eachChunk calls sum for the chunks in rows from to to-1; from is the first
// row of one.
func eachChunk(from, to int, sum func(chunk, from, to int)) {
	for at := from; at < to; at += chunkRows {
		sum(at/chunkRows, at, min(at+chunkRows, to))
	}
}

// convWeights is the gradient of the weights (kH·kW·C, N) of a convolution
// from image to small, or of a transposed one from small to image: patchesᵀ ·
// small.
func (b *builder) convWeights(in plan.Instr, t target, image, small int) error {
	e := b.exec
	if e.plan.Whole(in) {
		b.denseWeights(t, small, image)
		return nil
	}
	g := e.newWindow(in)
	n := e.plan.Buffers[small].Shape[1]
	sums, err := b.newPartials(len(t.param.matrix))
	if err != nil {
		return err
	}
	b.early(func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.product = kernel.Product{
				N: n, B: w.rowsOf(small, i, i+1), LdB: n, C: sums.data[i/chunkRows], LdC: n, Accumulate: i%chunkRows > 0,
			}
			g.values(&w.product, w.padded(g, w.rowsOf(image, i, i+1)), n)
			e.machine.kernels.Gemm(&w.product, w.scratch)
		}
	}, image, small)
	b.reduced(t, sums, t.param.k, t.param.n)
	return nil
}

// chunkedBias is the gradient of a bias over rows and positions.
func (b *builder) chunkedBias(t target, dz int) error {
	e := b.exec
	channels := e.plan.Buffers[dz].Shape[1]
	sums, err := b.newPartials(channels)
	if err != nil {
		return err
	}
	b.early(func(w *worker, from, to int) {
		eachChunk(from, to, func(chunk, at, end int) {
			w.channelSum(sums.data[chunk], w.rowsOf(dz, at, end))
		})
	}, dz)
	b.reduced(t, sums, 1, channels)
	return nil
}

// channelSum adds up pixels of len(dst) channels. Few channels are added
// several pixels at a time: a sum that waits for the one before it is slow.
func (w *worker) channelSum(dst, src []float32) {
	const wide = 64
	k, channels := w.exec.machine.kernels, len(dst)
	together := max(1, wide/channels)
	width := together * channels
	rows := len(src) / width
	sums := w.space(&w.sum, width)
	k.ColumnSum(sums, src, rows, width, width, false)
	k.ColumnSum(dst, sums, together, channels, channels, false)
	rest := src[rows*width:]
	k.ColumnSum(dst, rest, len(rest)/channels, channels, channels, true)
}

// reduced adds units that bring partial sums together, for a matrix (k,n).
func (b *builder) reduced(t target, sums partials, k, n int) {
	e := b.exec
	tiles(k, n, 16, n, func(row, rows, _, _ int) {
		from, to := row*n, (row+rows)*n
		b.unit(float64((to-from)*(len(sums.data)+t.param.updateCost())), func(w *worker) {
			if t.grad != nil {
				sums.reduce(e.machine.kernels, t.grad[from:to], e.n, from, to)
				return
			}
			out := w.space(&w.grad, to-from)
			sums.reduce(e.machine.kernels, out, e.n, from, to)
			t.update(e.machine.kernels, from, out)
			t.param.refresh(e.machine.kernels, row, rows, 0, n)
		})
	})
}

// update is an optimizer step by itself.
func (b *builder) update(in plan.Instr) error {
	e := b.exec
	t := b.updated(in.Dst[0])
	p, g := t.param, e.buffers[in.Src[0]]
	k, n := p.k, p.n
	if n == 0 {
		k, n = 1, len(p.matrix)
	}
	tiles(k, n, 16, n, func(row, rows, _, _ int) {
		b.unit(float64(rows*n*p.updateCost()), func(*worker) {
			t.update(e.machine.kernels, row*n, g[row*n:(row+rows)*n])
			p.refresh(e.machine.kernels, row, rows, 0, n)
		})
	})
	return nil
}
