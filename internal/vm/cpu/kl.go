package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// klGrad is the gradient of a mean divergence by a row's means or log
// variances: of one mean over all dimensions, or of a mean for each.
func (b *builder) klGrad(in plan.Instr) error {
	e := b.exec
	width := e.rowSize(in.Dst[0])
	b.rows(in, func(w *worker, from, to int) {
		dst, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		if in.Op == plan.KLMeansMu {
			copy(dst, x)
		} else {
			for i, v := range x {
				dst[i] = kernel.KLSlope(v)
			}
		}
		if in.Op == plan.KLLogVar {
			e.machine.kernels.Scale(dst, e.factor(in)/float32(e.n))
			return
		}
		grad, n := e.buffers[in.Src[1]], float32(e.n)
		for i := range dst {
			dst[i] *= grad[i%width] / n
		}
	})
	return nil
}

// klMeans is the mean divergence of each dimension, in the order of the rows.
func (b *builder) klMeans(in plan.Instr) error {
	e := b.exec
	mu, logvar, out := in.Src[0], in.Src[1], e.buffers[in.Dst[0]]
	width := e.rowSize(mu)
	b.unit(float64(4*width*e.plan.Batch), func(w *worker) {
		sums := make([]float64, width)
		for i := range e.n {
			v := w.wholeRow(logvar, i)
			for k, m := range w.wholeRow(mu, i) {
				sums[k] += kernel.KLAt(m, v[k])
			}
		}
		for k, v := range sums {
			out[k] = float32(v / float64(e.n))
		}
	}, mu, logvar)
	return nil
}

// freeBits adds up the dimensions' divergences, each the floor at least, or is
// the gradient of that.
func (b *builder) freeBits(in plan.Instr) error {
	e := b.exec
	dst := e.buffers[in.Dst[0]]
	means := e.buffers[in.Src[0]][:e.plan.Buffers[in.Src[0]].Size()]
	b.unit(float64(len(means)), func(*worker) {
		if in.Op == plan.FreeBits {
			sum := 0.0
			for _, v := range means {
				sum += max(float64(v), in.Number)
			}
			dst[0] = float32(sum)
			return
		}
		factor := e.factor(in)
		for k, v := range means {
			if dst[k] = factor; float64(v) <= in.Number {
				dst[k] = 0
			}
		}
	})
	return nil
}
