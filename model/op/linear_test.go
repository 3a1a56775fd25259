package op

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

func TestLinearGradients(t *testing.T) {
	for _, a := range everyActivation() {
		t.Run(a.String(), func(t *testing.T) {
			in := []numtest.Array{numtest.Random(2, -1, 1, 5, 7), numtest.Random(3, -1, 1, 6, 7), numtest.Random(4, -1, 1, 6)}
			numtest.Gradients(t, in, []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
				return Linear(in[0], in[1], in[2], a)
			})
		})
	}
}

func TestLinearRefuses(t *testing.T) {
	refused(t, []build{
		{name: "inputs", want: "want x (B,I), W (O,I), b (O), got [(2, 3) (4, 5) (4)]", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Linear(node(2, 3), node(4, 5), node(4), None)
		}},
		{name: "bias", want: "b (O)", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Linear(node(2, 3), node(4, 3), node(5), None)
		}},
		{name: "nil", want: "input 1 is nil", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Linear(node(2, 3), nil, node(5), None)
		}},
	})
}
