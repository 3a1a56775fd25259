package cpu

import (
	"fmt"

	"aegis/internal/vm/cpu/kernel"
)

// tiles cuts a matrix (K,N).
func tiles(k, n, rows, cols int, visit func(row, rows, col, cols int)) {
	for row := 0; row < k; row += rows {
		for col := 0; col < n; col += cols {
			visit(row, min(rows, k-row), col, min(cols, n-col))
		}
	}
}

// matrix adds units that go through a parameter, each through some rows of it
// where it is a matrix: the values from from to to-1.
func (b *builder) matrix(p *param, run func(row, rows, from, to int)) {
	k, n := p.k, p.n
	if n == 0 {
		k, n = 1, len(p.matrix)
	}
	tiles(k, n, 16, n, func(row, rows, _, _ int) {
		b.unit(float64(rows*n), func(*worker) { run(row, rows, row*n, (row+rows)*n) })
	})
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

// reduced adds units that bring partial sums together, for a matrix (k,n).
func (b *builder) reduced(t target, sums partials, k, n int) {
	e := b.exec
	tiles(k, n, 16, n, func(row, rows, _, _ int) {
		from, to := row*n, (row+rows)*n
		b.unit(float64((to-from)*(len(sums.data)+t.updateCost())), func(w *worker) {
			if t.grad != nil {
				sums.reduce(e.machine.kernels, t.grad[from:to], e.n, from, to)
				return
			}
			out := w.space(&w.grad, to-from)
			sums.reduce(e.machine.kernels, out, e.n, from, to)
			t.update(from, out)
			t.refresh(e.machine.kernels, row, rows, 0, n)
		})
	})
}
