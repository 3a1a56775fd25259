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
// and the forward parts, which read averages of the parameters where the spec
// has them. Every shape is checked here.
func (s Spec) Program() (*program.Program, error) {
	p, b, err := s.forward()
	if err != nil {
		return nil, err
	}
	if p.Scalars, err = s.scalars(); err != nil {
		return nil, err
	}
	b.addAverages(p)
	if s.Adversarial() {
		p.Phases, err = b.adversarialPhases()
		return p, err
	}
	_, phase, err := b.phase()
	p.Phases = []*program.Phase{phase}
	return p, err
}

// Forward is [Spec.Program] without a phase and without averages: what it takes
// to use a network that was trained. Its parameters are those of a model's file.
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
	b := &builder{spec: s, network: n, dtype: tensor.Float32}
	p := &program.Program{
		Name: s.Model, Row: s.row(), Code: s.Latent, Scaling: s.Scaled(), Batch: s.Batch, Forward: b.forward,
	}
	for _, l := range n.all() {
		p.Params = append(p.Params, l.params(s.Init)...)
	}
	if s.Likelihood == GaussianLearned {
		p.Params = append(p.Params, logSigma())
	}
	return p, b, nil
}

// builder writes one network's graphs.
type builder struct {
	spec    Spec
	network network
	dtype   tensor.Dtype // of the graphs: of all in them that is no constant

	averages bool // forward parts read averages of the parameters
}

// graph is a graph under construction.
type graph struct {
	program.Graph
	dtype   tensor.Dtype
	init    Init
	dropout float64
	topK    int
	code    *G.Node

	averages bool            // in place of what is trained
	weights  *G.Node         // of rows, while training; else nil
	kept     []*G.Node       // running tensors that it reads
	writes   []program.Write // what they become
	total    *G.Node         // what is trained on: the loss with all penalties
}

func (b *builder) newGraph(training bool) *graph {
	return &graph{
		Graph: program.Graph{ExprGraph: G.NewGraph()}, dtype: b.dtype, init: b.spec.Init, dropout: b.spec.Dropout, topK: b.spec.TopK(),
		averages: b.averages && !training,
	}
}

// all is the graph with its running tensors among its parameters.
func (g *graph) all() program.Graph {
	all := g.Graph
	all.Params = slices.Concat(g.Params, g.kept)
	return all
}

// tensor adds a leaf.
func (g *graph) tensor(name string, shape ...int) *G.Node {
	return G.NewTensor(g.ExprGraph, g.dtype, len(shape), G.WithName(name), G.WithShape(shape...))
}

// param returns the leaf of a parameter, the same one where it is read again.
func (g *graph) param(p program.Param) *G.Node {
	if g.averages {
		p = average(p)
	}
	list := &g.Params
	if p.Role != program.Trained {
		list = &g.kept
	}
	for _, n := range *list {
		if n.Name() == p.Name {
			return n
		}
	}
	n := g.tensor(p.Name, p.Shape...)
	*list = append(*list, n)
	return n
}

// input adds an input of B rows.
func (g *graph) input(kind program.InputKind, name string, batch int, row ...int) *G.Node {
	n := g.tensor(name, append([]int{batch}, row...)...)
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: kind})
	return n
}

// scalar adds a number that changes from step to step.
func (g *graph) scalar(name string) *G.Node {
	n := G.NewScalar(g.ExprGraph, g.dtype, G.WithName(name))
	g.Inputs = append(g.Inputs, program.Input{Node: n, Kind: program.InputScalar, Purpose: name})
	return n
}

// layers adds layers with their parameters.
func (g *graph) layers(x *G.Node, layers []Layer) (*G.Node, error) {
	for _, l := range layers {
		params := l.params(g.init)
		w, b := g.param(params[0]), g.param(params[1])
		var err error
		if x, err = op.Reshape(x, l.row()...); err == nil && l.Classes > 0 {
			x, err = op.Concat(x, g.labels(l.Classes))
		}
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", l.Name, err)
		}
		if x, err = g.layer(x, w, b, l); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// layer adds a layer with what lies between it and the next one.
func (g *graph) layer(x, w, b *G.Node, l Layer) (*G.Node, error) {
	activation := l.Activation
	if l.Norm != "" {
		l.Activation = op.None
	}
	y, err := l.apply(x, w, b)
	if err == nil && l.Norm != "" {
		if y, err = g.norm(y, l); err == nil {
			y, err = op.Activate(y, activation)
		}
	}
	if err == nil {
		y, err = g.drop(y, l)
	}
	if err == nil && l.Code {
		y, err = g.sparse(y)
		g.code = y
	}
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", l.Name, err)
	}
	return y, nil
}

// loss adds the way from images to the loss.
func (b *builder) loss(batch int, training bool) (*graph, error) {
	if b.spec.Variational() {
		return b.variationalLoss(batch, training)
	}
	g, rows, err := b.rows(batch, training)
	if err != nil {
		return nil, err
	}
	layers := b.network.layers()
	if b.spec.Loss == BCE { // computed from logits: the sigmoid is inside the loss
		layers[len(layers)-1].Activation = op.None
	}
	y, err := g.layers(rows.read, layers)
	if err != nil {
		return nil, err
	}
	cost, err := b.spec.lossOp().Mean(y, rows.x, rows.weights)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	g.Outputs = []program.Output{{Name: "loss", Node: cost}}
	if training {
		return g, b.penalties(g, cost)
	}
	if rows.read != rows.x {
		return g, b.cleanLoss(g, rows, layers)
	}
	return g, nil
}

// batchRows are the rows of a batch: x is what is to be rebuilt, and read what the
// encoder gets of it.
type batchRows struct{ x, read, weights *G.Node }

// rows begins a graph with what it reads.
func (b *builder) rows(batch int, training bool) (g *graph, rows batchRows, err error) {
	g = b.newGraph(training)
	rows.x = g.input(program.InputRows, "x", batch, b.network.encoder[0].row()...)
	rows.weights = g.input(program.InputWeights, "weights", batch)
	if training {
		g.weights = rows.weights
	}
	if rows.x, err = b.binarize(g, rows.x); err != nil {
		return nil, rows, fmt.Errorf("model: binarize: %w", err)
	}
	if rows.read, err = b.corrupt(g, rows.x); err != nil {
		return nil, rows, err
	}
	return g, rows, nil
}

// Clean names the loss of rows that are read as they are, where the others are of
// corrupted ones.
const Clean = "clean"

// cleanLoss adds it.
func (b *builder) cleanLoss(g *graph, rows batchRows, layers []Layer) error {
	y, err := g.layers(rows.x, layers)
	if err != nil {
		return err
	}
	cost, err := b.spec.lossOp().Mean(y, rows.x, rows.weights)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	g.Outputs = append(g.Outputs, program.Output{Name: Clean, Node: cost})
	return nil
}

// phase is the one of all parameters.
func (b *builder) phase() (*graph, *program.Phase, error) {
	g, err := b.loss(b.spec.Batch, true)
	if err != nil {
		return nil, nil, err
	}
	phase, err := b.train("train", g, g.Params, true)
	return g, phase, err
}

// train is a phase of a graph's total with the gradients of what it trains, with
// the penalty on weights or without.
func (b *builder) train(name string, g *graph, trained []*G.Node, decays bool) (*program.Phase, error) {
	if b.spec.Rows < 1 && b.spec.optimizer().Schedule.ByEpochs() {
		return nil, errNoRows("schedule " + b.spec.Schedule)
	}
	grads, err := G.Grad(g.total, trained...)
	if err != nil {
		return nil, fmt.Errorf("model: gradients: %w", err)
	}
	if decays {
		err = b.decay(trained, grads)
	}
	return &program.Phase{
		Graph: g.all(), Name: name, Trained: trained, Grads: grads, Optimizer: b.spec.optimizer(), Clip: b.spec.clip(), Writes: g.writes,
	}, err
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
		whole := g.all()
		return &whole, nil
	}
	g := b.newGraph(false)
	var x, y *G.Node
	var err error
	first, name, flat := b.network.encoder[0].row(), "image", b.spec.row().Size()
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
	case program.Logits, program.DecodeLogits:
		plain := map[program.Part]program.Part{program.Logits: program.Reconstruct, program.DecodeLogits: program.Decode}[part]
		if !b.spec.Probabilities() {
			return nil, fmt.Errorf("model: %s: the loss %s has none; want %s", part, cmp.Or(string(b.spec.Loss), b.spec.Likelihood), plain)
		}
		name = "logits"
		if part == program.Logits {
			x = g.input(program.InputRows, "x", batch, first...)
		} else {
			layers = slices.Clone(b.network.decoder)
			x = g.input(program.InputCodes, "z", batch, b.spec.Latent)
		}
		layers[len(layers)-1].Activation = op.None
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
	whole := g.all()
	return &whole, nil
}
