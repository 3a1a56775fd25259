//go:build !cpu

package cuda

import (
	"fmt"

	"aegis/cuda/driver"
	"aegis/cuda/kernels"
	"aegis/internal/plan"
)

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

// conv translates a convolution. The gradient by the input of one kind is the
// other kind.
func (b *builder) conv(in plan.Instr) error {
	if in.Op == plan.Conv2dDW || in.Op == plan.ConvTranspose2dDW {
		return b.convDW(in)
	}
	toWindows := in.Op == plan.Conv2d || in.Op == plan.ConvTranspose2dDX
	image, small := in.Src[0], in.Dst[0]
	if !toWindows {
		image, small = small, image
	}
	w, err := b.windows(in, image, small, in.Src[1])
	if err != nil {
		return err
	}
	c := kernels.Convolution{
		Batch: b.batch(), Windows: w, X: b.at(in.Src[0]), Weights: b.at(in.Src[1]), Bias: b.biasAt(in),
		Activation: in.Activation, Y: b.slopeAt(in), Slope: in.Slope, Out: b.at(in.Dst[0]),
	}
	if toWindows {
		b.do(kernels.Conv2d(c))
	} else {
		b.do(kernels.ConvTranspose2d(c))
	}
	return nil
}

// biasAt is the bias of a layer; gradients have none.
func (b *builder) biasAt(in plan.Instr) driver.DevicePtr {
	if in.Op == plan.Conv2d || in.Op == plan.ConvTranspose2d {
		return b.at(in.Src[2])
	}
	return 0
}

func (b *builder) convDW(in plan.Instr) error {
	transposed := in.Op == plan.ConvTranspose2dDW
	small, large := in.Src[0], in.Src[1]
	if transposed {
		small, large = large, small
	}
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
