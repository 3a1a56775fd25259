package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// conv2d is a convolution.
func (b *builder) conv2d(in plan.Instr) error {
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	x, weight, y, bias := in.Src[0], in.Src[1], in.Dst[0], b.exec.buffers[in.Src[2]]
	if b.exec.plan.Whole(in) {
		b.dense(in, func(w *worker, from, to int) {
			w.rowProduct(in, from, to)
			w.forward(bias, act)
		})
		return nil
	}
	g := b.exec.newWindow(in)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.patchProduct(g, x, weight, y, i)
			w.forward(bias, act)
		}
	})
	return nil
}

// conv2dDX is the gradient of a convolution by its image.
func (b *builder) conv2dDX(in plan.Instr) error {
	e := b.exec
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	dz, weight, dx, y := in.Src[0], in.Src[1], in.Dst[0], in.Src[len(in.Src)-1]
	if e.plan.Whole(in) {
		b.dense(in, func(w *worker, from, to int) { w.rowsDX(in, slope, from, to) })
		return nil
	}
	g := e.newWindow(in)
	zero := make([]float32, g.channels)
	b.rows(in, func(w *worker, from, to int) {
		start := w.startOf(g, zero)
		for i := from; i < to; i++ {
			out := w.rowsOf(dx, i, i+1)
			w.scatter(g, w.rowsOf(dz, i, i+1), e.buffers[weight], out, start)
			if !slope.none {
				e.machine.kernels.ActGrad(slope.kind, out, out, w.rowsOf(y, i, i+1), slope.alpha)
			}
		}
	})
	return nil
}

// conv2dDW is the gradient of a convolution's weights and bias.
func (b *builder) conv2dDW(in plan.Instr) error {
	if b.exec.plan.Whole(in) {
		return b.linearDW(in)
	}
	dz, x := in.Src[0], in.Src[1]
	if err := b.convWeights(in, b.target(in, 0), x, dz); err != nil {
		return err
	}
	return b.chunkedBias(b.target(in, 1), dz)
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
