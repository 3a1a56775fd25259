package op

import (
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestReshapeRefuses(t *testing.T) {
	refused(t, []build{
		{name: "other values", want: "as many values", add: func(node func(...int) *G.Node) (*G.Node, error) { return Reshape(node(2, 3), 4) }},
		{name: "nil", want: "input 0 is nil", add: func(func(...int) *G.Node) (*G.Node, error) { return Reshape(nil, 4) }},
		{name: "a scalar", want: "rows (B,…)", add: func(func(...int) *G.Node) (*G.Node, error) {
			return Reshape(G.NewScalar(G.NewGraph(), tensor.Float32), 1)
		}},
		{name: "negative sizes", want: "sizes of at least 1", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return Reshape(node(2, 6), -2, -3)
		}},
	})
}
