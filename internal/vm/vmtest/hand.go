package vmtest

import (
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// Hand builds graphs that no model has yet.
type Hand struct {
	t      *testing.T
	Graph  *G.ExprGraph
	Inputs []program.Input
	Params []*G.Node
	list   *[]program.Param // of all graphs of a program
}

// NewHand starts a graph.
func NewHand(t *testing.T, g *G.ExprGraph, list *[]program.Param) *Hand {
	return &Hand{t: t, Graph: g, list: list}
}

// Tensor adds an input.
func (h *Hand) Tensor(name string, shape ...int) *G.Node {
	return G.NewTensor(h.Graph, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
}

// Layer returns weights and bias, the same nodes for the same name.
func (h *Hand) Layer(name string, outputs int, weights ...int) (w, b *G.Node) {
	for i, n := range h.Params {
		if n.Name() == name+".weight" {
			return n, h.Params[i+1]
		}
	}
	w, b = h.Tensor(name+".weight", weights...), h.Tensor(name+".bias", outputs)
	h.Params = append(h.Params, w, b)
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

// Param is a parameter that is no layer's.
func (h *Hand) Param(name string, shape ...int) *G.Node {
	n := h.Tensor(name, shape...)
	h.Params = append(h.Params, n)
	if !slices.ContainsFunc(*h.list, func(p program.Param) bool { return p.Name == name }) {
		*h.list = append(*h.list, program.Param{Name: name, Shape: shape, Bound: 0.7})
	}
	return n
}

// Must is a node, or the end of the test.
func (h *Hand) Must(n *G.Node, err error) *G.Node {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

var (
	relu, tanh = op.Activation{Kind: op.ReLU}, op.Activation{Kind: op.Tanh}
	wide       = op.Window{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}
	patches    = op.Window{Stride: [2]int{2, 2}}
)

// Linear is a linear layer.
func (h *Hand) Linear(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.Layer(name, outputs, outputs, x.Shape()[1])
	return h.Must(op.Linear(x, w, b, a))
}

// Conv is a convolution of 3×3 kernels, with edges.
func (h *Hand) Conv(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.Layer(name, outputs, outputs, x.Shape()[1], 3, 3)
	return h.Must(op.Conv2d(x, w, b, wide, a))
}

// ConvTranspose goes back.
func (h *Hand) ConvTranspose(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.Layer(name, outputs, x.Shape()[1], outputs, 3, 3)
	return h.Must(op.ConvTranspose2d(x, w, b, wide, [2]int{1, 0}, a))
}

// Patch is a convolution of 2×2 kernels side by side.
func (h *Hand) Patch(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.Layer(name, outputs, outputs, x.Shape()[1], 2, 2)
	return h.Must(op.Conv2d(x, w, b, patches, a))
}

// PatchTranspose goes back.
func (h *Hand) PatchTranspose(x *G.Node, name string, outputs int, a op.Activation) *G.Node {
	h.t.Helper()
	w, b := h.Layer(name, outputs, x.Shape()[1], outputs, 2, 2)
	return h.Must(op.ConvTranspose2d(x, w, b, patches, [2]int{}, a))
}

// Mean is the squared error of a prediction.
func (h *Hand) Mean(pred, target, weights *G.Node) *G.Node {
	h.t.Helper()
	return h.Must(op.Loss{Kind: op.MSE}.Mean(pred, target, weights))
}

// Handmade is a program of one phase for each loss, a function that goes from
// images to one.
type Handmade struct {
	Image  [3]int
	Row    []int // an image's shape in the graphs
	Losses []func(h *Hand, x, weights *G.Node) *G.Node
}

// Program builds it.
func (m Handmade) Program(t *testing.T) *program.Program {
	t.Helper()
	const batch = 5
	p := &program.Program{Name: "hand", Row: data.Shape{C: m.Image[0], H: m.Image[1], W: m.Image[2]}, Scaling: data.PixelScaling(data.Range{Hi: 1}), Batch: batch}
	p.Forward = func(part program.Part, batch int) (*program.Graph, error) { return m.forward(t, part, batch), nil }
	for i, loss := range m.Losses {
		h := NewHand(t, G.NewGraph(), &p.Params)
		x, weights := h.Tensor("x", append([]int{batch}, m.Row...)...), h.Tensor("weights", batch)
		cost := loss(h, x, weights)
		grads, err := G.Grad(cost, h.Params...)
		if err != nil {
			t.Fatal(err)
		}
		name := "phase" + string(rune('1'+i))
		p.Phases = append(p.Phases, &program.Phase{
			Name: name, Trained: h.Params, Grads: grads, Optimizer: optim.Default(optim.SGD, 0.5),
			Graph: program.Graph{
				ExprGraph: h.Graph, Params: h.Params,
				Inputs:  []program.Input{{Node: x, Kind: program.InputRows}, {Node: weights, Kind: program.InputWeights}},
				Outputs: []program.Output{{Name: name, Node: cost}},
			},
		})
	}
	return p
}

// forward is a part that VMs prepare and nobody asks for.
func (m Handmade) forward(t *testing.T, part program.Part, batch int) *program.Graph {
	h := NewHand(t, G.NewGraph(), new([]program.Param))
	x := h.Tensor("x", append([]int{batch}, m.Row...)...)
	y := h.Must(op.Activate(x, tanh))
	return &program.Graph{ExprGraph: h.Graph, Inputs: []program.Input{{Node: x, Kind: program.InputRows}}, Outputs: []program.Output{{Name: string(part), Node: y}}}
}
