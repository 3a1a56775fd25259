//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

// conv2d translates a convolution, or one of its gradients.
func (b *builder) conv2d(in plan.Instr) error {
	switch in.Op {
	case plan.Conv2d:
		return b.toWindows(in, b.at(in.Src[2]))
	case plan.Conv2dDX:
		return b.fromWindows(in, 0)
	}
	return b.convDW(in, in.Src[0], in.Src[1], false)
}

// toWindows reads an image's windows: a convolution, and the gradient by the
// input of a transposed one. Gradients have no bias, 0.
func (b *builder) toWindows(in plan.Instr, bias driver.DevicePtr) error {
	w, err := b.windows(in, in.Src[0], in.Dst[0], in.Src[1])
	if err == nil {
		b.do(kernels.Conv2d(b.convolution(in, w, bias)))
	}
	return err
}

// fromWindows adds windows up to an image: a transposed convolution, and the
// gradient by the input of one that is not.
func (b *builder) fromWindows(in plan.Instr, bias driver.DevicePtr) error {
	w, err := b.windows(in, in.Dst[0], in.Src[0], in.Src[1])
	if err == nil {
		b.do(kernels.ConvTranspose2d(b.convolution(in, w, bias)))
	}
	return err
}

// convolution describes an instruction whose operands are values and weights.
func (b *builder) convolution(in plan.Instr, w kernels.Windows, bias driver.DevicePtr) kernels.Convolution {
	return kernels.Convolution{
		Batch: b.batch(), Windows: w, X: b.at(in.Src[0]), Weights: b.at(in.Src[1]), Bias: bias,
		Activation: in.Activation, Y: b.slopeAt(in), Slope: in.Slope, Out: b.at(in.Dst[0]),
	}
}

// convDW is the gradient by the weights, from the smaller side and the larger.
func (b *builder) convDW(in plan.Instr, small, large int, transposed bool) error {
	windows, err := b.windows(in, large, small, in.Dst[0])
	if err != nil {
		return err
	}
	w, bias, optimizer := b.targets(in)
	b.do(kernels.ConvDW{
		Batch: b.batch(), Windows: windows, Transposed: transposed, Small: b.at(small), Large: b.at(large),
		Weights: w, Bias: bias, Optimizer: optimizer, Scratch: b.exec.scratch,
	})
	return nil
}

// windows describes a convolution by its larger side, its smaller side and its
// weights.
func (b *builder) windows(in plan.Instr, image, small, weights int) (kernels.Windows, error) {
	x, y, w := b.shape(image), b.shape(small), b.shape(weights)
	if len(x) != 4 || len(y) != 4 || len(w) != 4 {
		return kernels.Windows{}, fmt.Errorf("want shapes of four axes, got %v, %v and weights %v", x, y, w)
	}
	return kernels.Windows{
		C: x[1], H: x[2], W: x[3], O: y[1], OH: y[2], OW: y[3], KH: w[2], KW: w[3], Window: in.Window,
	}, nil
}
