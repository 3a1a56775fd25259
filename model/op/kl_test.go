package op

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/internal/numtest"
)

func TestVariationalGradients(t *testing.T) {
	code := func(seed uint64) numtest.Array { return numtest.Random(seed, -1.5, 1.5, 4, 3) }
	weights := numtest.Array{Shape: []int{4}, Data: []float64{1, 1, 0, 1}}
	square := Loss{Kind: MSE, Sum: true}
	for name, c := range map[string]struct {
		in    []numtest.Array
		wrt   []int
		build func(in []*G.Node) (*G.Node, error)
	}{
		"kl": {in: []numtest.Array{code(1), code(2), weights}, wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) {
			return Loss{Kind: KL, Sum: true}.Mean(in[0], in[1], in[2])
		}},
		"means": {in: []numtest.Array{code(3), code(4), weights}, wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) {
			return KLMeans(in[0], in[1], in[2])
		}},
		"free bits": {in: []numtest.Array{code(5), code(6), weights}, wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) {
			means, err := KLMeans(in[0], in[1], in[2])
			if err != nil {
				return nil, err
			}
			return FreeBits(means, 0.8)
		}},
		"a learned deviation": {in: []numtest.Array{code(7), code(8), weights, {Shape: []int{1}, Data: []float64{-0.4}}}, wrt: []int{0, 3}, build: func(in []*G.Node) (*G.Node, error) {
			s, err := square.Mean(in[0], in[1], in[2])
			if err != nil {
				return nil, err
			}
			nll, err := GaussianOf(s, in[3], 3)
			if err != nil {
				return nil, err
			}
			return Scale(nll, 1.5)
		}},
		"concat": {in: []numtest.Array{code(9), numtest.Random(10, -1, 1, 4, 2)}, wrt: []int{0, 1}, build: func(in []*G.Node) (*G.Node, error) {
			return Concat(in[0], in[1])
		}},
	} {
		t.Run(name, func(t *testing.T) { numtest.Gradients(t, c.in, c.wrt, c.build) })
	}
}

// A dimension at the floor or below is not pressed, one above is as ever.
func TestFreeBits(t *testing.T) {
	var d Definition = FreeBitsGradDef{Floor: 0.5}
	c := call[float64]{in: [][]float64{{0.25, 0.5, 0.75}, {3}}, out: make([]float64, 3)}
	d.do64(c)
	numtest.Close(t, "gradient", c.out, []float64{0, 0, 3}, 0)
}

func TestVariationalRefuses(t *testing.T) {
	refused(t, []build{
		{name: "means", want: "log variances (B,Z)", add: func(node func(...int) *G.Node) (*G.Node, error) { return KLMeans(node(2, 3), node(2, 4), node(2)) }},
		{name: "weights", want: "weights (B)", add: func(node func(...int) *G.Node) (*G.Node, error) { return KLMeans(node(2, 3), node(2, 3), node(3)) }},
		{name: "gradient", want: "a scalar or (Z)", add: func(node func(...int) *G.Node) (*G.Node, error) {
			return apply(KLGradDef{}, node(2, 3), node(2), node(2))
		}},
		{name: "free bits", want: "x (Z)", add: func(node func(...int) *G.Node) (*G.Node, error) { return FreeBits(node(2, 3), 1) }},
		{name: "deviation", want: "logarithm (1)", add: func(node func(...int) *G.Node) (*G.Node, error) { return GaussianOf(node(2), node(1), 3) }},
		{name: "concat", want: "(B,N), (B,M)", add: func(node func(...int) *G.Node) (*G.Node, error) { return Concat(node(2, 3), node(3, 3)) }},
		{name: "columns", want: "those columns", add: func(node func(...int) *G.Node) (*G.Node, error) { return apply(ColumnsDef{2, 4}, node(2, 3)) }},
	})
}
