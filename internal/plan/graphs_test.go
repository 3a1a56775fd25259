package plan_test

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/internal/numtest"
	"aegis/internal/optim"
	"aegis/internal/plan"
	"aegis/internal/program"
	"aegis/model/op"
)

// hand builds graphs that no model has yet.
type hand struct {
	t      *testing.T
	g      *G.ExprGraph
	params []*G.Node
	list   *[]program.Param
}

// tensor adds an input.
func (h *hand) tensor(name string, shape ...int) *G.Node {
	return G.NewTensor(h.g, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
}

// layer returns weights and bias, the same nodes for the same name.
func (h *hand) layer(name string, outputs int, weights ...int) (w, b *G.Node) {
	for i, n := range h.params {
		if n.Name() == name+".weight" {
			return n, h.params[i+1]
		}
	}
	w, b = h.tensor(name+".weight", weights...), h.tensor(name+".bias", outputs)
	h.params = append(h.params, w, b)
	for _, n := range []*G.Node{w, b} {
		known := false
		for _, p := range *h.list {
			known = known || p.Name == n.Name()
		}
		if !known {
			*h.list = append(*h.list, program.Param{Name: n.Name(), Shape: n.Shape(), Bound: 0.7})
		}
	}
	return w, b
}

func (h *hand) must(n *G.Node, err error) *G.Node {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

var relu, tanh = op.Activation{Kind: op.ReLU}, op.Activation{Kind: op.Tanh}

func (h *hand) linear(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.layer(name, outputs, outputs, x.Shape()[1])
	return h.must(op.Linear(x, w, b, a))
}

func (h *hand) conv(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.layer(name, outputs, outputs, x.Shape()[1], 3, 3)
	return h.must(op.Conv2d(x, w, b, op.Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}, a))
}

func (h *hand) convTranspose(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.layer(name, outputs, x.Shape()[1], outputs, 3, 3)
	return h.must(op.ConvTranspose2d(x, w, b, op.Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}, [2]int{1, 0}, a))
}

// mean is the squared error of a prediction.
func (h *hand) mean(pred, target, weights *G.Node) *G.Node {
	h.t.Helper()
	return h.must(op.Loss{Kind: op.MSE}.Mean(pred, target, weights))
}

// handmade makes a program of one phase for each function, which goes from
// images to a loss.
func handmade(t *testing.T, image [3]int, row []int, losses ...func(h *hand, x, weights *G.Node) *G.Node) *program.Program {
	t.Helper()
	const batch = 5
	p := &program.Program{Name: "hand", Image: image, Pixels: program.Range{Hi: 1}, Batch: batch}
	for i, loss := range losses {
		h := &hand{t: t, g: G.NewGraph(), list: &p.Params}
		x, weights := h.tensor("x", append([]int{batch}, row...)...), h.tensor("weights", batch)
		cost := loss(h, x, weights)
		grads, err := G.Grad(cost, h.params...)
		if err != nil {
			t.Fatal(err)
		}
		name := "phase" + string(rune('1'+i))
		p.Phases = append(p.Phases, &program.Phase{
			Name: name, Grads: grads, Optimizer: optim.Default(optim.SGD, 0.5),
			Graph: program.Graph{
				ExprGraph: h.g, Input: x, Weights: weights, Params: h.params,
				Outputs: []program.Output{{Name: name, Node: cost}},
			},
		})
	}
	return p
}

// Graphs that no model has yet, held to the tape machine as the models are.
func TestHandmadeGraphs(t *testing.T) {
	vector, image := [3]int{1, 2, 3}, [3]int{3, 4, 5}
	for _, c := range []struct {
		name   string
		image  [3]int
		row    []int
		losses []func(h *hand, x, weights *G.Node) *G.Node
		counts map[plan.Op]int // without options
	}{
		{
			name: "a result used twice: its gradients are added", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				y := h.linear(x, "in", 4, tanh)
				return h.mean(h.must(G.Add(h.linear(y, "a", 6, relu), h.linear(y, "b", 6, op.None))), x, weights)
			}},
			counts: map[plan.Op]int{plan.Add: 2, plan.Slope: 2, plan.AddSums: 0, plan.LossGrad: 1},
		},
		{
			name: "weights used twice: their gradients are added", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				return h.mean(h.linear(h.linear(h.linear(x, "same", 6, tanh), "same", 6, tanh), "other", 6, op.None), x, weights)
			}},
			counts: map[plan.Op]int{plan.AddSums: 2, plan.LinearDW: 3, plan.Update: 4},
		},
		{
			name: "added to itself", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				y := h.linear(x, "in", 4, tanh)
				return h.mean(h.linear(h.must(G.Add(y, y)), "out", 6, op.None), x, weights)
			}},
			counts: map[plan.Op]int{plan.Add: 2, plan.Slope: 1},
		},
		{
			name: "vectors to images and back", image: image, row: []int{60},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				y := h.conv(h.must(op.Reshape(x, 3, 4, 5)), "down", 4, relu) // (4,2,5)
				z := h.linear(h.must(op.Reshape(y, 40)), "code", 3, op.None)
				y = h.must(op.Reshape(h.linear(z, "wide", 40, relu), 4, 2, 5))
				return h.mean(h.must(op.Reshape(h.convTranspose(y, "up", 3, op.None), 60)), x, weights)
			}},
			counts: map[plan.Op]int{plan.Pack: 0, plan.Conv2dDW: 1, plan.ConvTranspose2dDW: 1},
		},
		{
			name: "phases that share parameters", image: image, row: []int{3, 4, 5},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{
				func(h *hand, x, weights *G.Node) *G.Node {
					return h.mean(h.convTranspose(h.conv(x, "down", 2, tanh), "up", 3, op.None), x, weights)
				},
				func(h *hand, x, weights *G.Node) *G.Node {
					return h.mean(h.convTranspose(h.conv(x, "down", 2, tanh), "other", 3, relu), x, weights)
				},
			},
			counts: map[plan.Op]int{plan.Load: 2, plan.Conv2d: 2, plan.LossGrad: 2, plan.Update: 8},
		},
		{
			name: "terms of a loss", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				y := h.linear(x, "in", 6, tanh)
				target := h.must(op.Activate(x, tanh))
				terms := h.must(G.Add(h.mean(y, x, weights), h.mean(y, target, weights)))
				return h.must(G.Add(terms, h.must(op.Loss{Kind: op.MAE}.Mean(y, x, weights))))
			}},
			counts: map[plan.Op]int{plan.LossGrad: 3, plan.Loss: 0, plan.AddSums: 2, plan.Add: 2, plan.Activate: 1},
		},
		{
			name: "an activation of an activation", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				y := h.must(op.Activate(h.linear(x, "in", 4, tanh), op.Activation{Kind: op.Sigmoid}))
				return h.mean(h.linear(y, "out", 6, op.None), x, weights)
			}},
			counts: map[plan.Op]int{plan.Activate: 1, plan.Slope: 1, plan.LinearDX: 1},
		},
		{
			name: "one gradient for two biases", image: vector, row: []int{6},
			losses: []func(h *hand, x, weights *G.Node) *G.Node{func(h *hand, x, weights *G.Node) *G.Node {
				return h.mean(h.must(G.Add(h.linear(x, "a", 6, op.None), h.linear(h.linear(x, "c", 2, relu), "b", 6, op.None))), x, weights)
			}},
			counts: map[plan.Op]int{plan.LinearDW: 3, plan.Update: 6},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, opt := range everyOption() {
				p := handmade(t, c.image, c.row, c.losses...)
				trains(t, p, opt, 2*p.Batch+3, trainedTolerance)
			}
			made := compile(t, handmade(t, c.image, c.row, c.losses...), plan.Options{})
			for o, want := range c.counts {
				if got := count(made, o); got != want {
					t.Errorf("%d × %s, want %d\n%s", got, o, want, made)
				}
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	layer := func(h *hand, x *G.Node) *G.Node { return h.linear(x, "in", 6, op.None) }
	for _, c := range []struct {
		name string
		loss func(h *hand, x, weights *G.Node) *G.Node
		bend func(p *program.Program)
		want string
	}{
		{
			name: "stock op", want: `plan: phase phase1: node "`,
			loss: func(h *hand, x, weights *G.Node) *G.Node {
				return h.mean(h.must(G.Sigmoid(layer(h, x))), x, weights)
			},
		},
		{
			name: "stock op by type", want: `no instruction for op gorgonia.elemUnaryOp sigmoid`,
			loss: func(h *hand, x, weights *G.Node) *G.Node {
				return h.mean(h.must(G.Sigmoid(layer(h, x))), x, weights)
			},
		},
		{
			name: "not an addition", want: `no instruction for op gorgonia.elemBinOp -`,
			loss: func(h *hand, x, weights *G.Node) *G.Node {
				return h.mean(h.must(G.Sub(layer(h, x), x)), x, weights)
			},
		},
		{
			name: "scaled loss", want: `want the constant 1`,
			loss: func(h *hand, x, weights *G.Node) *G.Node {
				return h.must(G.Mul(h.mean(layer(h, x), x, weights), G.NewConstant(float32(3))))
			},
			bend: func(p *program.Program) { p.Phases[0].Outputs = nil },
		},
		{
			name: "other row weights", want: `its rows are weighted by "mine"; want the graph's weights`,
			loss: func(h *hand, x, _ *G.Node) *G.Node { return h.mean(layer(h, x), x, h.tensor("mine", 5)) },
		},
		{
			name: "foreign leaf", want: `node "y" is neither the input nor a parameter`,
			loss: func(h *hand, x, weights *G.Node) *G.Node { return h.mean(layer(h, x), h.tensor("y", 5, 6), weights) },
		},
		{
			name: "parameter's shape", want: `parameter in.weight is (6, 6) in the graph; want [7 6] as in the program`,
			loss: func(h *hand, x, weights *G.Node) *G.Node { return h.mean(layer(h, x), x, weights) },
			bend: func(p *program.Program) { p.Params[0].Shape = []int{7, 6} },
		},
		{
			name: "batch", want: `batch 5; want the program's 6`,
			loss: func(h *hand, x, weights *G.Node) *G.Node { return h.mean(layer(h, x), x, weights) },
			bend: func(p *program.Program) { p.Batch = 6 },
		},
		{
			name: "gradients", want: `1 gradients of 2 parameters`,
			loss: func(h *hand, x, weights *G.Node) *G.Node { return h.mean(layer(h, x), x, weights) },
			bend: func(p *program.Program) { p.Phases[0].Grads = p.Phases[0].Grads[1:] },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := handmade(t, [3]int{1, 2, 3}, []int{6}, c.loss)
			if c.bend != nil {
				c.bend(p)
			}
			if _, err := plan.Compile(p, plan.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// A matrix of weights can be laid out for one kind of product only.
func TestTiedConvolutions(t *testing.T) {
	tied := func(h *hand, x, weights *G.Node) *G.Node {
		y := h.conv(x, "down", 3, relu)
		w, b := h.layer("down", 3, 3, 3, 3, 3)
		y = h.must(op.ConvTranspose2d(y, w, b, op.Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}, [2]int{1, 0}, op.None))
		return h.mean(y, x, weights)
	}
	p := handmade(t, [3]int{3, 4, 5}, []int{3, 4, 5}, tied)
	const want = "down.weight is a weight of conv2d and of convtranspose2d"
	if _, err := plan.Compile(p, plan.Options{ChannelsLast: true}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	trains(t, p, plan.Options{}, 13, trainedTolerance)
}

// An image that is an output itself comes out in the order of its shape.
func TestOutputsArePacked(t *testing.T) {
	for _, opt := range everyOption() {
		h := &hand{t: t, g: G.NewGraph(), list: new([]program.Param)}
		x := h.tensor("x", 2, 3, 4, 5)
		y := h.conv(x, "down", 2, relu)
		g := &program.Graph{ExprGraph: h.g, Input: x, Params: h.params, Outputs: []program.Output{{Name: "y", Node: y}, {Name: "x", Node: x}}}
		p := &program.Program{Name: "hand", Image: [3]int{3, 4, 5}, Batch: 2, Params: *h.list}
		made, err := plan.CompileForward(p, g, opt)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if opt.ChannelsLast {
			want = 2
		}
		if got := count(made, plan.Pack); got != want {
			t.Errorf("%s: %d packs, want %d", opt, got, want)
		}
		_, pixels := images(p, 2)
		m := newMachine(t, made, p.Start(1).Tensors)
		out := m.step(pixels, 2, nil)
		numtest.Close(t, opt.String()+": x", out[1], pixels, 0)
		plain, err := plan.CompileForward(p, g, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		numtest.Close(t, opt.String()+": y", out[0], newMachine(t, plain, p.Start(1).Tensors).step(pixels, 2, nil)[0], forwardTolerance)
	}
}
