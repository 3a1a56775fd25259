package plan_test

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/internal/numtest"
	"aegis/internal/plan"
	"aegis/internal/vm/vmtest"
	"aegis/model/op"
	"aegis/model/program"
)

var relu = op.Activation{Kind: op.ReLU}

// handmade makes a program of one phase.
func handmade(t *testing.T, image [3]int, row []int, loss func(h *vmtest.Hand, x, weights *G.Node) *G.Node) *program.Program {
	t.Helper()
	return vmtest.Handmade{Image: image, Row: row, Losses: []func(h *vmtest.Hand, x, weights *G.Node) *G.Node{loss}}.Program(t)
}

// Graphs that no model has yet, held to the tape machine as the models are.
func TestHandmadeGraphs(t *testing.T) {
	counts := map[string]map[plan.Op]int{ // without options
		"a result used twice: its gradients are added":  {plan.Add: 2, plan.Slope: 2, plan.AddSums: 0, plan.LossGrad: 1},
		"weights used twice: their gradients are added": {plan.AddSums: 2, plan.LinearDW: 3, plan.Update: 4},
		"added to itself":                {plan.Add: 2, plan.Slope: 1},
		"vectors to images and back":     {plan.Pack: 0, plan.Conv2dDW: 1, plan.ConvTranspose2dDW: 1},
		"phases that share parameters":   {plan.Load: 1, plan.Conv2d: 2, plan.LossGrad: 2, plan.Update: 8},
		"terms of a loss":                {plan.LossGrad: 3, plan.Loss: 0, plan.AddSums: 2, plan.Add: 2, plan.Activate: 1},
		"an activation of an activation": {plan.Activate: 1, plan.Slope: 1, plan.LinearDX: 1},
		"one gradient for two biases":    {plan.LinearDW: 3, plan.Update: 6},
	}
	graphs := vmtest.Graphs()
	for name := range counts {
		if _, ok := graphs[name]; !ok {
			t.Errorf("no graph %q", name)
		}
	}
	for name, made := range graphs {
		t.Run(name, func(t *testing.T) {
			for _, opt := range everyOption() {
				p := made.Program(t)
				trains(t, p, opt, 2*p.Batch+3, trainedTolerance)
			}
			compiled := compile(t, made.Program(t), plan.Options{})
			for o, want := range counts[name] {
				if got := count(compiled, o); got != want {
					t.Errorf("%d × %s, want %d\n%s", got, o, want, compiled)
				}
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	layer := func(h *vmtest.Hand, x *G.Node) *G.Node { return h.Linear(x, "in", 6, op.None) }
	for _, c := range []struct {
		name string
		loss func(h *vmtest.Hand, x, weights *G.Node) *G.Node
		bend func(p *program.Program)
		want string
	}{
		{
			name: "stock op", want: `plan: phase phase1: node "`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
				return h.Mean(h.Must(G.Sigmoid(layer(h, x))), x, weights)
			},
		},
		{
			name: "stock op by type", want: `no instruction for op gorgonia.elemUnaryOp sigmoid`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
				return h.Mean(h.Must(G.Sigmoid(layer(h, x))), x, weights)
			},
		},
		{
			name: "not an addition", want: `no instruction for op gorgonia.elemBinOp -`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
				return h.Mean(h.Must(G.Sub(layer(h, x), x)), x, weights)
			},
		},
		{
			name: "scaled loss", want: `want the constant 1`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
				return h.Must(G.Mul(h.Mean(layer(h, x), x, weights), G.NewConstant(float32(3))))
			},
			bend: func(p *program.Program) { // the loss is a sound output; what its gradient starts from is not
				g := &p.Phases[0].Graph
				inner := g.From(g.Outputs[0].Node.ID())
				inner.Next()
				g.Outputs[0].Node = inner.Node().(*G.Node)
			},
		},
		{
			name: "other row weights", want: `its rows are weighted by "mine"; want the graph's weights`,
			loss: func(h *vmtest.Hand, x, _ *G.Node) *G.Node { return h.Mean(layer(h, x), x, h.Tensor("mine", 5)) },
		},
		{
			name: "foreign leaf", want: `node "y" is neither an input nor a parameter`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
				return h.Mean(layer(h, x), h.Tensor("y", 5, 6), weights)
			},
		},
		{
			name: "parameter's shape", want: `parameter in.weight is (6, 6) in the graph; want [7 6] as in the program`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node { return h.Mean(layer(h, x), x, weights) },
			bend: func(p *program.Program) { p.Params[0].Shape = []int{7, 6} },
		},
		{
			name: "batch", want: `batch 5; want the program's 6`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node { return h.Mean(layer(h, x), x, weights) },
			bend: func(p *program.Program) { p.Batch = 6 },
		},
		{
			name: "gradients", want: `1 gradients of 2 trained parameters`,
			loss: func(h *vmtest.Hand, x, weights *G.Node) *G.Node { return h.Mean(layer(h, x), x, weights) },
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
	tied := func(h *vmtest.Hand, x, weights *G.Node) *G.Node {
		y := h.Conv(x, "down", 3, relu)
		w, b := h.Layer("down", 3, 3, 3, 3, 3)
		y = h.Must(op.ConvTranspose2d(y, w, b, op.Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}, [2]int{1, 0}, op.None))
		return h.Mean(y, x, weights)
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
		params := new([]program.Param)
		h := vmtest.NewHand(t, G.NewGraph(), params)
		x := h.Tensor("x", 2, 3, 4, 5)
		y := h.Conv(x, "down", 2, relu)
		g := &program.Graph{ExprGraph: h.Graph, Inputs: []program.Input{{Node: x, Kind: program.InputRows}}, Params: h.Params, Outputs: []program.Output{{Name: "y", Node: y}, {Name: "x", Node: x}}}
		p := &program.Program{Name: "hand", Row: data.Shape{C: 3, H: 4, W: 5}, Batch: 2, Params: *params}
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
