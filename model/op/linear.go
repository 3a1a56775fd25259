package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LinearDef is y = f(x·Wᵀ + b), PyTorch's nn.Linear with its activation:
// x (B,I), W (O,I), b (O) → y (B,O).
type LinearDef struct{ Activation Activation }

// Linear adds a fully-connected layer. An activation whose gradient needs its
// input becomes a node of its own.
func Linear(x, w, b *G.Node, a Activation) (*G.Node, error) {
	if !a.FromInput() {
		return apply(LinearDef{a}, x, w, b)
	}
	z, err := apply(LinearDef{None}, x, w, b)
	if err != nil {
		return nil, err
	}
	return Activate(z, a)
}

func (d LinearDef) String() string { return "Linear[" + d.Activation.String() + "]" }

func (d LinearDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, w, b := in[0], in[1], in[2]
	if len(x) != 2 || len(w) != 2 || len(b) != 1 || x[1] != w[1] || b[0] != w[0] {
		return nil, shapeError(d, "x (B,I), W (O,I), b (O)", in)
	}
	return tensor.Shape{x[0], w[0]}, d.Activation.Validate()
}

func (d LinearDef) do32(c call[float32]) { linear(d, c) }
func (d LinearDef) do64(c call[float64]) { linear(d, c) }

func linear[T float](d LinearDef, c call[T]) {
	x, w, b := c.in[0], c.in[1], c.in[2]
	batch, inputs, outputs := c.outShape[0], c.shape[0][1], c.outShape[1]
	parallel(batch, func(from, to int) {
		for i := from; i < to; i++ {
			y := c.out[i*outputs:][:outputs]
			products(y, x[i*inputs:][:inputs], w, b)
			activate(d.Activation, y)
		}
	})
}

func (d LinearDef) wrt() []bool { return []bool{true, true, true} }

func (d LinearDef) grads(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	dz, err := activationGrad(out, grad, d.Activation)
	if err != nil {
		return nil, err
	}
	dx, err := apply(LinearDXDef{}, dz, in[1])
	if err != nil {
		return nil, err
	}
	dw, err := apply(LinearDWDef{}, dz, in[0])
	if err != nil {
		return nil, err
	}
	db, err := apply(BiasGradDef{}, dz)
	return G.Nodes{dx, dw, db}, err
}

// LinearDXDef is dx = dz·W: dz (B,O), W (O,I) → dx (B,I).
type LinearDXDef struct{}

func (d LinearDXDef) String() string { return "LinearDX" }

func (d LinearDXDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, w := in[0], in[1]
	if len(dz) != 2 || len(w) != 2 || dz[1] != w[0] {
		return nil, shapeError(d, "dz (B,O), W (O,I)", in)
	}
	return tensor.Shape{dz[0], w[1]}, nil
}

func (d LinearDXDef) do32(c call[float32]) { linearDX(c) }
func (d LinearDXDef) do64(c call[float64]) { linearDX(c) }

func linearDX[T float](c call[T]) {
	dz, w := c.in[0], c.in[1]
	batch, inputs, outputs := c.outShape[0], c.outShape[1], c.shape[0][1]
	parallel(batch, func(from, to int) {
		for i := from; i < to; i++ {
			combine(c.out[i*inputs:][:inputs], dz[i*outputs:], 1, outputs, w)
		}
	})
}

// LinearDWDef is dW = dzᵀ·x: dz (B,O), x (B,I) → dW (O,I).
type LinearDWDef struct{}

func (d LinearDWDef) String() string { return "LinearDW" }

func (d LinearDWDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dz, x := in[0], in[1]
	if len(dz) != 2 || len(x) != 2 || dz[0] != x[0] {
		return nil, shapeError(d, "dz (B,O), x (B,I)", in)
	}
	return tensor.Shape{dz[1], x[1]}, nil
}

func (d LinearDWDef) do32(c call[float32]) { linearDW(c) }
func (d LinearDWDef) do64(c call[float64]) { linearDW(c) }

func linearDW[T float](c call[T]) {
	dz, x := c.in[0], c.in[1]
	batch, inputs, outputs := c.shape[0][0], c.outShape[1], c.outShape[0]
	parallel(outputs, func(from, to int) {
		for o := from; o < to; o++ {
			combine(c.out[o*inputs:][:inputs], dz[o:], outputs, batch, x)
		}
	})
}

// BiasGradDef is the gradient of a bias, the sum of dz over all but the
// channel: (B,O) → (O), or (B,C,H,W) → (C).
type BiasGradDef struct{}

func (d BiasGradDef) String() string { return "BiasGrad" }

func (d BiasGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) < 2 {
		return nil, shapeError(d, "(B,O) or (B,C,H,W)", in)
	}
	return tensor.Shape{in[0][1]}, nil
}

func (d BiasGradDef) do32(c call[float32]) { biasGrad(c) }
func (d BiasGradDef) do64(c call[float64]) { biasGrad(c) }

func biasGrad[T float](c call[T]) {
	batch, channels := c.shape[0][0], c.shape[0][1]
	area := len(c.in[0]) / (batch * channels)
	for i := range batch * channels {
		var sum T
		for _, v := range c.in[0][i*area:][:area] {
			sum += v
		}
		c.out[i%channels] += sum
	}
}
