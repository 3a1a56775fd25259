package op

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

// normalised is batch norm of (x, gamma, beta, weights).
func normalised(in []*G.Node) (*G.Node, error) {
	y, _, err := BatchNorm(in[0], in[1], in[2], in[3], 1e-5)
	return y, err
}

// The mix of results weighs rows of weight 0 too, which no loss does: it reads
// the rows of weight 1 alone.
func TestBatchNormGradients(t *testing.T) {
	for name, c := range map[string]struct {
		shape   []int
		weights []float64
	}{
		"rows":       {shape: []int{4, 3}, weights: []float64{1, 1, 1, 1}},
		"images":     {shape: []int{3, 2, 2, 3}, weights: []float64{1, 1, 1}},
		"short rows": {shape: []int{4, 3}, weights: []float64{1, 1, 1, 0}},
		"one image":  {shape: []int{2, 2, 2, 3}, weights: []float64{1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			in := []numtest.Array{
				numtest.Random(1, -1, 1, c.shape...), numtest.Random(2, 0.5, 1, c.shape[1]), numtest.Random(3, -1, 1, c.shape[1]),
				{Shape: []int{c.shape[0]}, Data: c.weights},
			}
			target := numtest.Random(4, -1, 1, c.shape...)
			numtest.Gradients(t, append(in, target), []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
				y, err := normalised(in)
				if err != nil {
					return nil, err
				}
				if y, err = Activate(y, Activation{Kind: Tanh}); err != nil {
					return nil, err
				}
				return Loss{Kind: MSE}.Mean(y, in[4], in[3])
			})
		})
	}
}

func TestBatchNormRefuses(t *testing.T) {
	refused(t, []build{
		{name: "moments", want: "weights (B)", add: func(node func(...int) *G.Node) (*G.Node, error) { return Moments(node(2, 3), node(3)) }},
		{name: "gamma", want: "a value for each channel", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return normalised([]*G.Node{node(2, 3), node(2), node(3), node(2)})
		}},
		{name: "epsilon", want: "epsilon 0", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return RunningNorm(node(2, 3), node(3), node(3), node(3), node(3), 0)
		}},
		{name: "running", want: "mean, variance", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return RunningNorm(node(2, 3), node(3), node(2), node(3), node(3), 1)
		}},
		{name: "track", want: "running (C), moments (3,C)", add: func(node func(...int) *G.Node) (*G.Node, error) { return Track(node(3), node(2, 3), 0, 1) }},
	})
}
