package op

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

type windowCase struct {
	name                 string
	batch, in, out, h, w int
	kernel               [2]int
	window               Window
	outputPadding        [2]int
}

func windows() []windowCase {
	return []windowCase{
		{name: "3x3 stride 2", batch: 2, in: 2, out: 3, h: 6, w: 6, kernel: [2]int{3, 3}, window: Window{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}, outputPadding: [2]int{1, 1}},
		{name: "whole image", batch: 2, in: 3, out: 2, h: 3, w: 4, kernel: [2]int{3, 4}, window: Window{Stride: [2]int{1, 1}}},
		{name: "odd", batch: 1, in: 1, out: 2, h: 7, w: 5, kernel: [2]int{3, 2}, window: Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 0}}, outputPadding: [2]int{1, 0}},
		{name: "stride past the kernel", batch: 2, in: 2, out: 1, h: 8, w: 7, kernel: [2]int{2, 1}, window: Window{Stride: [2]int{3, 3}, Padding: [2]int{0, 0}}, outputPadding: [2]int{2, 1}},
	}
}

// windowActivations are one of each kind: none, from the output, from the input.
func windowActivations() []Activation { return []Activation{None, {Kind: Tanh}, {Kind: GELU}} }

func TestConv2dGradients(t *testing.T) {
	for _, c := range windows() {
		for _, a := range windowActivations() {
			t.Run(c.name+" "+a.String(), func(t *testing.T) {
				in := []numtest.Array{
					numtest.Random(5, -1, 1, c.batch, c.in, c.h, c.w),
					numtest.Random(6, -1, 1, c.out, c.in, c.kernel[0], c.kernel[1]), numtest.Random(7, -1, 1, c.out),
				}
				numtest.Gradients(t, in, []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
					return Conv2d(in[0], in[1], in[2], c.window, a)
				})
			})
		}
	}
}

func TestConv2dRefuses(t *testing.T) {
	one := Window{Stride: [2]int{1, 1}}
	refused(t, []build{
		{name: "channels", want: "w (O,C,kH,kW)", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Conv2d(node(1, 2, 4, 4), node(3, 1, 3, 3), node(3), one, None)
		}},
		{name: "kernel", want: "no larger than the padded image", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Conv2d(node(1, 1, 2, 4), node(3, 1, 3, 3), node(3), one, None)
		}},
		{name: "stride", want: "strides of at least 1", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Conv2d(node(1, 1, 4, 4), node(3, 1, 3, 3), node(3), Window{}, None)
		}},
		{name: "stride of a gradient", want: "of one convolution", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return apply(Conv2dDXDef{Size: [2]int{4, 4}}, node(1, 3, 2, 2), node(3, 1, 3, 3))
		}},
	})
}
