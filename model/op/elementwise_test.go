package op

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
)

func TestElementwiseGradients(t *testing.T) {
	for name, c := range map[string]struct {
		wrt   []int
		build func(in []*G.Node) (*G.Node, error)
	}{
		"add":       {wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) { return Add(in[0], in[1]) }},
		"add twice": {wrt: []int{0}, build: func(in []*G.Node) (*G.Node, error) { return Add(in[0], in[0]) }},
		"mul":       {wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) { return Mul(in[0], in[1]) }},
		"square":    {wrt: []int{0}, build: func(in []*G.Node) (*G.Node, error) { return Mul(in[0], in[0]) }},
		"scale":     {wrt: []int{0}, build: func(in []*G.Node) (*G.Node, error) { return Scale(in[0], -1.5) }},
		"skip a layer": {wrt: []int{0}, build: func(in []*G.Node) (*G.Node, error) {
			y, err := Activate(in[0], Activation{Kind: Tanh})
			if err != nil {
				return nil, err
			}
			return Add(y, in[0])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			in := []numtest.Array{numtest.Random(1, -1, 1, 3, 4), numtest.Random(2, -1, 1, 3, 4)}
			numtest.Gradients(t, in, c.wrt, c.build)
		})
	}
}

func TestElementwiseRefuses(t *testing.T) {
	refused(t, []build{
		{name: "add", want: "tensors of one shape", add: func(node func(...int) *G.Node) (*G.Node, error) { return Add(node(2, 3), node(3, 2)) }},
		{name: "mul", want: "tensors of one shape", add: func(node func(...int) *G.Node) (*G.Node, error) { return Mul(node(2, 3), node(2, 4)) }},
		{name: "scale", want: "x and a scalar", add: func(node func(...int) *G.Node) (*G.Node, error) { return ScaleBy(node(2, 3), node(2)) }},
		{name: "mean", want: "weights (B)", add: func(node func(...int) *G.Node) (*G.Node, error) { return ChannelMean(node(2, 3), node(3)) }},
	})
}

func TestTwoGraphs(t *testing.T) {
	a := numtest.Random(1, 0, 1, 2, 3).Node(G.NewGraph(), tensor.Float32, "a")
	b := numtest.Random(1, 0, 1, 2, 3).Node(G.NewGraph(), tensor.Float32, "b")
	if _, err := Add(a, b); err == nil || !strings.Contains(err.Error(), "nodes of two graphs") {
		t.Errorf("error %v", err)
	}
}
