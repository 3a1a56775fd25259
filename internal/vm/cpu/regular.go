package cpu

import (
	"aegis/internal/plan"
	"aegis/model/op"
)

// clamp keeps values in a range, and gives the gradient of those that are.
func (b *builder) clamp(in plan.Instr) error {
	lo, hi := float32(in.Numbers[0]), float32(in.Numbers[1])
	b.rows(in, func(w *worker, from, to int) {
		dst, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[len(in.Src)-1], from, to)
		if in.Op == plan.Clamp {
			b.exec.machine.kernels.Clamp(dst, x, lo, hi)
			return
		}
		g := w.rowsOf(in.Src[0], from, to)
		for i, v := range x {
			dst[i] = g[i]
			if v < lo || v > hi {
				dst[i] = 0
			}
		}
	})
	return nil
}

// topK copies the largest values of each row, or the gradient of them.
func (b *builder) topK(in plan.Instr) error {
	size := b.exec.rowSize(in.Dst[0])
	b.rows(in, func(w *worker, from, to int) {
		dst, g, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to), w.rowsOf(in.Src[len(in.Src)-1], from, to)
		clear(dst)
		sorted := w.space(&w.centred, size)
		for at := 0; at < len(x); at += size {
			op.Largest(x[at:at+size], in.K, sorted, func(i int) { dst[at+i] = g[at+i] })
		}
	})
	return nil
}

// channelMeanGrad is the gradient of the mean of each channel by what it is of.
func (b *builder) channelMeanGrad(in plan.Instr) error {
	e := b.exec
	g := e.buffers[in.Src[1]]
	channels, size := e.plan.Buffers[in.Dst[0]].Shape[1], e.rowSize(in.Dst[0])
	b.rows(in, func(w *worker, from, to int) {
		scale := w.space(&w.scale, channels)
		for c := range scale {
			scale[c] = float32(float64(g[c]) / float64(e.n*size/channels))
		}
		piece, dst := w.spread(&w.means, scale), w.rowsOf(in.Dst[0], from, to)
		eachPiece(len(dst), len(piece), func(at, end int) { copy(dst[at:end], piece) })
	})
	return nil
}

// rateKL is the divergence of means from a rate, or its gradient.
func (b *builder) rateKL(in plan.Instr) error {
	e := b.exec
	kl := op.RateKLDef{Rate: in.Numbers[0]}
	out, means := e.buffers[in.Dst[0]], e.buffers[in.Src[0]][:e.plan.Buffers[in.Src[0]].Size()]
	b.unit(float64(len(means)), func(*worker) {
		sum, factor := 0.0, e.factor(in)
		for c, m := range means {
			value, slope := kl.At(float64(m))
			sum += value
			if in.Op == plan.RateKLGrad {
				out[c] = float32(slope) * factor
			}
		}
		if in.Op == plan.RateKL {
			out[0] = float32(sum)
		}
	})
	return nil
}

// decay adds the gradient of a penalty on weights.
func (b *builder) decay(in plan.Instr) error {
	e := b.exec
	l1, l2 := float32(in.Numbers[0]), float32(2*in.Numbers[1])
	const piece = 1 << 14
	n := e.plan.Buffers[in.Dst[0]].Size()
	for from := 0; from < n; from += piece {
		to := min(from+piece, n)
		b.unit(float64(2*(to-from)), func(*worker) {
			dst, g, w := e.buffers[in.Dst[0]][from:to], e.buffers[in.Src[0]][from:to], e.buffers[in.Src[1]][from:to]
			for i, v := range w {
				sum := g[i] + float32(l2*v)
				if l1 != 0 && v > 0 {
					sum += l1
				} else if l1 != 0 && v < 0 {
					sum -= l1
				}
				dst[i] = sum
			}
		})
	}
	return nil
}
