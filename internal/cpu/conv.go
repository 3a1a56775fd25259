package cpu

import (
	"aegis/internal/cpu/kernel"
	"aegis/internal/plan"
)

// window is a convolution's geometry: an image (H,W,C), the patches of kH·kW·C
// values that the kernel sees, and the oH·oW positions that it sees them from.
type window struct {
	height, width, channels int // of the image
	kernelH, kernelW        int
	strideH, strideW        int
	top, left               int // padding
	outH, outW              int
}

func (g window) positions() int { return g.outH * g.outW }
func (g window) length() int    { return g.kernelH * g.kernelW * g.channels }

// whole says that the only patch is the whole image: a convolution is then a
// linear layer.
func (g window) whole() bool {
	return g.positions() == 1 && g.kernelH == g.height && g.kernelW == g.width && g.top == 0 && g.left == 0
}

// newWindow reads the geometry from buffers: image is the side that has
// patches, small the other one.
func (e *exec) newWindow(in plan.Instr, image, small int, kernel []int) window {
	big, little := e.plan.Buffers[image].Shape, e.plan.Buffers[small].Shape
	return window{
		height: big[2], width: big[3], channels: big[1], kernelH: kernel[2], kernelW: kernel[3],
		strideH: in.Window.Stride[0], strideW: in.Window.Stride[1], top: in.Window.Padding[0], left: in.Window.Padding[1],
		outH: little[2], outW: little[3],
	}
}

// span returns the columns u of a kernel that see the image from one position:
// from ≤ u < to.
func span(position, stride, padding, kernel, size int) (from, to int) {
	first := position*stride - padding
	return max(0, -first), max(0, min(kernel, size-first))
}

// runs calls visit for every piece of the image that patches are made of:
// neighbouring positions that see the whole width of the kernel together,
// those at the edges one by one. patch and image are where it begins, and its
// strides are as in a copy from image to patches.
func (g window) runs(visit func(patch, image int, r kernel.Runs)) {
	line, width := g.kernelW*g.channels, g.width*g.channels
	for oy := range g.outH {
		fromY, toY := span(oy, g.strideH, g.top, g.kernelH, g.height)
		for ox := 0; ox < g.outW; {
			fromX, toX := span(ox, g.strideW, g.left, g.kernelW, g.width)
			places := 1
			if fromX == 0 && toX == g.kernelW {
				for ; ox+places < g.outW; places++ {
					if _, to := span(ox+places, g.strideW, g.left, g.kernelW, g.width); to < g.kernelW {
						break
					}
				}
			}
			if fromX < toX && fromY < toY {
				patch := (oy*g.outW+ox)*g.length() + fromY*line + fromX*g.channels
				image := (oy*g.strideH-g.top+fromY)*width + (ox*g.strideW-g.left+fromX)*g.channels
				visit(patch, image, kernel.Runs{
					Places: places, Runs: toY - fromY, Length: (toX - fromX) * g.channels,
					DstPlace: g.length(), DstRun: line, SrcPlace: g.strideW * g.channels, SrcRun: width,
				})
			}
			ox += places
		}
	}
}

// piece is one visit of runs, kept.
type piece struct {
	patch, image int
	runs         kernel.Runs
}

// moves is a window's way between images and patches, worked out once.
type moves struct {
	window
	slot               int // of the workers' patches
	unfolding, folding []piece
}

func (e *exec) newMoves(g window) *moves {
	m := &moves{window: g, slot: len(e.workers[0].patches)}
	for _, w := range e.workers {
		w.patches = append(w.patches, nil)
	}
	g.runs(func(patch, image int, r kernel.Runs) {
		m.unfolding = append(m.unfolding, piece{patch, image, r})
		m.fold(patch, image, r)
	})
	return m
}

// fold adds the way back. Positions whose patches overlap are visited in
// turns: to add to what was stored a moment ago is slow unless it is a whole
// vector.
func (m *moves) fold(patch, image int, r kernel.Runs) {
	const vector = 16
	turns := 1
	if m.channels%vector != 0 {
		turns = min(r.Places, (m.kernelW+m.strideW-1)/m.strideW)
	}
	for i := range turns {
		m.folding = append(m.folding, piece{patch + i*r.DstPlace, image + i*r.SrcPlace, kernel.Runs{
			Places: (r.Places - i + turns - 1) / turns, Runs: r.Runs, Length: r.Length,
			DstPlace: turns * r.SrcPlace, DstRun: r.SrcRun, SrcPlace: turns * r.DstPlace, SrcRun: r.DstRun,
		}})
	}
}

// unfold copies the patches of one image into rows of length(). What is in the
// padding is left alone: it is zero from the start.
func (m *moves) unfold(k *kernel.Set, dst, image []float32) {
	for i := range m.unfolding {
		p := &m.unfolding[i]
		k.CopyRuns(dst[p.patch:], image[p.image:], p.runs)
	}
}

// foldInto adds patches to one image.
func (m *moves) foldInto(k *kernel.Set, image, src []float32) {
	for i := range m.folding {
		p := &m.folding[i]
		k.AddRuns(image[p.image:], src[p.patch:], p.runs)
	}
}

// unfolded returns the patches of an image, in memory that the next call takes
// again: it stays in the first-level cache, which makes it faster to unfold an
// image for each use than to keep what was unfolded.
func (m *moves) unfolded(w *worker, image []float32) []float32 {
	p := &w.patches[m.slot]
	if *p == nil {
		*p = aligned(m.positions() * m.length())
	}
	m.unfold(w.exec.machine.kernels, *p, image)
	return *p
}

// space returns memory of a worker, grown where it is too small: in the first
// step, never after it.
func (w *worker) space(s *[]float32, n int) []float32 {
	if len(*s) < n {
		*s = aligned(n)
	}
	return (*s)[:n]
}

// repeated returns a bias as many times as there are positions.
func (w *worker) repeated(bias []float32, positions int) []float32 {
	all := w.space(&w.bias, len(bias)*positions)
	for i := range positions {
		copy(all[i*len(bias):], bias)
	}
	return all
}

// conv is a convolution: patches times the weights (kH·kW·C, O).
func (b *builder) conv(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	x, y := in.Src[0], in.Dst[0]
	g := e.newWindow(in, x, y, e.plan.Buffers[in.Src[1]].Shape)
	outputs := e.plan.Buffers[y].Shape[1]
	if g.whole() {
		b.dense(in, func(w *worker, from, to int) {
			w.dense(x, in.Src[1], y, from, to, e.buffers[in.Src[2]], act)
		})
		return nil
	}
	m := e.newMoves(g)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			out := e.rowsOf(y, i, i+1)
			w.product = kernel.Product{
				M: g.positions(), N: outputs, K: g.length(), A: m.unfolded(w, e.rowsOf(x, i, i+1)), RowA: g.length(), ColA: 1,
				B: e.buffers[in.Src[1]], LdB: outputs, C: out, LdC: outputs, Bias: e.buffers[in.Src[2]], ReLU: act.relu(),
			}
			e.machine.kernels.Gemm(&w.product, w.scratch)
			act.after(e.machine.kernels, out)
		}
	})
	return nil
}

// convDX is the gradient of a convolution by its image: a product with the
// copied weights (O, kH·kW·C), folded.
func (b *builder) convDX(in plan.Instr) error {
	e := b.exec
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	dz, dx := in.Src[0], in.Dst[0]
	g := e.newWindow(in, dx, dz, e.plan.Buffers[in.Src[1]].Shape)
	if g.whole() {
		b.dense(in, func(w *worker, from, to int) { w.denseDX(in, from, to, slope) })
		return nil
	}
	m := e.newMoves(g)
	b.rows(in, func(w *worker, from, to int) {
		out := e.rowsOf(dx, from, to)
		clear(out)
		w.folded(m, dz, in.Src[1], dx, from, to)
		if !slope.none {
			y := e.rowsOf(in.Src[len(in.Src)-1], from, to)
			e.machine.kernels.ActGrad(slope.kind, out, out, y, slope.alpha)
		}
	})
	return nil
}

// folded adds (small rows · weights) to the image rows of dst, one image at a
// time so that the columns stay in the first-level cache.
func (w *worker) folded(g *moves, small, weight, dst, from, to int) {
	e := w.exec
	inputs := e.plan.Buffers[small].Shape[1]
	columns := w.space(&w.columns, g.positions()*g.length())
	for i := from; i < to; i++ {
		w.product = kernel.Product{
			M: g.positions(), N: g.length(), K: inputs, A: e.rowsOf(small, i, i+1), RowA: inputs, ColA: 1,
			B: e.buffers[weight], LdB: g.length(), C: columns, LdC: g.length(),
		}
		e.machine.kernels.Gemm(&w.product, w.scratch)
		g.foldInto(e.machine.kernels, e.rowsOf(dst, i, i+1), columns)
	}
}

// convTranspose is a transposed convolution: a product with the weights
// (C, kH·kW·O), folded over the bias.
func (b *builder) convTranspose(in plan.Instr) error {
	e := b.exec
	act, err := newActivation(in.Activation)
	if err != nil {
		return err
	}
	x, y := in.Src[0], in.Dst[0]
	g := e.newWindow(in, y, x, e.plan.Buffers[in.Src[1]].Shape)
	if g.whole() {
		b.dense(in, func(w *worker, from, to int) {
			w.dense(x, in.Src[1], y, from, to, w.repeated(e.buffers[in.Src[2]], g.height*g.width), act)
		})
		return nil
	}
	m := e.newMoves(g)
	b.rows(in, func(w *worker, from, to int) {
		start := w.repeated(e.buffers[in.Src[2]], g.height*g.width)
		for i := from; i < to; i++ {
			copy(e.rowsOf(y, i, i+1), start)
		}
		w.folded(m, x, in.Src[1], y, from, to)
		if out := e.rowsOf(y, from, to); !act.none {
			e.machine.kernels.Act(act.kind, out, out, act.alpha)
		}
	})
	return nil
}

// convTransposeDX is the gradient of a transposed convolution by its input:
// patches times the copied weights (kH·kW·O, C).
func (b *builder) convTransposeDX(in plan.Instr) error {
	e := b.exec
	slope, err := newActivation(in.Slope)
	if err != nil {
		return err
	}
	dz, dx := in.Src[0], in.Dst[0]
	g := e.newWindow(in, dz, dx, e.plan.Buffers[in.Src[1]].Shape)
	if g.whole() {
		b.dense(in, func(w *worker, from, to int) { w.denseDX(in, from, to, slope) })
		return nil
	}
	inputs := e.plan.Buffers[dx].Shape[1]
	m := e.newMoves(g)
	b.rows(in, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			out := e.rowsOf(dx, i, i+1)
			w.product = kernel.Product{
				M: g.positions(), N: inputs, K: g.length(), A: m.unfolded(w, e.rowsOf(dz, i, i+1)), RowA: g.length(), ColA: 1,
				B: e.buffers[in.Src[1]], LdB: inputs, C: out, LdC: inputs,
			}
			var y []float32
			if !slope.none {
				y = e.rowsOf(in.Src[len(in.Src)-1], i, i+1)
			}
			if slope.relu() {
				w.product.Y, w.product.LdY = y, inputs
			}
			e.machine.kernels.Gemm(&w.product, w.scratch)
			slope.slopeAfter(e.machine.kernels, out, y)
		}
	})
	return nil
}
