package op

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Window is how a kernel moves over an image: {height, width} each.
type Window struct {
	Stride, Padding [2]int
}

func (w Window) String() string { return fmt.Sprintf("stride %v padding %v", w.Stride, w.Padding) }

func (w Window) check() error {
	for i := range 2 {
		if w.Stride[i] < 1 || w.Padding[i] < 0 {
			return fmt.Errorf("op: window: want strides of at least 1 and paddings of at least 0, got %v", w)
		}
	}
	return nil
}

// convSize returns ⌊(n + 2·padding − k) / stride⌋ + 1, the size of a
// convolution's result along one axis, or 0 where the kernel does not fit or
// does not move.
func (w Window) convSize(axis, n, k int) int {
	if room := n + 2*w.Padding[axis] - k; room >= 0 && w.Stride[axis] > 0 {
		return room/w.Stride[axis] + 1
	}
	return 0
}

// transposedSize returns (n − 1)·stride − 2·padding + k, the least size of a
// transposed convolution's result along one axis.
func (w Window) transposedSize(axis, n, k int) int {
	return (n-1)*w.Stride[axis] - 2*w.Padding[axis] + k
}

// patches walks the pairs of an image (C,H,W) and its patches, one row of
// C·kH·kW values for each of oH·oW positions.
type patches struct {
	Window
	channels, height, width  int // of the image
	kernelH, kernelW, oH, oW int
}

func newPatches(w Window, image, kernel, out tensor.Shape) patches {
	n := len(image)
	return patches{
		Window: w, channels: image[n-3], height: image[n-2], width: image[n-1],
		kernelH: kernel[2], kernelW: kernel[3], oH: out[len(out)-2], oW: out[len(out)-1],
	}
}

func (p patches) positions() int { return p.oH * p.oW }
func (p patches) length() int    { return p.channels * p.kernelH * p.kernelW }

// each calls visit with the index of a value in the patches and of the same
// value in the image; values in the padding are left out.
func (p patches) each(visit func(patch, image int)) {
	i := 0
	for oy := range p.oH {
		for ox := range p.oW {
			for c := range p.channels {
				for ky := range p.kernelH {
					y := oy*p.Stride[0] - p.Padding[0] + ky
					for kx := range p.kernelW {
						x := ox*p.Stride[1] - p.Padding[1] + kx
						if y >= 0 && y < p.height && x >= 0 && x < p.width {
							visit(i, (c*p.height+y)*p.width+x)
						}
						i++
					}
				}
			}
		}
	}
}

// unfold reads the patches of an image; those in the padding stay zero.
func unfold[T float](p patches, dst, image []T) {
	p.each(func(patch, pixel int) { dst[patch] = image[pixel] })
}

// fold adds patches to an image: the transpose of unfold.
func fold[T float](p patches, image, src []T) {
	p.each(func(patch, pixel int) { image[pixel] += src[patch] })
}
