package op

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

func TestConvTranspose2dGradients(t *testing.T) {
	for _, c := range windows() {
		for _, a := range windowActivations() {
			t.Run(c.name+" "+a.String(), func(t *testing.T) {
				in := []numtest.Array{
					numtest.Random(8, -1, 1, c.batch, c.in, 3, 2),
					numtest.Random(9, -1, 1, c.in, c.out, c.kernel[0], c.kernel[1]), numtest.Random(10, -1, 1, c.out),
				}
				numtest.Gradients(t, in, []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
					return ConvTranspose2d(in[0], in[1], in[2], c.window, c.outputPadding, a)
				})
			})
		}
	}
}

func TestConvTranspose2dRefuses(t *testing.T) {
	one := Window{Stride: [2]int{1, 1}}
	refused(t, []build{
		{name: "output padding", want: "below the stride", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return ConvTranspose2d(node(1, 1, 4, 4), node(1, 3, 3, 3), node(3), one, [2]int{1, 0}, None)
		}},
		{name: "to nothing", want: "at least 1×1", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return ConvTranspose2d(node(1, 1, 1, 1), node(1, 3, 1, 1), node(3), Window{Stride: [2]int{1, 1}, Padding: [2]int{1, 1}}, [2]int{}, None)
		}},
	})
}
