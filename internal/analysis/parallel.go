package analysis

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"aegis/internal/vm/cpu/kernel"
)

// worker is what one goroutine works with: the kernels, their scratch and a
// buffer of its own.
type worker struct {
	set     *kernel.Set
	scratch *kernel.Scratch
	space   [2][]float32
}

// buffer returns n values of what buffer i held.
func (w *worker) buffer(i, n int) []float32 {
	if cap(w.space[i]) < n {
		w.space[i] = make([]float32, n)
	}
	return w.space[i][:n]
}

// pool is workers that share out tasks.
type pool struct{ workers []*worker }

func newPool() (*pool, error) {
	set, err := kernel.Choose("")
	if err != nil {
		return nil, fmt.Errorf("analysis: %w", err)
	}
	p := &pool{workers: make([]*worker, max(1, runtime.GOMAXPROCS(0)))}
	for i := range p.workers {
		p.workers[i] = &worker{set: set, scratch: kernel.NewScratch()}
	}
	return p, nil
}

// each does all tasks, each by one worker; a task writes nothing that another
// one reads or writes. When ctx ends, tasks not begun are left out and its
// error is returned.
func (p *pool) each(ctx context.Context, tasks int, do func(w *worker, task int)) error {
	if n := min(len(p.workers), tasks); n > 1 {
		var next atomic.Int64
		var group sync.WaitGroup
		for _, w := range p.workers[:n] {
			group.Go(func() {
				for ctx.Err() == nil {
					task := int(next.Add(1)) - 1
					if task >= tasks {
						return
					}
					do(w, task)
				}
			})
		}
		group.Wait()
		return ctx.Err()
	}
	for task := range tasks {
		if ctx.Err() != nil {
			break
		}
		do(p.workers[0], task)
	}
	return ctx.Err()
}

// chunks is how many pieces the rows of a sum are cut into: a fixed number, so
// that the order of the sum is the same for any number of workers.
const chunks = 32

// chunk returns the rows of piece i of n.
func chunk(n, i int) (from, to int) { return i * n / chunks, (i + 1) * n / chunks }

// lessMean writes rows of m without mean into dst.
func lessMean(dst []float32, m Matrix, from, to int, mean []float32) {
	for i := from; i < to; i++ {
		out := dst[(i-from)*m.Cols : (i-from+1)*m.Cols]
		for j, v := range m.Row(i) {
			out[j] = v - mean[j]
		}
	}
}

// across is what distances to some points, the columns, are taken by: centred
// values transposed, and squared lengths.
//
//	|x − y|² = |x|² + |y|² − 2·x·y, all without the mean, which keeps digits
type across struct {
	mean   []float32 // (p)
	turned []float32 // (p, k): −2 times the points
	length []float32 // (k)
}

func newAcross(points Matrix, from, to int, mean []float32) *across {
	k, p := to-from, points.Cols
	a := &across{mean: mean, turned: make([]float32, p*k), length: make([]float32, k)}
	for c := range k {
		var sum float64
		for j, v := range points.Row(from + c) {
			d := v - mean[j]
			a.turned[j*k+c] = -2 * d
			sum += float64(d) * float64(d)
		}
		a.length[c] = float32(sum)
	}
	return a
}

// distances returns |x − y|² − |x|² for rows from up to to of m, x, and the
// points y: (to−from, k) of the worker's buffer.
func (a *across) distances(w *worker, m Matrix, from, to int) []float32 {
	k := len(a.length)
	rows := w.buffer(0, (to-from)*m.Cols)
	lessMean(rows, m, from, to, a.mean)
	dst := w.buffer(1, (to-from)*k)
	w.set.Gemm(&kernel.Product{
		M: to - from, N: k, K: m.Cols,
		A: rows, RowA: m.Cols, ColA: 1,
		B: a.turned, LdB: k,
		C: dst, LdC: k,
		Bias: a.length,
	}, w.scratch)
	return dst
}
