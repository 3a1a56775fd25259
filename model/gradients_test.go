package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
	"aegis/model/program"
)

// wired is a network whose total loss is held to finite differences.
type wired struct {
	name    string
	spec    Spec
	terms   []string                 // outputs that add up to what is trained on
	without map[string]func(s *Spec) // options, each taken away: the gradient must be another
}

// wiredSpec bends a small network.
func wiredSpec(bend func(s *Spec)) Spec {
	s := Spec{
		Model: "wired", Family: FullyConnected, Image: [3]int{1, 3, 4}, Hidden: []int{7}, Latent: 5, Activation: "tanh", Output: "sigmoid",
		Loss: MSE, Init: InitTorch, Optimizer: "adam", LR: 1e-3, Batch: 4, Epochs: 1, Rows: 4,
	}
	if bend != nil {
		bend(&s)
	}
	return s
}

func convolved(bend func(s *Spec)) Spec {
	return wiredSpec(func(s *Spec) {
		s.Family, s.Image, s.Hidden, s.Activation = Convolutional, [3]int{2, 4, 3}, []int{3}, "elu"
		bend(s)
	})
}

// wiredNetworks has one for each preset's kind and each option.
func wiredNetworks() []wired {
	plain := []string{"loss"}
	without := func(name string, take func(s *Spec)) map[string]func(s *Spec) {
		return map[string]func(s *Spec){name: take}
	}
	list := append(wiredVariational(), []wired{
		{name: "dropout", spec: wiredSpec(func(s *Spec) { s.Dropout = 0.25 }), terms: plain, without: without("dropout", func(s *Spec) { s.Dropout = 0 })},
		{name: "conv dropout", spec: convolved(func(s *Spec) { s.Dropout = 0.25 }), terms: plain, without: without("dropout", func(s *Spec) { s.Dropout = 0 })},
		{name: "batch norm", spec: wiredSpec(func(s *Spec) { s.BatchNorm = true }), terms: plain, without: without("norm", func(s *Spec) { s.BatchNorm = false })},
		{name: "conv batch norm", spec: convolved(func(s *Spec) { s.BatchNorm = true }), terms: plain, without: without("norm", func(s *Spec) { s.BatchNorm = false })},
		{name: "l1 code", spec: wiredSpec(func(s *Spec) { s.Sparse = "l1:0.01" }), terms: []string{"loss", "sparse"}, without: without("sparse", func(s *Spec) { s.Sparse = "" })},
		{
			name:  "rate",
			spec:  wiredSpec(func(s *Spec) { s.Sparse, s.Activation, s.ActivateCode = "kl:0.1:0.02", "sigmoid", true }),
			terms: []string{"loss", "sparse"}, without: without("sparse", func(s *Spec) { s.Sparse = "" }),
		},
		{name: "top", spec: convolved(func(s *Spec) { s.Sparse = "topk:2" }), terms: plain, without: without("top", func(s *Spec) { s.Sparse = "" })},
		{name: "small code", spec: convolved(func(s *Spec) { s.CodeL2 = 0.1 }), terms: []string{"loss", "code_l2"}, without: without("code_l2", func(s *Spec) { s.CodeL2 = 0 })},
		{
			name: "decay", spec: convolved(func(s *Spec) { s.L1, s.L2 = 0.01, 0.02 }), terms: plain,
			without: map[string]func(s *Spec){"l1": func(s *Spec) { s.L1 = 0 }, "l2": func(s *Spec) { s.L2 = 0 }},
		},
		{
			name: "all of them", spec: convolved(func(s *Spec) {
				s.BatchNorm, s.Dropout, s.Corrupt, s.Sparse, s.CodeL2, s.L1, s.L2 = true, 0.25, "gaussian:0.5", "l1:0.02", 0.1, 0.01, 0.02
			}),
			terms: []string{"loss", "sparse", "code_l2"},
			without: map[string]func(s *Spec){
				"norm": func(s *Spec) { s.BatchNorm = false }, "dropout": func(s *Spec) { s.Dropout = 0 }, "corrupt": func(s *Spec) { s.Corrupt = "" },
				"sparse": func(s *Spec) { s.Sparse = "" }, "code_l2": func(s *Spec) { s.CodeL2 = 0 }, "l1": func(s *Spec) { s.L1 = 0 }, "l2": func(s *Spec) { s.L2 = 0 },
			},
		},
	}...)
	for _, loss := range losses() {
		list = append(list, wired{name: string(loss), spec: wiredSpec(func(s *Spec) { s.Loss = loss }), terms: plain})
	}
	for _, corrupt := range []string{"gaussian:0.5", "mask:0.25", "saltpepper:0.25"} {
		list = append(list, wired{
			name: corrupt, spec: wiredSpec(func(s *Spec) { s.Corrupt = corrupt }), terms: plain,
			without: without("corrupt", func(s *Spec) { s.Corrupt = "" }),
		})
	}
	for _, preset := range Presets() { // made small
		s := preset
		s.Image, s.Batch, s.Rows, s.Latent = [3]int{1, 3, 4}, 4, 8, min(s.Latent, 5)
		s.Hidden = slices.Clone(s.Hidden)
		for i := range s.Hidden {
			s.Hidden[i] = 7 - i
		}
		if s.Activation == "relu" {
			s.Activation = "elu" // without a kink that a difference could reach over
		}
		w := wired{name: s.Model, spec: s, terms: plain}
		if s.Variational() {
			w.terms = []string{"reconstruction", "kl"}
		}
		list = append(list, w)
	}
	return list
}

// wiredVariational has one for each option of a variational network.
func wiredVariational() []wired {
	network := func(bend func(s *Spec)) Spec {
		return wiredSpec(func(s *Spec) {
			s.Loss, s.Likelihood, s.Beta = "", Bernoulli, 1
			bend(s)
		})
	}
	both := []string{"reconstruction", "kl"}
	var list []wired
	for name, c := range map[string]struct {
		bend, take func(s *Spec)
		terms      []string // nil: what is trained on is reported as the loss alone
	}{
		"beta":              {func(s *Spec) { s.Beta = 4 }, func(s *Spec) { s.Beta = 1 }, nil},
		"beta of 0":         {func(s *Spec) { s.Beta = 0 }, func(s *Spec) { s.Beta = 1 }, []string{"reconstruction"}},
		"warm-up":           {func(s *Spec) { s.Beta, s.KLWarmup = 3, 2 }, func(s *Spec) { s.KLWarmup = 0 }, nil},
		"free bits":         {func(s *Spec) { s.FreeBits = 0.3 }, func(s *Spec) { s.FreeBits = 0 }, nil},
		"gaussian":          {func(s *Spec) { s.Likelihood = "gaussian:0.5" }, func(s *Spec) { s.Likelihood = "gaussian:0.4" }, both},
		"learned deviation": {func(s *Spec) { s.Likelihood = GaussianLearned }, func(s *Spec) { s.Likelihood = "gaussian:0.5" }, both},
		"condition":         {func(s *Spec) { s.Condition, s.Classes = Labels, 3 }, func(s *Spec) { s.Condition = "" }, both},
		"drawn rows":        {func(s *Spec) { s.Binarize = Dynamic }, func(s *Spec) { s.Binarize = "" }, both},
		"restored":          {func(s *Spec) { s.Corrupt = "mask:0.25" }, func(s *Spec) { s.Corrupt = "" }, both},
		"dropout and decay": {func(s *Spec) { s.Dropout, s.L2 = 0.25, 0.02 }, func(s *Spec) { s.Dropout = 0 }, nil},
		"norm":              {func(s *Spec) { s.BatchNorm = true }, func(s *Spec) { s.BatchNorm = false }, both},
		"conv, two channels": {func(s *Spec) {
			s.Family, s.Image, s.Hidden, s.Activation = Convolutional, [3]int{2, 4, 3}, []int{3, 6}, "elu"
		}, func(s *Spec) { s.Beta = 2 }, both},
	} {
		w := wired{name: "variational, " + name, spec: network(c.bend), terms: c.terms}
		if c.terms == nil {
			w.terms = []string{"loss"}
		}
		w.without = map[string]func(s *Spec){name: c.take}
		list = append(list, w)
	}
	return list
}

// TestTotalLossIsWired holds the gradient of all that is trained on, by each
// parameter, to differences in float64; what is trained on to the sum of the
// terms that are reported; and sees that each term and each option has a part in
// it, so that one that is lost on the way is found.
func TestTotalLossIsWired(t *testing.T) {
	for _, c := range wiredNetworks() {
		t.Run(c.name, func(t *testing.T) {
			n := newWiring(t, c.spec)
			_, total := n.values()
			sum := 0.0
			for _, term := range c.terms {
				sum += n.term(term)
			}
			numtest.Close(t, "sum of the terms", []float64{sum}, []float64{total}, 1e-12)
			slopes, differences := n.slopes(), n.differences(c.terms)
			wanted := differences[""]
			numtest.Close(t, "slopes of "+strings.Join(n.groups(), ", "), slopes, wanted, 1e-6)
			for _, term := range c.terms {
				if numtest.Diff(minus(slopes, differences[term]), wanted, 1e-3) == nil {
					t.Errorf("without the term %s the gradient is the same", term)
				}
			}
			for name, take := range c.without {
				s := c.spec
				take(&s)
				less := newWiring(t, s)
				var got, want []float64
				lessSlopes := less.slopes()
				for i, group := range n.groups() {
					if k := slices.Index(less.groups(), group); k >= 0 {
						got, want = append(got, lessSlopes[k]), append(want, wanted[i])
					}
				}
				if numtest.Diff(got, want, 1e-3) == nil {
					t.Errorf("without the option %s the gradient is the same", name)
				}
			}
		})
	}
}

func minus(a, b []float64) []float64 {
	c := make([]float64, len(a))
	for i := range a {
		c[i] = a[i] - b[i]
	}
	return c
}

// wiring is a training graph in float64 with values for all that it reads.
type wiring struct {
	t     *testing.T
	spec  Spec
	graph *graph
	grads []*G.Node
	outs  []G.Value // of the total, then of the outputs
	slope []G.Value
	param map[string][]float64
	way   map[string][]float64 // a direction for each parameter
}

func newWiring(t *testing.T, spec Spec) *wiring {
	t.Helper()
	p, b, err := spec.forward()
	if err != nil {
		t.Fatal(err)
	}
	if p.Scalars, err = spec.scalars(); err != nil {
		t.Fatal(err)
	}
	b.dtype = tensor.Float64
	n := &wiring{t: t, spec: spec, param: make(map[string][]float64), way: make(map[string][]float64)}
	var phase *program.Phase
	if n.graph, phase, err = b.phase(); err != nil {
		t.Fatal(err)
	}
	n.grads = phase.Grads
	n.outs = make([]G.Value, 1+len(n.graph.Outputs))
	G.Read(n.graph.total, &n.outs[0])
	for i, out := range n.graph.Outputs {
		G.Read(out.Node, &n.outs[1+i])
	}
	n.slope = make([]G.Value, len(n.grads))
	for i, g := range n.grads {
		G.Read(g, &n.slope[i])
	}
	n.feed(p)
	return n
}

// feed gives values to all leaves. Of the rows the last one is padding.
func (n *wiring) feed(p *program.Program) {
	const step = 1
	for _, in := range n.graph.Inputs {
		values := make([]float64, in.Node.Shape().TotalSize())
		batch := n.graph.Batch()
		row := len(values) / batch
		r := rand.New(rand.NewPCG(11, 12))
		for i := range values {
			switch in.Kind {
			case program.InputScalar:
				n.let(in.Node, []float64{p.Scalars[0].At(step)})
			case program.InputWeights:
				values[i] = 1
			case program.InputRows:
				values[i] = 0.1 + 0.8*r.Float64()
			case program.InputLabels:
				values[i] = map[bool]float64{true: 1}[i%row == i/row%row]
			}
		}
		if in.Kind == program.InputScalar {
			continue
		}
		if in.Kind == program.InputWeights {
			values[batch-1] = 0
		}
		if in.Kind.Noise() {
			drawn := make([]float32, row)
			for i := range batch {
				in.Noise(5, "train", true).Draw(drawn, step, i)
				for k, v := range drawn {
					values[i*row+k] = float64(v)
				}
			}
		}
		n.let(in.Node, values)
	}
	for _, node := range n.graph.all().Params {
		name := node.Name()
		r := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[0])<<8|uint64(name[len(name)-1])))
		values, way := make([]float64, node.Shape().TotalSize()), make([]float64, node.Shape().TotalSize())
		for i := range values {
			values[i], way[i] = 1.2*(r.Float64()-0.5), r.Float64()-0.5
		}
		if strings.Contains(name, "running") {
			for i := range values {
				values[i] += 1
			}
		}
		n.param[name], n.way[name] = values, way
		n.let(node, values)
	}
}

// let binds a leaf to values, which it shares.
func (n *wiring) let(node *G.Node, values []float64) {
	n.t.Helper()
	var value any = values[0]
	if !node.IsScalar() {
		value = tensor.New(tensor.WithShape(node.Shape()...), tensor.WithBacking(values))
	}
	if err := G.Let(node, value); err != nil {
		n.t.Fatal(err)
	}
}

// values runs the graph: the outputs, and what is trained on with the penalty on
// weights, which only gradients have.
func (n *wiring) values() (outputs []float64, total float64) {
	n.t.Helper()
	vm := G.NewTapeMachine(n.graph.ExprGraph)
	defer func() { _ = vm.Close() }()
	if err := vm.RunAll(); err != nil {
		n.t.Fatal(err)
	}
	for _, v := range n.outs {
		outputs = append(outputs, numtest.Floats(n.t, v)[0])
	}
	return outputs[1:], outputs[0]
}

// penalty is that on weights.
func (n *wiring) penalty() float64 {
	sum := 0.0
	layers, err := n.spec.Layers()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, l := range layers {
		for _, w := range n.param[l.Name+".weight"] {
			sum += n.spec.L1*math.Abs(w) + n.spec.L2*w*w
		}
	}
	return sum
}

// groups names the trained parameters.
func (n *wiring) groups() (names []string) {
	for _, p := range n.graph.Params {
		names = append(names, p.Name())
	}
	return names
}

// term is the value of an output.
func (n *wiring) term(name string) float64 {
	n.t.Helper()
	outputs, _ := n.values()
	for i, out := range n.graph.Outputs {
		if out.Name == name {
			return outputs[i]
		}
	}
	n.t.Fatalf("no output %q", name)
	return 0
}

// slopes are the gradient of each parameter along its direction.
func (n *wiring) slopes() (slopes []float64) {
	n.t.Helper()
	n.values()
	for i, name := range n.groups() {
		slope := 0.0
		for k, g := range numtest.Floats(n.t, n.slope[i]) {
			slope += g * n.way[name][k]
		}
		slopes = append(slopes, slope)
	}
	return slopes
}

// differences are the same from values, of what is trained on by the name "" and
// of outputs.
func (n *wiring) differences(terms []string) map[string][]float64 {
	const step = 1e-5
	found := make(map[string][]float64)
	for _, name := range n.groups() {
		at := func(sign float64) map[string]float64 {
			for i, d := range n.way[name] {
				n.param[name][i] += sign * step * d
			}
			outputs, total := n.values()
			values := map[string]float64{"": total + n.penalty()}
			for i, out := range n.graph.Outputs {
				values[out.Name] = outputs[i]
			}
			for i, d := range n.way[name] {
				n.param[name][i] -= sign * step * d
			}
			return values
		}
		up, down := at(1), at(-1)
		for _, term := range append([]string{""}, terms...) {
			found[term] = append(found[term], (up[term]-down[term])/(2*step))
		}
	}
	return found
}
