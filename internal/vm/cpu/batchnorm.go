package cpu

import (
	"math"

	"aegis/internal/plan"
)

// Rows of what batch norm works on are positions of C channels each: images lie
// with channels last. What there is of each channel is repeated to the length of
// a piece, so that its kernels are those that go value by value.

// pieceOf is how many values a piece has: whole positions, few enough that all of
// it stays in the cache.
func pieceOf(channels int) int {
	const values = 1024
	return channels * max(1, values/channels)
}

// eachPiece calls visit for the pieces of n values; the last one may be short.
func eachPiece(n, piece int, visit func(from, to int)) {
	for at := 0; at < n; at += piece {
		visit(at, min(at+piece, n))
	}
}

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
	k := w.exec.machine.kernels
	rows := w.rowsOf(x, from, to)
	w.channelSum(mean, rows)
	k.Scale(mean, float32(len(mean))/float32(len(rows)))
	means := w.spread(&w.means, mean)
	sums := w.space(&w.squares, len(means))
	clear(sums)
	eachPiece(len(rows), len(means), func(at, end int) { k.AddSquares(sums[:end-at], rows[at:end], means) })
	w.channelSum(squares, sums)
}

// spread returns what there is of each channel at the length of a piece.
func (w *worker) spread(space *[]float32, channel []float32) []float32 {
	piece := w.space(space, pieceOf(len(channel)))
	for done := copy(piece, channel); done < len(piece); done *= 2 {
		copy(piece[done:], piece[:done])
	}
	return piece
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
		k := e.machine.kernels
		scales, shifts := w.spread(&w.means, w.scale[:channels]), w.spread(&w.centred, w.shift[:channels])
		y, x := w.rowsOf(in.Dst[0], from, to), w.rowsOf(in.Src[0], from, to)
		eachPiece(len(x), len(scales), func(at, end int) {
			piece := y[at:end]
			k.Affine(piece, x[at:end], scales, shifts, act.relu())
			if !act.none && !act.relu() {
				k.Act(act.kind, piece, piece, act.alpha)
			}
		})
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
		k := e.machine.kernels
		means := w.spread(&w.means, moments[:channels])
		sums, plain := w.space(&w.squares, len(means)), w.space(&w.centred, len(means))
		eachChunk(from, to, func(chunk, at, end int) {
			part, rows, grads := parts.data[chunk], w.rowsOf(x, at, end), w.rowsOf(dy, at, end)
			clear(sums)
			clear(plain)
			eachPiece(len(rows), len(means), func(at, end int) { k.AddCentred(sums[:end-at], plain, rows[at:end], means, grads[at:end]) })
			w.channelSum(part[:channels], sums)
			w.channelSum(part[channels:2*channels], plain)
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
		k := e.machine.kernels
		byX, shifts := w.spread(&w.means, w.scale[:channels]), w.spread(&w.centred, w.shift[:channels])
		byDY := w.spread(&w.squares, inverses)
		out, rows, grads := w.rowsOf(in.Dst[0], from, to), w.rowsOf(x, from, to), w.rowsOf(dy, from, to)
		eachPiece(len(rows), len(shifts), func(at, end int) { k.Affine2(out[at:end], grads[at:end], byDY, rows[at:end], byX, shifts) })
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
