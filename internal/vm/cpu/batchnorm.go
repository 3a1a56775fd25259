package cpu

import (
	"math"

	"aegis/internal/plan"
)

// A row of what batch norm works on is positions of C channels each: images
// lie with channels last. What there is of each channel is repeated to the
// length of a row, so that its kernels are those that go value by value.

// moments is mean and variances of each channel over the batch: of each chunk
// of rows its mean and the sum of squares around it, then Chan, Golub and
// LeVeque's formula over the chunks in their order.
func (b *builder) moments(in plan.Instr) error {
	e := b.exec
	x, out := in.Src[0], e.buffers[in.Dst[0]]
	channels := e.plan.Buffers[x].Shape[1]
	area := e.rowSize(x) / channels
	parts, err := b.newPartials(2 * channels)
	if err != nil {
		return err
	}
	b.early(func(w *worker, from, to int) {
		eachChunk(from, to, func(chunk, at, end int) {
			part := parts.data[chunk]
			w.chunkMoments(part[:channels], part[channels:2*channels], x, at, end)
		})
	}, x)
	b.unit(float64(2*channels*len(parts.data)), func(*worker) {
		for c := range channels {
			mean, squares, n := 0.0, 0.0, 0.0
			for at := 0; at < e.n; at += chunkRows {
				part := parts.data[at/chunkRows]
				more := float64(min(chunkRows, e.n-at) * area)
				d := float64(part[c]) - mean
				squares += float64(part[channels+c]) + d*d*n*more/(n+more)
				n += more
				mean += d * more / n
			}
			out[c], out[channels+c], out[2*channels+c] = float32(mean), float32(squares/n), float32(squares/max(n-1, 1))
		}
	})
	return nil
}

// chunkMoments sets mean, and the sum of squares around it, of each channel.
func (w *worker) chunkMoments(mean, squares []float32, x, from, to int) {
	k, size := w.exec.machine.kernels, w.exec.rowSize(x)
	rows := w.rowsOf(x, from, to)
	w.channelSum(mean, rows)
	k.Scale(mean, float32(len(mean))/float32(len(rows)))
	means, d, sums := w.spread(&w.means, mean, size), w.space(&w.centred, size), w.space(&w.squares, size)
	clear(sums)
	for at := 0; at < len(rows); at += size {
		copy(d, rows[at:])
		k.Sub(d, means)
		k.AddMul(sums, d, d)
	}
	w.channelSum(squares, sums)
}

// spread returns what there is of each channel at the length of a row.
func (w *worker) spread(space *[]float32, channel []float32, size int) []float32 {
	row := w.space(space, size)
	for done := copy(row, channel); done < size; done *= 2 {
		copy(row[done:], row[:done])
	}
	return row
}

// affine is scale·x + shift of each channel, as batch norm is once its
// statistics are known.
func (w *worker) affine(channels int, of func(c int) (scale, shift float64)) {
	scale, shift := w.space(&w.scale, channels), w.space(&w.shift, channels)
	for c := range channels {
		a, b := of(c)
		scale[c], shift[c] = float32(a), float32(b)
	}
}

// batchNorm is γ·(x − mean)/√(variance + ε) + β, by the moments of a batch or by
// running statistics.
func (b *builder) batchNorm(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	channels := e.plan.Buffers[in.Src[0]].Shape[1]
	mean, variance := e.buffers[in.Src[1]], e.buffers[in.Src[2]]
	gamma, beta := e.buffers[in.Src[len(in.Src)-2]], e.buffers[in.Src[len(in.Src)-1]]
	if in.Op == plan.BatchNorm {
		variance = mean[channels:]
	}
	b.rows(in, func(w *worker, from, to int) {
		w.affine(channels, func(c int) (scale, shift float64) {
			scale = float64(gamma[c]) / math.Sqrt(float64(variance[c])+in.Factor)
			return scale, float64(beta[c]) - scale*float64(mean[c])
		})
		k, size := e.machine.kernels, e.rowSize(in.Dst[0])
		scales, shifts := w.spread(&w.means, w.scale[:channels], size), w.spread(&w.centred, w.shift[:channels], size)
		y, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		for at := 0; at < len(x); at += size {
			row := y[at : at+size]
			copy(row, shifts)
			k.AddMul(row, x[at:], scales)
		}
		if !act.none {
			k.Act(act.kind, y, y, act.alpha)
		}
	})
	return nil
}

// batchNormDGamma is dγ = Σ dy·x̂ and dβ = Σ dy of each channel, in chunks of
// rows.
func (b *builder) batchNormDGamma(in plan.Instr) error {
	e := b.exec
	dy, moments, x := in.Src[0], e.buffers[in.Src[1]], in.Src[2]
	dGamma, dBeta := e.buffers[in.Dst[0]], e.buffers[in.Dst[1]]
	channels := e.plan.Buffers[x].Shape[1]
	parts, err := b.newPartials(2 * channels)
	if err != nil {
		return err
	}
	b.early(func(w *worker, from, to int) {
		k, size := e.machine.kernels, e.rowSize(x)
		means := w.spread(&w.means, moments[:channels], size)
		d, sums := w.space(&w.centred, size), w.space(&w.squares, size)
		eachChunk(from, to, func(chunk, at, end int) {
			part, rows, grads := parts.data[chunk], w.rowsOf(x, at, end), w.rowsOf(dy, at, end)
			clear(sums)
			for at := 0; at < len(rows); at += size {
				copy(d, rows[at:])
				k.Sub(d, means)
				k.AddMul(sums, d, grads[at:])
			}
			w.channelSum(part[:channels], sums)
			w.channelSum(part[channels:2*channels], grads)
		})
	}, dy, x)
	b.unit(float64(2*channels*len(parts.data)), func(*worker) {
		k := e.machine.kernels
		parts.reduce(k, dGamma[:channels], e.n, 0, channels)
		parts.reduce(k, dBeta[:channels], e.n, channels, 2*channels)
		for c := range channels {
			dGamma[c] = float32(float64(dGamma[c]) / math.Sqrt(float64(moments[channels+c])+in.Factor))
		}
	})
	return nil
}

// batchNormDX is dx = γ/√(variance + ε)·(dy − dβ/N − x̂·dγ/N), of each channel a
// multiple of dy, one of x and a constant.
func (b *builder) batchNormDX(in plan.Instr) error {
	e := b.exec
	dy, moments, gamma, x := in.Src[0], e.buffers[in.Src[1]], e.buffers[in.Src[2]], in.Src[5]
	dGamma, dBeta := e.buffers[in.Src[3]], e.buffers[in.Src[4]]
	channels := e.plan.Buffers[x].Shape[1]
	area := e.rowSize(x) / channels
	b.rows(in, func(w *worker, from, to int) {
		n, inverses := float64(e.n*area), w.space(&w.inverse, channels)
		w.affine(channels, func(c int) (scale, shift float64) {
			inverse := 1 / math.Sqrt(float64(moments[channels+c])+in.Factor)
			outer := float64(gamma[c]) * inverse
			scale = -outer * inverse * float64(dGamma[c]) / n
			inverses[c] = float32(outer)
			return scale, -outer*float64(dBeta[c])/n - scale*float64(moments[c])
		})
		k, size := e.machine.kernels, e.rowSize(x)
		byX, shifts := w.spread(&w.means, w.scale[:channels], size), w.spread(&w.centred, w.shift[:channels], size)
		byDY := w.spread(&w.squares, inverses, size)
		out, rows, grads := w.rowsOf(in.Dst[0], from, to), w.rowsOf(x, from, to), w.rowsOf(dy, from, to)
		for at := 0; at < len(rows); at += size {
			row := out[at : at+size]
			copy(row, shifts)
			k.AddMul(row, grads[at:], byDY)
			k.AddMul(row, rows[at:], byX)
		}
	})
	return nil
}

// track moves a running statistic.
func (b *builder) track(in plan.Instr) error {
	running, moments, out := b.exec.buffers[in.Src[0]], b.exec.buffers[in.Src[1]], b.exec.buffers[in.Dst[0]]
	channels := b.exec.plan.Buffers[in.Dst[0]].Size()
	weight := float32(in.Factor)
	b.unit(float64(channels), func(*worker) {
		for c, m := range moments[int(in.Moment)*channels:][:channels] {
			out[c] = running[c] + float32(weight*(m-running[c]))
		}
	})
	return nil
}
