package op

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
)

// activations are all of them, with the parameters that presets use.
func activations() []Activation {
	list := []Activation{{Kind: LeakyReLU, Alpha: 0.2}}
	for _, k := range Kinds() {
		a, err := ParseActivation(string(k))
		if err != nil {
			panic(err)
		}
		list = append(list, a)
	}
	return list
}

func losses() []Loss {
	return []Loss{{Kind: MSE}, {Kind: MAE}, {Kind: Huber, Delta: 1}, {Kind: Huber, Delta: 0.3}, {Kind: BCE}, {Kind: BCELogits}}
}

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

func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	for _, a := range activations() {
		t.Run("activation "+a.String(), func(t *testing.T) {
			z := numtest.Random(1, -2, 2, 3, 5)
			numtest.Gradients(t, []numtest.Array{z}, []int{0}, func(in []*G.Node) (*G.Node, error) {
				if a == None {
					return Reshape(in[0], 5, 1)
				}
				return Activate(in[0], a)
			})
		})
		t.Run("linear "+a.String(), func(t *testing.T) {
			in := []numtest.Array{numtest.Random(2, -1, 1, 5, 7), numtest.Random(3, -1, 1, 6, 7), numtest.Random(4, -1, 1, 6)}
			numtest.Gradients(t, in, []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
				return Linear(in[0], in[1], in[2], a)
			})
		})
	}
	for _, c := range windows() {
		for _, a := range []Activation{None, {Kind: Tanh}, {Kind: GELU}} {
			t.Run("conv2d "+c.name+" "+a.String(), func(t *testing.T) {
				in := []numtest.Array{
					numtest.Random(5, -1, 1, c.batch, c.in, c.h, c.w),
					numtest.Random(6, -1, 1, c.out, c.in, c.kernel[0], c.kernel[1]), numtest.Random(7, -1, 1, c.out),
				}
				numtest.Gradients(t, in, []int{0, 1, 2}, func(in []*G.Node) (*G.Node, error) {
					return Conv2d(in[0], in[1], in[2], c.window, a)
				})
			})
			t.Run("convtranspose2d "+c.name+" "+a.String(), func(t *testing.T) {
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
	for _, l := range losses() {
		t.Run("loss "+l.String(), func(t *testing.T) {
			in := []numtest.Array{
				numtest.Random(11, 0.05, 0.95, 4, 3), numtest.Random(12, 0, 1, 4, 3),
				{Shape: []int{4}, Data: []float64{1, 1, 0, 1}},
			}
			numtest.Gradients(t, in, []int{0}, func(in []*G.Node) (*G.Node, error) { return l.Mean(in[0], in[1], in[2]) })
		})
	}
}

// goldenCase is one entry of testdata/ops.json, which scripts/golden.py
// writes with PyTorch in float64.
type goldenCase struct {
	Op    string `json:"op"`
	Name  string `json:"name"`
	Attrs struct {
		Activation    string  `json:"activation"`
		Alpha         float64 `json:"alpha"`
		Delta         float64 `json:"delta"`
		Stride        [2]int  `json:"stride"`
		Padding       [2]int  `json:"padding"`
		OutputPadding [2]int  `json:"output_padding"`
	} `json:"attrs"`
	Inputs     map[string]numtest.Array `json:"inputs"`
	Output     numtest.Array            `json:"output"`
	GradOutput numtest.Array            `json:"grad_output"`
	Grads      map[string]numtest.Array `json:"grads"`
}

func (c goldenCase) build(in map[string]*G.Node) (*G.Node, error) {
	a := Activation{Kind: Kind(c.Attrs.Activation), Alpha: c.Attrs.Alpha}
	window := Window{Stride: c.Attrs.Stride, Padding: c.Attrs.Padding}
	switch c.Op {
	case "linear":
		return Linear(in["x"], in["w"], in["b"], a)
	case "conv2d":
		return Conv2d(in["x"], in["w"], in["b"], window, a)
	case "convtranspose2d":
		return ConvTranspose2d(in["x"], in["w"], in["b"], window, c.Attrs.OutputPadding, a)
	case "activation":
		if a == None {
			return Reshape(in["x"], append(in["x"].Shape()[1:].Clone(), 1)...)
		}
		return Activate(in["x"], a)
	}
	return Loss{Kind: LossKind(c.Op), Delta: c.Attrs.Delta}.Mean(in["pred"], in["target"], in["weights"])
}

// Tolerances against PyTorch in float64: in float64 both round the same sums
// in another order; float32 has 24 bits and sums of up to some dozen terms.
var tolerances = map[tensor.Dtype]float64{tensor.Float64: 1e-12, tensor.Float32: 2e-6}

func TestAgainstPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/ops.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 30 {
		t.Fatalf("%d cases; want at least 30", len(cases))
	}
	for _, c := range cases {
		for dt, tolerance := range tolerances {
			if c.Op == "bce" { // PyTorch's floor is the float32 nearest to 1e-12
				tolerance = max(tolerance, 1e-8)
			}
			t.Run(fmt.Sprintf("%s %s %v", c.Op, c.Name, dt), func(t *testing.T) { c.check(t, dt, tolerance) })
		}
	}
}

func (c goldenCase) check(t *testing.T, dt tensor.Dtype, tolerance float64) {
	g := G.NewGraph()
	in := make(map[string]*G.Node)
	for name, a := range c.Inputs {
		in[name] = a.Node(g, dt, name)
	}
	out, err := c.build(in)
	if err != nil {
		t.Fatal(err)
	}
	var by G.Nodes
	var names []string
	for name := range c.Grads {
		names, by = append(names, name), append(by, in[name])
	}
	grads, err := G.Backpropagate(G.Nodes{out}, G.Nodes{c.gradOutput(g, dt, out)}, by)
	if err != nil {
		t.Fatal(err)
	}
	got := numtest.Run(t, g, append(G.Nodes{out}, grads...)...)
	numtest.Close(t, "output", got[0], c.Output.Data, tolerance)
	for i, name := range names {
		numtest.Close(t, "gradient of "+name, got[i+1], c.Grads[name].Data, tolerance)
	}
}

func (c goldenCase) gradOutput(g *G.ExprGraph, dt tensor.Dtype, out *G.Node) *G.Node {
	if !out.IsScalar() {
		return numtest.Array{Shape: out.Shape(), Data: c.GradOutput.Data}.Node(g, dt, "dy")
	}
	if dt == tensor.Float32 {
		return G.NewScalar(g, dt, G.WithName("dy"), G.WithValue(float32(c.GradOutput.Data[0])))
	}
	return G.NewScalar(g, dt, G.WithName("dy"), G.WithValue(c.GradOutput.Data[0]))
}

// TestPaddedBatch holds loss and gradients of a batch with padding rows to
// those of the short batch, through every kind of layer.
func TestPaddedBatch(t *testing.T) {
	const rows, batch = 3, 5
	window := Window{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}
	for _, l := range losses() {
		t.Run(l.String(), func(t *testing.T) {
			run := func(n int) [][]float64 {
				x := numtest.Random(1, 0.1, 0.9, batch, 1, 4, 4)
				for i := rows * 16; i < batch*16; i++ {
					x.Data[i] = 0.5 // what stands in the padding must not matter
				}
				x = numtest.Array{Shape: []int{n, 1, 4, 4}, Data: x.Data[:n*16]}
				weights := numtest.Array{Shape: []int{n}, Data: []float64{1, 1, 1, 0, 0}[:n]}
				g := G.NewGraph()
				param := func(seed uint64, shape ...int) *G.Node {
					return numtest.Random(seed, -0.5, 0.5, shape...).Node(g, tensor.Float64, fmt.Sprint("p", seed))
				}
				in, w := x.Node(g, tensor.Float64, "x"), weights.Node(g, tensor.Float64, "weights")
				params := G.Nodes{param(2, 2, 1, 3, 3), param(3, 2), param(4, 4, 8), param(5, 4), param(6, 4, 1, 4, 4), param(7, 1)}
				h := G.Must(Conv2d(in, params[0], params[1], window, Activation{Kind: ReLU}))
				h = G.Must(Reshape(h, 8))
				h = G.Must(Linear(h, params[2], params[3], Activation{Kind: GELU}))
				h = G.Must(Reshape(h, 4, 1, 1))
				y := G.Must(ConvTranspose2d(h, params[4], params[5], Window{Stride: [2]int{1, 1}}, [2]int{}, Activation{Kind: Sigmoid}))
				cost := G.Must(l.Mean(y, in, w))
				grads, err := G.Grad(cost, params...)
				if err != nil {
					t.Fatal(err)
				}
				return numtest.Run(t, g, append(G.Nodes{cost}, grads...)...)
			}
			short, padded := run(rows), run(batch)
			for i := range short {
				numtest.Close(t, fmt.Sprintf("result %d", i), padded[i], short[i], 1e-14)
			}
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

func TestNaNComesThrough(t *testing.T) {
	for _, a := range activations() {
		if y := a.value(math.NaN()); !math.IsNaN(y) {
			t.Errorf("%v(NaN) = %v", a, y)
		}
		if a.Kind == ReLU || a.Kind == LeakyReLU {
			continue // their derivative is a constant on each side
		}
		if a != None && a.Kind != ELU && !math.IsNaN(a.slope(math.NaN())) {
			t.Errorf("%v'(NaN) = %v", a, a.slope(math.NaN()))
		}
	}
	for _, l := range losses() {
		if v, d := l.at(math.NaN(), 0.5); !math.IsNaN(v) || !math.IsNaN(d) {
			t.Errorf("%v(NaN) = %v, %v", l, v, d)
		}
	}
}

// TestHashTellsParameters: Gorgonia merges nodes whose ops have one hash.
func TestHashTellsParameters(t *testing.T) {
	defs := []Definition{
		LinearDXDef{},
		LinearDWDef{},
		BiasGradDef{},
		ReshapeDef{tensor.Shape{2, 3}},
		ReshapeDef{tensor.Shape{3, 2}},
		Conv2dDef{},
		Conv2dDef{Window: Window{Stride: [2]int{2, 1}}},
		Conv2dDef{Window: Window{Stride: [2]int{1, 2}}},
		Conv2dDef{Window: Window{Padding: [2]int{1, 2}}},
		Conv2dDXDef{},
		Conv2dDXDef{Size: [2]int{5, 6}},
		Conv2dDWDef{},
		Conv2dDWDef{Kernel: [2]int{3, 3}},
		ConvTranspose2dDef{},
		ConvTranspose2dDef{OutputPadding: [2]int{1, 0}},
		ConvTranspose2dDXDef{},
		ConvTranspose2dDWDef{},
		ConvTranspose2dDWDef{Kernel: [2]int{3, 3}},
	}
	for _, a := range activations() {
		defs = append(defs, ActivationDef{a}, ActivationGradDef{a}, LinearDef{a}, Conv2dDef{Activation: a}, ConvTranspose2dDef{Activation: a})
	}
	for _, l := range losses() {
		defs = append(defs, LossDef{l}, LossGradDef{l})
	}
	seen := make(map[uint32]string)
	for _, d := range defs {
		o := &Op{Definition: d}
		if other, ok := seen[o.Hashcode()]; ok && other != o.signature() {
			t.Errorf("%s and %s have one hash", other, o.signature())
		}
		seen[o.Hashcode()] = o.signature()
	}
}

func TestShapeErrors(t *testing.T) {
	g := G.NewGraph()
	node := func(shape ...int) *G.Node {
		return numtest.Random(1, 0, 1, shape...).Node(g, tensor.Float32, fmt.Sprint(shape))
	}
	one := Window{Stride: [2]int{1, 1}}
	cases := []struct {
		name  string
		build func() (*G.Node, error)
		want  string
	}{
		{name: "linear inputs", build: func() (*G.Node, error) { return Linear(node(2, 3), node(4, 5), node(4), None) }, want: "want x (B,I), W (O,I), b (O), got [(2, 3) (4, 5) (4)]"},
		{name: "linear bias", build: func() (*G.Node, error) { return Linear(node(2, 3), node(4, 3), node(5), None) }, want: "b (O)"},
		{name: "nil", build: func() (*G.Node, error) { return Linear(node(2, 3), nil, node(5), None) }, want: "input 1 is nil"},
		{name: "conv channels", build: func() (*G.Node, error) {
			return Conv2d(node(1, 2, 4, 4), node(3, 1, 3, 3), node(3), one, None)
		}, want: "w (O,C,kH,kW)"},
		{name: "conv kernel", build: func() (*G.Node, error) {
			return Conv2d(node(1, 1, 2, 4), node(3, 1, 3, 3), node(3), one, None)
		}, want: "no larger than the padded image"},
		{name: "conv stride", build: func() (*G.Node, error) {
			return Conv2d(node(1, 1, 4, 4), node(3, 1, 3, 3), node(3), Window{}, None)
		}, want: "strides of at least 1"},
		{name: "output padding", build: func() (*G.Node, error) {
			return ConvTranspose2d(node(1, 1, 4, 4), node(1, 3, 3, 3), node(3), one, [2]int{1, 0}, None)
		}, want: "below the stride"},
		{name: "transposed to nothing", build: func() (*G.Node, error) {
			return ConvTranspose2d(node(1, 1, 1, 1), node(1, 3, 1, 1), node(3), Window{Stride: [2]int{1, 1}, Padding: [2]int{1, 1}}, [2]int{}, None)
		}, want: "at least 1×1"},
		{name: "loss target", build: func() (*G.Node, error) { return Loss{Kind: MSE}.Mean(node(2, 3), node(2, 4), node(2)) }, want: "target (B,…)"},
		{name: "loss weights", build: func() (*G.Node, error) { return Loss{Kind: MSE}.Mean(node(2, 3), node(2, 3), node(3)) }, want: "weights (B)"},
		{name: "reshape", build: func() (*G.Node, error) { return Reshape(node(2, 3), 4) }, want: "as many values"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.build(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseActivation(t *testing.T) {
	if _, err := ParseActivation("swish"); err == nil || !strings.Contains(err.Error(), `unknown activation "swish"`) {
		t.Errorf("error %v", err)
	}
	if a, err := ParseActivation("leakyrelu"); err != nil || a.Alpha != 0.01 {
		t.Errorf("leakyrelu = %v, %v", a, err)
	}
}
