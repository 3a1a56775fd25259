package op

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
)

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
		Total         bool    `json:"total"`
		Factor        float64 `json:"factor"`
		Floor         float64 `json:"floor"`
		Sigma         float64 `json:"sigma"`
		Epsilon       float64 `json:"epsilon"`
		Lo            float64 `json:"lo"`
		Hi            float64 `json:"hi"`
		K             int     `json:"k"`
		Rate          float64 `json:"rate"`
		L1            float64 `json:"l1"`
		L2            float64 `json:"l2"`
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
	case "add":
		return Add(in["x"], in["y"])
	case "mul":
		return Mul(in["x"], in["y"])
	case "lerp":
		return Lerp(in["x"], in["y"], c.Attrs.Factor)
	case "channelmean":
		return ChannelMean(in["x"], in["weights"])
	case "concat":
		return Concat(in["x"], in["y"])
	case "klmeans":
		return KLMeans(in["mu"], in["logvar"], in["weights"])
	case "kl":
		return Loss{Kind: KL, Sum: true}.Mean(in["mu"], in["logvar"], in["weights"])
	case "freebits":
		means, err := KLMeans(in["mu"], in["logvar"], in["weights"])
		if err != nil {
			return nil, err
		}
		return FreeBits(means, c.Attrs.Floor)
	case "gaussian":
		if s, ok := in["s"]; ok {
			square, err := Loss{Kind: MSE, Sum: true}.Mean(in["pred"], in["target"], in["weights"])
			if err != nil {
				return nil, err
			}
			return GaussianOf(square, s, in["pred"].Shape()[1:].TotalSize())
		}
		return Loss{Kind: Gaussian, Delta: c.Attrs.Sigma, Sum: true}.Mean(in["pred"], in["target"], in["weights"])
	case "clamp":
		return Clamp(in["x"], c.Attrs.Lo, c.Attrs.Hi)
	case "topk":
		return TopK(in["x"], c.Attrs.K)
	case "mixture":
		return Mix(in["x"], in["y"], Mixture{c.Attrs.K})
	case "ratekl":
		means, err := ChannelMean(in["x"], in["weights"])
		if err != nil {
			return nil, err
		}
		return RateKL(means, c.Attrs.Rate)
	case "decay":
		return Decay(in["g"], in["w"], c.Attrs.L1, c.Attrs.L2)
	case "batchnorm":
		y, _, err := BatchNorm(in["x"], in["gamma"], in["beta"], in["weights"], c.Attrs.Epsilon)
		return y, err
	case "runningnorm":
		return RunningNorm(in["x"], in["mean"], in["variance"], in["gamma"], in["beta"], c.Attrs.Epsilon)
	case "runningvariance":
		m, err := Moments(in["x"], in["weights"])
		if err != nil {
			return nil, err
		}
		return Track(in["variance"], m, UnbiasedMoment, c.Attrs.Factor)
	case "scale":
		if s, ok := in["s"]; ok {
			return ScaleBy(in["x"], s)
		}
		return Scale(in["x"], c.Attrs.Factor)
	}
	return Loss{Kind: LossKind(c.Op), Delta: c.Attrs.Delta, Sum: c.Attrs.Total}.Mean(in["pred"], in["target"], in["weights"])
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
	var grads G.Nodes
	if len(by) > 0 {
		if grads, err = G.Backpropagate(G.Nodes{out}, G.Nodes{c.gradOutput(g, dt, out)}, by); err != nil {
			t.Fatal(err)
		}
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
	for _, l := range everyLoss() {
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
		KLGradDef{},
		KLGradDef{LogVar: true},
		FreeBitsDef{0.5},
		FreeBitsDef{0.25},
		FreeBitsGradDef{0.5},
		FreeBitsGradDef{0.25},
		GaussianDef{3},
		GaussianDef{4},
		GaussianGradDef{3},
		GaussianGradDef{4},
		ColumnsDef{0, 2},
		ColumnsDef{1, 2},
		TrackDef{Moment: MeanMoment, Weight: 0.5},
		TrackDef{Moment: UnbiasedMoment, Weight: 0.5},
		BatchNormDef{1e-5},
		BatchNormDef{1e-3},
		BatchNormDXDef{1e-5},
		BatchNormDGammaDef{1e-5},
		RunningNormDef{1e-5},
		ClampDef{0, 1},
		ClampDef{-1, 1},
		ClampGradDef{0, 1},
		TopKDef{3},
		TopKDef{4},
		TopKGradDef{3},
		MixtureDef{Mixture{3}},
		MixtureDef{Mixture{4}},
		RateKLDef{0.5},
		RateKLDef{0.25},
		RateKLGradDef{0.5},
		ChannelMeanDef{},
		ChannelMeanGradDef{},
		DecayDef{L1: 1},
		DecayDef{L2: 1},
	}
	for _, a := range everyActivation() {
		defs = append(defs, ActivationDef{a}, ActivationGradDef{a}, LinearDef{a}, Conv2dDef{Activation: a}, ConvTranspose2dDef{Activation: a})
	}
	for _, l := range everyLoss() {
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

// build is a graph that an op should refuse.
type build struct {
	name string
	add  func(node func(shape ...int) *G.Node) (*G.Node, error)
	want string // part of the error
}

func refused(t *testing.T, cases []build) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := G.NewGraph()
			node := func(shape ...int) *G.Node {
				return numtest.Random(1, 0, 1, shape...).Node(g, tensor.Float32, fmt.Sprint(shape))
			}
			if _, err := c.add(node); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
