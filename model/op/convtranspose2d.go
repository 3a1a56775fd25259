package op

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ConvTranspose2dDef is PyTorch's nn.ConvTranspose2d with its activation, the
// gradient of a convolution used as a layer (Zeiler et al. 2010; Dumoulin and
// Visin, "A guide to convolution arithmetic", 2016):
//
//	y[b,o, i·stride+u−padding, j·stride+v−padding] = f(bias[o] + Σ x[b,c,i,j] · w[c,o,u,v])
//
// over all c, i, j, u, v that meet: x (B,C,H,W), w (C,O,kH,kW), bias (O) →
// y (B,O,oH,oW), oH = (H−1)·stride − 2·padding + kH + output padding.
type ConvTranspose2dDef struct {
	Window        Window
	OutputPadding [2]int
	Activation    Activation
}

// ConvTranspose2d adds a transposed convolution. An activation whose gradient
// needs its input becomes a node of its own.
func ConvTranspose2d(x, w, b *G.Node, window Window, outputPadding [2]int, a Activation) (*G.Node, error) {
	if !a.FromInput() {
		return apply(ConvTranspose2dDef{window, outputPadding, a}, x, w, b)
	}
	z, err := apply(ConvTranspose2dDef{window, outputPadding, None}, x, w, b)
	if err != nil {
		return nil, err
	}
	return Activate(z, a)
}

func (d ConvTranspose2dDef) String() string {
	return fmt.Sprintf("ConvTranspose2d[%v output padding %v %v]", d.Window, d.OutputPadding, d.Activation)
}

func (d ConvTranspose2dDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, w, b := in[0], in[1], in[2]
	if len(x) != 4 || len(w) != 4 || len(b) != 1 || x[1] != w[0] || b[0] != w[1] {
		return nil, shapeError(d, "x (B,C,H,W), w (C,O,kH,kW), b (O)", in)
	}
	if err := errors.Join(d.Activation.Validate(), d.Window.check()); err != nil {
		return nil, err
	}
	out := tensor.Shape{x[0], w[1], 0, 0}
	for axis := range 2 {
		if p := d.OutputPadding[axis]; p < 0 || p >= d.Window.Stride[axis] {
			return nil, fmt.Errorf("op: %s: want an output padding of at least 0 and below the stride", d)
		}
		out[2+axis] = d.Window.transposedSize(axis, x[2+axis], w[2+axis]) + d.OutputPadding[axis]
	}
	if out[2] < 1 || out[3] < 1 {
		return nil, shapeError(d, "a result of at least 1×1", in)
	}
	return out, nil
}

func (d ConvTranspose2dDef) do32(c call[float32]) { convTranspose2d(d.Window, d.Activation, c) }
func (d ConvTranspose2dDef) do64(c call[float64]) { convTranspose2d(d.Window, d.Activation, c) }

// convTranspose2d makes the patches of the result and adds them up. The bias
// is there in a layer and absent in a gradient.
func convTranspose2d[T float](window Window, a Activation, c call[T]) {
	x, w := c.in[0], c.in[1]
	p := newPatches(window, c.outShape, c.shape[1], c.shape[0])
	channels, length, area := c.shape[0][1], p.length(), p.positions()
	pixels := len(c.out) / c.outShape[0]
	parallel(c.outShape[0], func(from, to int) {
		patch := make([]T, area*length)
		for b := from; b < to; b++ {
			clear(patch)
			for i := range area {
				combine(patch[i*length:][:length], x[b*channels*area+i:], area, channels, w)
			}
			y := c.out[b*pixels:][:pixels]
			if len(c.in) == 3 {
				for i := range y {
					y[i] = c.in[2][i/(p.height*p.width)]
				}
			}
			fold(p, y, patch)
			activate(a, y)
		}
	})
}

func (d ConvTranspose2dDef) wrt() []bool { return []bool{true, true, true} }

func (d ConvTranspose2dDef) grads(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	x, w := in[0], in[1]
	dz, err := activationGrad(out, grad, d.Activation)
	if err != nil {
		return nil, err
	}
	dx, err := apply(ConvTranspose2dDXDef{Window: d.Window}, dz, w)
	if err != nil {
		return nil, err
	}
	kernel := [2]int{w.Shape()[2], w.Shape()[3]}
	dw, err := apply(ConvTranspose2dDWDef{Window: d.Window, Kernel: kernel}, dz, x)
	if err != nil {
		return nil, err
	}
	db, err := apply(BiasGradDef{}, dz)
	return G.Nodes{dx, dw, db}, err
}

// ConvTranspose2dDXDef is the gradient of a transposed convolution with
// respect to its input, a convolution without bias: dz (B,O,oH,oW),
// w (C,O,kH,kW) → dx (B,C,H,W).
type ConvTranspose2dDXDef struct{ Window Window }

func (d ConvTranspose2dDXDef) String() string { return "ConvTranspose2dDX[" + d.Window.String() + "]" }

func (d ConvTranspose2dDXDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, w := in[0], in[1]
	if len(dz) != 4 || len(w) != 4 || dz[1] != w[1] {
		return nil, shapeError(d, "dz (B,O,oH,oW), w (C,O,kH,kW)", in)
	}
	return convShape(d, d.Window, dz, w, w[0], in)
}

func (d ConvTranspose2dDXDef) do32(c call[float32]) { conv2d(d.Window, None, c) }
func (d ConvTranspose2dDXDef) do64(c call[float64]) { conv2d(d.Window, None, c) }

// ConvTranspose2dDWDef is the gradient of a transposed convolution with
// respect to its weights,
//
//	dw[c,o,u,v] = Σ x[b,c,i,j] · dz[b, o, i·stride+u−padding, j·stride+v−padding]
//
// over b, i, j: dz (B,O,oH,oW), x (B,C,H,W) → dw (C,O,kH,kW).
type ConvTranspose2dDWDef struct {
	Window Window
	Kernel [2]int
}

func (d ConvTranspose2dDWDef) String() string { return "ConvTranspose2dDW[" + d.Window.String() + "]" }

func (d ConvTranspose2dDWDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, x := in[0], in[1]
	if len(dz) != 4 || len(x) != 4 || dz[0] != x[0] ||
		d.Window.convSize(0, dz[2], d.Kernel[0]) != x[2] || d.Window.convSize(1, dz[3], d.Kernel[1]) != x[3] {
		return nil, shapeError(d, "dz (B,O,oH,oW) and x (B,C,H,W) of one transposed convolution", in)
	}
	return tensor.Shape{x[1], dz[1], d.Kernel[0], d.Kernel[1]}, nil
}

func (d ConvTranspose2dDWDef) do32(c call[float32]) { conv2dDW(d.Window, 1, 0, c) }
func (d ConvTranspose2dDWDef) do64(c call[float64]) { conv2dDW(d.Window, 1, 0, c) }
