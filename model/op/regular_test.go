package op

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

func TestRegularGradients(t *testing.T) {
	weights := numtest.Array{Shape: []int{4}, Data: []float64{1, 0, 1, 1}}
	for name, build := range map[string]func(in []*G.Node) (*G.Node, error){
		"clamp": func(in []*G.Node) (*G.Node, error) { return Clamp(in[0], 0.3, 0.7) },
		"topk":  func(in []*G.Node) (*G.Node, error) { return TopK(in[0], 2) },
		"mean":  func(in []*G.Node) (*G.Node, error) { return ChannelMean(in[0], in[1]) },
		"rate": func(in []*G.Node) (*G.Node, error) {
			means, err := ChannelMean(in[0], in[1])
			if err != nil {
				return nil, err
			}
			kl, err := RateKL(means, 0.125)
			if err != nil {
				return nil, err
			}
			return Scale(kl, 0.5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			numtest.Gradients(t, []numtest.Array{numtest.Random(1, 0.1, 0.9, 4, 5), weights}, []int{0}, build)
		})
	}
}

func TestLargest(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		x    []float64
		k    int
		want []int
	}{
		{x: []float64{3, 1, 2}, k: 2, want: []int{0, 2}},
		{x: []float64{1, 1, 1, 2}, k: 2, want: []int{0, 3}},
		{x: []float64{2, 1, 1, 3}, k: 3, want: []int{0, 1, 3}},
		{x: []float64{1, nan, 2}, k: 1, want: []int{1}},
		{x: []float64{1, nan, 2}, k: 2, want: []int{1, 2}},
		{x: []float64{nan, nan, 2}, k: 1, want: []int{0}},
		{x: []float64{-1, -2}, k: 2, want: []int{0, 1}},
	} {
		var got []int
		Largest(c.x, c.k, make([]float64, len(c.x)), func(i int) { got = append(got, i) })
		if !slices.Equal(got, c.want) {
			t.Errorf("the %d largest of %v: %v, want %v", c.k, c.x, got, c.want)
		}
	}
}

func TestRegularRefuses(t *testing.T) {
	refused(t, []build{
		{name: "clamp", want: "lower end first", add: func(node func(...int) *G.Node) (*G.Node, error) { return Clamp(node(2, 3), 1, 0) }},
		{name: "topk", want: "want 1 to 3", add: func(node func(...int) *G.Node) (*G.Node, error) { return TopK(node(2, 3), 4) }},
		{name: "topk of images", want: "codes (B,Z)", add: func(node func(...int) *G.Node) (*G.Node, error) { return TopK(node(2, 3, 2, 2), 1) }},
		{name: "rate", want: "rate in (0, 1)", add: func(node func(...int) *G.Node) (*G.Node, error) { return RateKL(node(3), 1) }},
		{name: "means", want: "means (C)", add: func(node func(...int) *G.Node) (*G.Node, error) { return RateKL(node(3, 2), 0.5) }},
		{name: "decay", want: "one shape", add: func(node func(...int) *G.Node) (*G.Node, error) { return Decay(node(3, 2), node(2, 3), 0, 1) }},
	})
}
