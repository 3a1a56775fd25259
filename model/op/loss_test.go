package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
)

// everyLoss is all of them, with the parameters that presets use.
func everyLoss() []Loss {
	return []Loss{{Kind: MSE}, {Kind: MAE}, {Kind: Huber, Delta: 1}, {Kind: Huber, Delta: 0.3}, {Kind: BCE}, {Kind: BCELogits}, {Kind: MSE, Sum: true}, {Kind: Gaussian, Delta: 0.4, Sum: true}, {Kind: KL, Sum: true}}
}

func TestLossGradients(t *testing.T) {
	for _, l := range everyLoss() {
		t.Run(l.String(), func(t *testing.T) {
			in := []numtest.Array{
				numtest.Random(11, 0.05, 0.95, 4, 3), numtest.Random(12, 0, 1, 4, 3),
				{Shape: []int{4}, Data: []float64{1, 1, 0, 1}},
			}
			numtest.Gradients(t, in, []int{0}, func(in []*G.Node) (*G.Node, error) { return l.Mean(in[0], in[1], in[2]) })
		})
	}
}

func TestNoRowCounts(t *testing.T) {
	g := G.NewGraph()
	pred := numtest.Random(1, 0, 1, 2, 3).Node(g, tensor.Float32, "pred")
	target := numtest.Random(2, 0, 1, 2, 3).Node(g, tensor.Float32, "target")
	weights := numtest.Array{Shape: []int{2}, Data: []float64{0, 0}}.Node(g, tensor.Float32, "weights")
	cost := G.Must(Loss{Kind: MSE}.Mean(pred, target, weights))
	grads, err := G.Grad(cost, pred)
	if err != nil {
		t.Fatal(err)
	}
	for i, values := range numtest.Run(t, g, append(G.Nodes{cost}, grads...)...) {
		for _, v := range values {
			if v != 0 {
				t.Errorf("result %d = %v, want 0", i, v)
			}
		}
	}
}

func TestLossesLetNaNThrough(t *testing.T) {
	for _, l := range append(everyLoss(), Loss{Kind: "hinge"}) {
		if v, d := l.At(math.NaN(), 0.5); !math.IsNaN(v) || !math.IsNaN(d) {
			t.Errorf("%v(NaN) = %v, %v", l, v, d)
		}
	}
	if v, d := (Loss{Kind: "hinge"}).At(1, 0); !math.IsNaN(v) || !math.IsNaN(d) {
		t.Errorf("an unknown loss gives %v with slope %v, want NaN", v, d)
	}
}

func TestLossRefuses(t *testing.T) {
	mean := func(l Loss, shapes ...[]int) func(node func(...int) *G.Node) (*G.Node, error) {
		return func(node func(...int) *G.Node) (*G.Node, error) {
			return l.Mean(node(shapes[0]...), node(shapes[1]...), node(shapes[2]...))
		}
	}
	row := [][]int{{2, 3}, {2, 3}, {2}}
	refused(t, []build{
		{name: "target", want: "target (B,…)", add: mean(Loss{Kind: MSE}, []int{2, 3}, []int{2, 4}, []int{2})},
		{name: "weights", want: "weights (B)", add: mean(Loss{Kind: MSE}, []int{2, 3}, []int{2, 3}, []int{3})},
		{name: "unknown", want: `unknown loss "hinge"; want one of mse, mae`, add: mean(Loss{Kind: "hinge"}, row...)},
		{name: "no kind", want: `unknown loss ""`, add: mean(Loss{}, row...)},
		{name: "no delta", want: "delta 0; want", add: mean(Loss{Kind: Huber}, row...)},
		{name: "no deviation", want: "delta 0; want", add: mean(Loss{Kind: Gaussian}, row...)},
		{name: "mean over a code", want: "want the sum", add: mean(Loss{Kind: KL}, row...)},
		{name: "gradient of an unknown one", want: `unknown loss "hinge"`, add: func(node func(...int) *G.Node) (*G.Node, error) {
			pred := node(2, 3)
			return apply(LossGradDef{Loss{Kind: "hinge"}}, pred, node(2, 3), node(2), G.NewScalar(pred.Graph(), tensor.Float32, G.WithName("one")))
		}},
	})
}
