//go:build !cpu

package cuda

import "aegis/internal/plan"

// convTranspose2d translates a transposed convolution, or one of its gradients.
// What it is to an image's windows, a convolution is to the image: the gradient
// by the input of one kind is the other kind.
func (b *builder) convTranspose2d(in plan.Instr) error {
	switch in.Op {
	case plan.ConvTranspose2d:
		return b.fromWindows(in, b.at(in.Src[2]))
	case plan.ConvTranspose2dDX:
		return b.toWindows(in, 0)
	}
	return b.convDW(in, in.Src[1], in.Src[0], true)
}
