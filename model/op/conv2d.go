package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Conv2dDef is PyTorch's nn.Conv2d with its activation,
//
//	y[b,o,i,j] = f(bias[o] + Σ x[b, c, i·stride+u−padding, j·stride+v−padding] · w[o,c,u,v])
//
// over c, u, v: x (B,C,H,W), w (O,C,kH,kW), bias (O) → y (B,O,oH,oW).
type Conv2dDef struct {
	Window     Window
	Activation Activation
}

// Conv2d adds a convolution. An activation whose gradient needs its input
// becomes a node of its own.
func Conv2d(x, w, b *G.Node, window Window, a Activation) (*G.Node, error) {
	if !a.FromInput() {
		return apply(Conv2dDef{window, a}, x, w, b)
	}
	z, err := apply(Conv2dDef{window, None}, x, w, b)
	if err != nil {
		return nil, err
	}
	return Activate(z, a)
}

func (d Conv2dDef) String() string {
	return "Conv2d[" + d.Window.String() + " " + d.Activation.String() + "]"
}

func (d Conv2dDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, w, b := in[0], in[1], in[2]
	if len(x) != 4 || len(w) != 4 || len(b) != 1 || x[1] != w[1] || b[0] != w[0] {
		return nil, shapeError(d, "x (B,C,H,W), w (O,C,kH,kW), b (O)", in)
	}
	if err := d.Activation.Validate(); err != nil {
		return nil, err
	}
	return convShape(d, d.Window, x, w, w[0], in)
}

func convShape(d Definition, window Window, x, w tensor.Shape, channels int, in []tensor.Shape) (tensor.Shape, error) {
	if err := window.check(); err != nil {
		return nil, err
	}
	h, wd := window.convSize(0, x[2], w[2]), window.convSize(1, x[3], w[3])
	if h < 1 || wd < 1 {
		return nil, shapeError(d, "a kernel no larger than the padded image", in)
	}
	return tensor.Shape{x[0], channels, h, wd}, nil
}

func (d Conv2dDef) do32(c call[float32]) { conv2d(d.Window, d.Activation, c) }
func (d Conv2dDef) do64(c call[float64]) { conv2d(d.Window, d.Activation, c) }

// conv2d multiplies the patches of each image by the weights. The bias is
// there in a layer and absent in a gradient.
func conv2d[T float](window Window, a Activation, c call[T]) {
	x, w := c.in[0], c.in[1]
	p := newPatches(window, c.shape[0], c.shape[1], c.outShape)
	channels, length, area := c.outShape[1], p.length(), p.positions()
	var bias []T
	if len(c.in) == 3 {
		bias = c.in[2]
	}
	pixels := len(x) / c.outShape[0]
	parallel(c.outShape[0], func(from, to int) {
		patch, row := make([]T, area*length), make([]T, channels)
		for b := from; b < to; b++ {
			unfold(p, patch, x[b*pixels:][:pixels])
			y := c.out[b*channels*area:][:channels*area]
			for i := range area {
				products(row, patch[i*length:][:length], w, bias)
				for o, v := range row {
					y[o*area+i] = v
				}
			}
			activate(a, y)
		}
	})
}

func (d Conv2dDef) wrt() []bool { return []bool{true, true, true} }

func (d Conv2dDef) grads(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	x, w := in[0], in[1]
	dz, err := activationGrad(out, grad, d.Activation)
	if err != nil {
		return nil, err
	}
	size := [2]int{x.Shape()[2], x.Shape()[3]}
	dx, err := apply(Conv2dDXDef{Window: d.Window, Size: size}, dz, w)
	if err != nil {
		return nil, err
	}
	kernel := [2]int{w.Shape()[2], w.Shape()[3]}
	dw, err := apply(Conv2dDWDef{Window: d.Window, Kernel: kernel}, dz, x)
	if err != nil {
		return nil, err
	}
	db, err := apply(BiasGradDef{}, dz)
	return G.Nodes{dx, dw, db}, err
}

// Conv2dDXDef is the gradient of a convolution with respect to its image, a
// transposed convolution without bias: dz (B,O,oH,oW), w (O,C,kH,kW) → dx
// (B,C,H,W). Size is {H, W}, which oH, oW alone do not tell.
type Conv2dDXDef struct {
	Window Window
	Size   [2]int
}

func (d Conv2dDXDef) String() string { return "Conv2dDX[" + d.Window.String() + "]" }

func (d Conv2dDXDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, w := in[0], in[1]
	if len(dz) != 4 || len(w) != 4 || dz[1] != w[0] ||
		d.Window.convSize(0, d.Size[0], w[2]) != dz[2] || d.Window.convSize(1, d.Size[1], w[3]) != dz[3] {
		return nil, shapeError(d, "dz (B,O,oH,oW) and w (O,C,kH,kW) of one convolution", in)
	}
	return tensor.Shape{dz[0], w[1], d.Size[0], d.Size[1]}, nil
}

func (d Conv2dDXDef) do32(c call[float32]) { convTranspose2d(d.Window, None, c) }
func (d Conv2dDXDef) do64(c call[float64]) { convTranspose2d(d.Window, None, c) }

// Conv2dDWDef is the gradient of a convolution with respect to its weights,
//
//	dw[o,c,u,v] = Σ dz[b,o,i,j] · x[b, c, i·stride+u−padding, j·stride+v−padding]
//
// over b, i, j: dz (B,O,oH,oW), x (B,C,H,W) → dw (O,C,kH,kW).
type Conv2dDWDef struct {
	Window Window
	Kernel [2]int
}

func (d Conv2dDWDef) String() string { return "Conv2dDW[" + d.Window.String() + "]" }

func (d Conv2dDWDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, x := in[0], in[1]
	if len(dz) != 4 || len(x) != 4 || dz[0] != x[0] ||
		d.Window.convSize(0, x[2], d.Kernel[0]) != dz[2] || d.Window.convSize(1, x[3], d.Kernel[1]) != dz[3] {
		return nil, shapeError(d, "dz (B,O,oH,oW) and x (B,C,H,W) of one convolution", in)
	}
	return tensor.Shape{dz[1], x[1], d.Kernel[0], d.Kernel[1]}, nil
}

func (d Conv2dDWDef) do32(c call[float32]) { conv2dDW(d.Window, 0, 1, c) }
func (d Conv2dDWDef) do64(c call[float64]) { conv2dDW(d.Window, 0, 1, c) }

// conv2dDW is the gradient of weights from input small, what the kernel gives
// at each position, and input image, what it moves over. It sums over images
// in their order; the range of small's channels is what is split.
func conv2dDW[T float](window Window, small, image int, c call[T]) {
	dz, x := c.in[small], c.in[image]
	p := newPatches(window, c.shape[image], c.outShape, c.shape[small])
	batch, channels, length, area := c.shape[image][0], c.outShape[0], p.length(), p.positions()
	pixels := len(x) / batch
	parallel(channels, func(from, to int) {
		patch := make([]T, area*length)
		for b := range batch {
			unfold(p, patch, x[b*pixels:][:pixels])
			for o := from; o < to; o++ {
				combine(c.out[o*length:][:length], dz[(b*channels+o)*area:], 1, area, patch)
			}
		}
	})
}
