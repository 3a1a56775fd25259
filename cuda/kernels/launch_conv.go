package kernels

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/model/op"
)

// Windows is the geometry of a convolution seen from its larger side: a window
// of kH×kW moves over an image (B,C,H,W) and stops at oH×oW places, (B,O,oH,oW).
// The weights are (O,C,kH,kW). For a transposed convolution the windows are
// the operand, the image is the result, and its weights (in,out,kH,kW) are the
// same (O,C,kH,kW).
type Windows struct {
	C, H, W   int
	O, OH, OW int
	KH, KW    int
	Window    op.Window
}

// check wants oH, oW to be what the window makes of the image.
func (w Windows) check(rows int) error {
	for axis, s := range [2][3]int{{w.H, w.KH, w.OH}, {w.W, w.KW, w.OW}} {
		stride, padding := w.Window.Stride[axis], w.Window.Padding[axis]
		if stride < 1 || padding < 0 || s[0]+2*padding < s[1] || (s[0]+2*padding-s[1])/stride+1 != s[2] {
			return fmt.Errorf("axis %d: a kernel of %d, stride %d, padding %d does not take %d to %d", axis, s[1], stride, padding, s[0], s[2])
		}
	}
	for _, err := range []error{
		sizes("image", rows, w.C, w.H, w.W), sizes("windows", rows, w.O, w.OH, w.OW), sizes("weights", w.O, w.C, w.KH, w.KW),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// whole says that the one window is the image: then the convolution is a
// product of matrices, (B, C·kH·kW) by (O, C·kH·kW).
func (w Windows) whole() bool {
	return w.OH == 1 && w.OW == 1 && w.KH == w.H && w.KW == w.W && w.Window.Padding == [2]int{}
}

func (w Windows) image() int   { return w.C * w.H * w.W }
func (w Windows) area() int    { return w.OH * w.OW }
func (w Windows) weights() int { return w.C * w.KH * w.KW } // of one of O

func (a *args) windows(w Windows) {
	a.int(w.C, w.H, w.W, w.O, w.OH, w.OW, w.KH, w.KW, w.Window.Stride[0], w.Window.Stride[1], w.Window.Padding[0], w.Window.Padding[1])
}

// Convolution is what both directions of a convolution have in common. Bias
// may be 0. Y is 0 where there is no slope, op.None; Activation and Slope are
// not both set.
type Convolution struct {
	Batch
	Windows
	X, Weights, Bias driver.DevicePtr
	Activation       op.Activation // f
	Y                driver.DevicePtr
	Slope            op.Activation
	Out              driver.DevicePtr
}

// Conv2d is image → windows, plan.Conv2d and plan.ConvTranspose2dDX:
//
//	out[b,o,i,j] = f(bias[o] + Σ x[b, c, i·stride+u−padding, j·stride+v−padding] · w[o,c,u,v])
//
// or the sum times Slope'(y): x (B,C,H,W), bias (O) → out, y (B,O,oH,oW). One
// launch.
type Conv2d Convolution

// ConvTranspose2d is windows → image, plan.ConvTranspose2d and plan.Conv2dDX:
//
//	out[b,c, i·stride+u−padding, j·stride+v−padding] = f(bias[c] + Σ x[b,o,i,j] · w[o,c,u,v])
//
// over all that meet, or the sum times Slope'(y): x (B,O,oH,oW), bias (C) →
// out, y (B,C,H,W). One launch.
type ConvTranspose2d Convolution

// operands checks and returns the function or slope that follows the sum.
func (c Convolution) operands(name string) (kind int, alpha float64, y driver.DevicePtr, err error) {
	act, err1 := activation(c.Activation)
	slope, err2 := activation(c.Slope)
	needed := []driver.DevicePtr{c.X, c.Weights, c.Out, c.Step}
	if slope != 0 {
		needed = append(needed, c.Y)
		if act != 0 {
			err1 = fmt.Errorf("want an activation or a slope, got %v and %v", c.Activation, c.Slope)
		}
		act, alpha, y = slope, c.Slope.Alpha, c.Y
	} else {
		alpha = c.Activation.Alpha
	}
	return int(act), alpha, y, fail(name, err1, err2, c.check(c.Rows), pointers(needed...))
}

// product returns the convolution of one window as a product.
func (c Convolution) product(kernel string, n, k, channel int, act op.Activation) gemm {
	return gemm{
		kernel: kernel, m: c.Rows, n: n, k: k, a: c.X, b: c.Weights, bias: c.Bias, channel: channel, c: c.Out,
		act: act, y: c.Y, slope: c.Slope.Kind != "" && c.Slope != op.None, step: c.Step,
	}
}

func (c Convolution) function() op.Activation {
	if c.Slope.Kind != "" && c.Slope != op.None {
		return c.Slope
	}
	return c.Activation
}

// convTile is the tile of a convolution's result, channels × positions, that a
// block makes: narrow for up to 8 channels, else by [tileFor] up to 64×64.
//
//	name     channels×positions  threads         values a thread
//	_narrow  8×128               2 groups of 128 2×4
//	_32      32×32               4 groups of 64  4×4
//	_64      64×64               256             4×4
func convTile(channels, positions int) (name string, m, n int) {
	switch {
	case channels <= 8:
		return "_narrow", 8, 128
	case channels > 32 && tileFor(channels, positions) >= 64:
		return "_64", 64, 64
	}
	return "_32", 32, 32
}

// Launches returns the launch of conv, or of gemm_nt where there is one window.
func (l Conv2d) Launches() ([]Launch, error) {
	c := Convolution(l)
	kind, alpha, y, err := c.operands("conv2d")
	if err != nil {
		return nil, err
	}
	if c.whole() {
		return c.product("gemm_nt", c.O, c.image(), 1, c.function()).launches("conv2d")
	}
	name, m, n := convTile(c.O, c.Rows*c.area())
	var a args
	a.ptr(c.X, c.Weights, c.Bias, y, c.Out)
	a.windows(c.Windows)
	a.int(kind)
	a.float(alpha)
	a.ptr(c.Step)
	return []Launch{{
		Family: Conv, Kernel: "conv" + name, Args: a,
		Grid:  driver.Dim3{X: uint32(ceil(c.Rows*c.area(), n)), Y: uint32(ceil(c.O, m)), Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// Launches returns the launch of conv_transpose, or of gemm_nn where there is
// one window.
func (l ConvTranspose2d) Launches() ([]Launch, error) {
	c := Convolution(l)
	kind, alpha, y, err := c.operands("convtranspose2d")
	if err != nil {
		return nil, err
	}
	if c.whole() {
		return c.product("gemm_nn", c.image(), c.O, c.H*c.W, c.function()).launches("convtranspose2d")
	}
	// The places of the image that lie alike under the windows, one of
	// stride×stride classes, are one product each: no multiplication by zeros.
	sh, sw := c.Window.Stride[0], c.Window.Stride[1]
	positions := c.Rows * ceil(c.H, sh) * ceil(c.W, sw)
	name, m, n := convTile(c.C, positions)
	if err := fail("convtranspose2d", grids(sh*sw)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(c.X, c.Weights, c.Bias, y, c.Out)
	a.windows(c.Windows)
	a.int(kind)
	a.float(alpha)
	a.ptr(c.Step)
	return []Launch{{
		Family: Conv, Kernel: "conv_transpose" + name, Args: a,
		Grid:  driver.Dim3{X: uint32(ceil(positions, n)), Y: uint32(ceil(c.C, m)), Z: uint32(sh * sw)},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// ConvDW is the gradients of a convolution's weights and bias:
//
//	dw[o,c,u,v] = Σ windows[b,o,i,j] · image[b, c, i·stride+u−padding, j·stride+v−padding]
//
// over b, i, j. plan.Conv2dDW has dz for Small and x for Large; of
// plan.ConvTranspose2dDW, Transposed, x is Small and dz is Large. The bias's
// gradient is the sums of dz by channel. With an optimizer the parameters
// change at once. Two launches: parts of the batch, and their sum; a
// convolution of one window is a [LinearDW].
type ConvDW struct {
	Batch
	Windows
	Transposed   bool
	Small, Large driver.DevicePtr // (B,O,oH,oW), (B,C,H,W)
	Weights      Target           // (O,C,kH,kW)
	Bias         Target           // (O), or (C) if Transposed
	Optimizer    *Optimizer       // nil: gradients are written
	Scratch      driver.DevicePtr
}

// channels returns how many biases there are, and the size of their images.
func (l ConvDW) channels() (n, area int) {
	if l.Transposed {
		return l.C, l.H * l.W
	}
	return l.O, l.area()
}

// product returns the gradients of the convolution of one window.
func (l ConvDW) product() gemmWeights {
	return gemmWeights{
		m: l.O, n: l.image(), k: l.Rows, a: l.Small, b: l.Large, w: l.Weights, bias: l.Bias,
		noBias: l.Transposed, optimizer: l.Optimizer, scratchAt: l.Scratch, step: l.Step,
	}
}

// parts returns how many parts the batch is split into, and the rows of each:
// enough for two grids of blocks.
func (l ConvDW) parts() (parts, rows int) {
	blocks := ceil(l.O, 32) * ceil(l.Windows.weights(), 32)
	rows = ceil(l.Rows, max(min(2*fullGrid/blocks, l.Rows), 1))
	return ceil(l.Rows, rows), rows
}

// biasParts splits the bias's gradient where it is no part of a product.
func (l ConvDW) biasParts() (parts, rows int) {
	channels, _ := l.channels()
	rows = ceil(l.Rows, max(min(2*fullGrid/channels, l.Rows), 1))
	return ceil(l.Rows, rows), rows
}

// ScratchFloats returns how many floats Scratch must have. Their content
// matters between the launches of one operation only.
func (l ConvDW) ScratchFloats() int {
	channels, _ := l.channels()
	if !l.whole() {
		parts, _ := l.parts()
		return parts * (l.O*l.Windows.weights() + channels)
	}
	n := l.product().scratch()
	if l.Transposed {
		parts, _ := l.biasParts()
		n += parts * channels
	}
	return n
}

// Launches returns conv_dw and partials_update; for a convolution of one
// window those of [LinearDW], and if Transposed channel_sums and
// partials_update for the bias.
func (l ConvDW) Launches() ([]Launch, error) {
	if err := fail("conv-dw", l.check(l.Rows), pointers(l.Small, l.Large, l.Step)); err != nil {
		return nil, err
	}
	if l.whole() {
		launches, err := l.product().launches("conv-dw")
		if err != nil || !l.Transposed {
			return launches, err
		}
		bias, err := l.biasSums()
		return append(launches, bias...), err
	}
	if err := fail("conv-dw", sizes("scratch", l.ScratchFloats()), pointers(l.Scratch)); err != nil {
		return nil, err
	}
	parts, rows := l.parts()
	channels, _ := l.channels()
	weights := l.O * l.Windows.weights()
	if err := fail("conv-dw", grids(parts)); err != nil {
		return nil, err
	}
	bias := 0
	if l.Transposed {
		bias = 1
	}
	var a args
	a.ptr(l.Small, l.Large, l.Scratch)
	a.windows(l.Windows)
	a.int(rows, bias)
	a.ptr(l.Step)
	// One more block in x, for each part, makes the sums for the bias.
	grid := driver.Dim3{X: uint32(ceil(l.Windows.weights(), 32) + 1), Y: uint32(ceil(l.O, 32)), Z: uint32(parts)}
	sum := partials{
		at: l.Scratch, parts: parts, weights: weights, biases: channels, stride: weights + channels,
		w: l.Weights, bias: l.Bias, optimizer: l.Optimizer, step: l.Step,
	}
	second, err := sum.launch("conv-dw")
	if err != nil {
		return nil, err
	}
	return []Launch{{Family: Conv, Kernel: "conv_dw_32", Grid: grid, Block: driver.Dim3{X: threads, Y: 1, Z: 1}, Args: a}, second}, nil
}

// biasSums returns the launches for the bias's gradient alone.
func (l ConvDW) biasSums() ([]Launch, error) {
	if err := fail("conv-dw", pointers(l.Scratch)); err != nil {
		return nil, err
	}
	parts, rows := l.biasParts()
	channels, area := l.channels()
	at := l.Scratch + driver.DevicePtr(4*l.product().scratch())
	var a args
	a.ptr(l.Large, at)
	a.int(channels, area, rows)
	a.ptr(l.Step)
	sum := partials{
		at: at, parts: parts, weights: channels, stride: channels,
		w: l.Bias, noBias: true, optimizer: l.Optimizer, step: l.Step,
	}
	second, err := sum.launch("conv-dw")
	if err != nil {
		return nil, err
	}
	return []Launch{{
		Family: Reduce, Kernel: "channel_sums", Args: a,
		Grid:  driver.Dim3{X: uint32(channels), Y: uint32(parts), Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}, second}, nil
}
