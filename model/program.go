package model

import (
	"cmp"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"aegis/model/op"
	"aegis/model/program"
)

// Program writes the spec as graphs: one training phase with its gradients,
// and the forward parts. Every shape is checked here.
func (s Spec) Program() (*program.Program, error) {
	p, b, err := s.forward()
	if err != nil {
		return nil, err
	}
	if p.Scalars, err = s.scalars(); err != nil {
		return nil, err
	}
	phase, err := b.phase()
	if err != nil {
		return nil, err
	}
	p.Phases = []*program.Phase{phase}
	return p, nil
}

// Forward is [Spec.Program] without a phase: what it takes to use a network
// that was trained.
func (s Spec) Forward() (*program.Program, error) {
	p, _, err := s.forward()
	return p, err
}

func (s Spec) forward() (*program.Program, *builder, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	n, err := s.network()
	if err != nil {
		return nil, nil, err
	}
	b := &builder{spec: s, network: n}
	p := &program.Program{
		Name: s.Model, Row: s.row(), Code: s.Latent, Scaling: s.scaling(), Batch: s.Batch, Forward: b.forward,
	}
	for _, l := range n.layers() {
		p.Params = append(p.Params, l.params(s.Init)...)
	}
	if s.Likelihood == GaussianLearned {
		p.Params = append(p.Params, program.Param{Name: LogSigma, Shape: []int{1}})
	}
	return p, b, nil
}

// builder writes one network's graphs.
type builder struct {
	spec    Spec
	network network
}

// graph is a graph under construction.
type graph struct {
	program.Graph
	init Init
}

func newGraph(init Init) *graph {
	return &graph{Graph: program.Graph{ExprGraph: G.NewGraph()}, init: init}
}

// tensor adds a leaf.
func (g *graph) tensor(name string, shape ...int) *G.Node {
	return G.NewTensor(g.ExprGraph, tensor.Float32, len(shape), G.WithName(name), G.WithShape(shape...))
}

// input adds an input of B rows.
func (g *graph) input(kind program.InputKind, name string, batch int, row ...int) *G.Node {
	n := g.tensor(name, append([]int{batch}, row...)...)
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: kind})
	return n
}

// scalar adds a number that changes from step to step.
func (g *graph) scalar(name string) *G.Node {
	n := G.NewScalar(g.ExprGraph, tensor.Float32, G.WithName(name))
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: program.InputScalar, Purpose: name})
	return n
}

// param is a parameter, the same node for the same name.
func (g *graph) param(name string, shape ...int) *G.Node {
	for _, n := range g.Params {
		if n.Name() == name {
			return n
		}
	}
	n := g.tensor(name, shape...)
	g.Params = append(g.Params, n)
	return n
}

// layers adds layers with their parameters.
func (g *graph) layers(x *G.Node, layers []Layer) (*G.Node, error) {
	for _, l := range layers {
		params := l.params(g.init)
		w, b := g.param(params[0].Name, params[0].Shape...), g.param(params[1].Name, params[1].Shape...)
		var err error
		if x, err = op.Reshape(x, l.In...); err != nil {
			return nil, fmt.Errorf("model: %s: %w", l.Name, err)
		}
		if x, err = l.apply(x, w, b); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// loss adds the way from images to the loss.
func (b *builder) loss(batch int, training bool) (*graph, error) {
	if b.spec.Variational() {
		return b.variationalLoss(batch, training)
	}
	g := newGraph(b.spec.Init)
	x := g.input(program.InputRows, "x", batch, b.network.encoder[0].In...)
	weights := g.input(program.InputWeights, "weights", batch)
	layers := b.network.layers()
	if b.spec.Loss == BCE { // computed from logits: the sigmoid is inside the loss
		layers[len(layers)-1].Activation = op.None
	}
	y, err := g.layers(x, layers)
	if err != nil {
		return nil, err
	}
	cost, err := b.spec.lossOp().Mean(y, x, weights)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	g.Outputs = []program.Output{{Name: "loss", Node: cost}}
	return g, nil
}

// phase is the loss with the gradients of all parameters.
func (b *builder) phase() (*program.Phase, error) {
	g, err := b.loss(b.spec.Batch, true)
	if err != nil {
		return nil, err
	}
	grads, err := G.Grad(g.Outputs[0].Node, g.Params...)
	if err != nil {
		return nil, fmt.Errorf("model: gradients: %w", err)
	}
	return &program.Phase{Graph: g.Graph, Name: "train", Trained: g.Params, Grads: grads, Optimizer: b.spec.optimizer()}, nil
}

// forward builds one part.
func (b *builder) forward(part program.Part, batch int) (*program.Graph, error) {
	if batch < 1 {
		return nil, fmt.Errorf("model: %s: batch %d; want at least 1", part, batch)
	}
	if part == program.Evaluate {
		g, err := b.loss(batch, false)
		if err != nil {
			return nil, err
		}
		return &g.Graph, nil
	}
	g := newGraph(b.spec.Init)
	var x, y *G.Node
	var err error
	first, name, flat := b.network.encoder[0].In, "image", b.spec.row().Size()
	layers := slices.Concat(b.network.encoder, b.network.mu(), b.network.decoder)
	switch part {
	case program.Encode:
		layers, name, flat = slices.Concat(b.network.encoder, b.network.mu()), "code", b.spec.Latent
		x = g.input(program.InputRows, "x", batch, first...)
	case program.Decode:
		layers = b.network.decoder
		x = g.input(program.InputCodes, "z", batch, b.spec.Latent)
	case program.Reconstruct:
		x = g.input(program.InputRows, "x", batch, first...)
	case program.LogVar:
		if !b.spec.Variational() {
			return nil, fmt.Errorf("model: %s: the code is no distribution; want a variational network, such as vae", part)
		}
		layers, name, flat = slices.Concat(b.network.encoder, b.network.heads[1:]), "logvar", b.spec.Latent
		x = g.input(program.InputRows, "x", batch, first...)
	case program.Logits:
		if !b.spec.Probabilities() {
			return nil, fmt.Errorf("model: %s: the loss %s has none; want %s", part, cmp.Or(string(b.spec.Loss), b.spec.Likelihood), program.Reconstruct)
		}
		name = "logits"
		layers[len(layers)-1].Activation = op.None
		x = g.input(program.InputRows, "x", batch, first...)
	default:
		err = fmt.Errorf("unknown part %q", part)
	}
	if err == nil {
		y, err = g.layers(x, layers)
	}
	if err == nil {
		y, err = op.Reshape(y, flat)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", part, err)
	}
	g.Outputs = []program.Output{{Name: name, Node: y}}
	return &g.Graph, nil
}
