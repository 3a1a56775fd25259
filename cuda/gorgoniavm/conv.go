//go:build !cpu

package gorgoniavm

import (
	G "gorgonia.org/gorgonia"

	"aegis/cuda/driver"
)

// im2col is the patches of an image, or their gradient by the image.
func (l *lowering) im2col(n *G.Node, in []*G.Node) error {
	kernel, f := "im2col", fieldsOf(n.Op())
	image, patches := in[0].Shape(), n.Shape()
	if opName(n.Op()) == "gorgonia.col2imOp" {
		kernel, image, patches = "col2im", patches, image
	}
	sizes := []int{image[1], image[2], image[3], patches[1], patches[2]}
	for _, name := range []string{"h", "w", "padH", "padW", "strideH", "strideW", "dilationH", "dilationW"} {
		sizes = append(sizes, f.int(name))
	}
	l.do(plain{kernel: kernel, n: size(n.Shape()), ptrs: []driver.DevicePtr{l.at[n], l.at[in[0]]}, sizes: sizes})
	return f.err
}

func (l *lowering) maxPool(n *G.Node, in []*G.Node) error {
	kernel, f := "maxpool", fieldsOf(n.Op())
	image, pooled := in[0].Shape(), n.Shape()
	ptrs := []driver.DevicePtr{l.at[n], l.at[in[0]]}
	if len(in) == 3 { // input, output and the gradient by the output
		kernel, pooled = "maxpool_grad", in[1].Shape()
		ptrs = append(ptrs, l.at[in[2]])
	}
	sizes := []int{image[2], image[3], pooled[2], pooled[3]}
	pads := []string{"padNorth", "padWest"}
	if f.bool("explicitPadding") { // as Gorgonia has it
		pads = []string{"padSouth", "padEast"}
	}
	for _, name := range append(append([]string{"h", "w"}, pads...), "strideH", "strideW") {
		sizes = append(sizes, f.int(name))
	}
	l.do(plain{kernel: kernel, n: size(n.Shape()), ptrs: ptrs, sizes: sizes})
	return f.err
}
