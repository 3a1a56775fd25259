package cpu

import (
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
)

// window is a convolution's geometry: an image (H,W,C), the patches of kH·kW·C
// values that the kernel sees, and the oH·oW positions that it sees them from.
type window struct {
	height, width, channels int // of the image
	kernelH, kernelW        int
	strideH, strideW        int
	top, left               int // padding
	outH, outW              int
	rows, cols              int // of the padded image: every patch lies in it
}

func (g window) positions() int { return g.outH * g.outW }

func (g window) length() int { return g.kernelH * g.kernelW * g.channels }

// run is the values of a patch that lie together, line those of a row of the
// padded image.
func (g window) run() int { return g.kernelW * g.channels }

func (g window) line() int { return g.cols * g.channels }

// inside says that no patch reaches over an edge.
func (g window) inside() bool { return g.rows == g.height && g.cols == g.width }

// newWindow reads the geometry of a convolution, a transposed one or a gradient
// from its buffers.
func (e *exec) newWindow(in plan.Instr) window {
	image, small, weights := in.Windowed()
	big, little, kernel := e.plan.Buffers[image].Shape, e.plan.Buffers[small].Shape, e.plan.Buffers[weights].Shape
	g := window{
		height: big[2], width: big[3], channels: big[1], kernelH: kernel[2], kernelW: kernel[3],
		strideH: in.Window.Stride[0], strideW: in.Window.Stride[1], top: in.Window.Padding[0], left: in.Window.Padding[1],
		outH: little[2], outW: little[3],
	}
	g.rows = max(g.top+g.height, (g.outH-1)*g.strideH+g.kernelH)
	g.cols = max(g.left+g.width, (g.outW-1)*g.strideW+g.kernelW)
	return g
}

// edge copies an image into the padded one or back.
func (g window) edge() kernel.Runs {
	return kernel.Runs{Places: 1, Runs: g.height, Length: g.width * g.channels, DstRun: g.line(), SrcRun: g.width * g.channels}
}

func (g window) origin() int { return g.top*g.line() + g.left*g.channels }

// patches sets p's A to the matrix (positions, kH·kW·C) read from a padded
// image, for a C (positions, n).
func (g window) patches(p *kernel.Product, image []float32, n int) {
	p.A, p.M, p.RowA, p.Groups, p.GroupA, p.GroupC = image, g.outW, g.strideW*g.channels, g.outH, g.strideH*g.line(), g.outW*n
	p.K, p.ColA, p.Runs, p.RunA = g.run(), 1, g.kernelH, g.line()
}

// values sets it to the same matrix transposed.
func (g window) values(p *kernel.Product, image []float32, n int) {
	p.A, p.M, p.RowA, p.Groups, p.GroupA, p.GroupC = image, g.run(), 1, g.kernelH, g.line(), g.run()*n
	p.K, p.ColA, p.Runs, p.RunA = g.outW, g.strideW*g.channels, g.outH, g.strideH*g.line()
}

// padded returns an image with its edges, zeros. A worker has one for each
// geometry; the next call takes it again.
func (w *worker) padded(g window, image []float32) []float32 {
	if g.inside() {
		return image
	}
	p, ok := w.images[g]
	if !ok {
		p = aligned(g.rows * g.line())
		w.images[g] = p
	}
	w.exec.machine.kernels.CopyRuns(p[g.origin():], image, g.edge())
	return p
}

// patchProduct sets w.product to small = patches · weights (kH·kW·C, N) for
// one row.
func (w *worker) patchProduct(g window, image, weight, small, row int) {
	e := w.exec
	n := e.plan.Buffers[small].Shape[1]
	w.product = kernel.Product{N: n, B: e.buffers[weight], LdB: n, C: w.rowsOf(small, row, row+1), LdC: n}
	g.patches(&w.product, w.padded(g, w.rowsOf(image, row, row+1)), n)
}
