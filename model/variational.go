package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/program"
)

// The likelihoods of a variational network, of a row's values summed up. Gaussian
// is followed by the deviation, or by the word learned for one that is trained.
const (
	Bernoulli       = "bernoulli"
	gaussianPrefix  = "gaussian:"
	GaussianLearned = gaussianPrefix + "learned"
)

// The names of what only variational networks have.
const (
	headMu     = "mu"
	headLogVar = "logvar"
	beta       = "beta" // a scalar: what the divergence weighs
)

// LogSigma is the parameter of a Gaussian likelihood whose deviation is learned:
// the deviation's logarithm.
const LogSigma = "logsigma"

func logSigma() program.Param { return program.Param{Name: LogSigma, Shape: []int{1}} }

// Variational says that a code is a distribution: the network has a likelihood.
func (s Spec) Variational() bool { return s.Likelihood != "" }

// Probabilities says that the network's output are chances, and that it wants
// values in [0,1].
func (s Spec) Probabilities() bool { return s.Loss == BCE || s.Likelihood == Bernoulli }

// Divergence is that of a code from N(0, 1), in nats.
func Divergence(mu, logvar []float32) float64 {
	return op.Loss{Kind: op.KL, Sum: true}.Row(mu, logvar)
}

// sigma is a Gaussian's deviation; 0 for one that is learned or none.
func (s Spec) sigma() (float64, error) {
	text, ok := strings.CutPrefix(s.Likelihood, gaussianPrefix)
	if !ok || s.Likelihood == GaussianLearned {
		return 0, nil
	}
	sigma, err := strconv.ParseFloat(text, 64)
	if err != nil || !(sigma > 0) || math.IsInf(sigma, 0) {
		return 0, fmt.Errorf("model: likelihood %s; want a finite deviation above 0, such as gaussian:0.1, or gaussian:learned", s.Likelihood)
	}
	return sigma, nil
}

// checkVariational says what is wrong with what only variational networks have.
func (s Spec) checkVariational() error {
	if !s.Variational() {
		if s.Beta != 0 || s.KLWarmup != 0 || s.FreeBits != 0 {
			return errors.New("model: beta, kl warmup or free bits without a likelihood; they are for variational networks, such as vae")
		}
		if s.Condition != "" {
			return errors.New("model: a condition without a likelihood; it is for variational networks, such as vae")
		}
		return nil
	}
	if err := s.checkCondition(); err != nil {
		return err
	}
	if s.Loss != "" {
		return fmt.Errorf("model: loss %s beside likelihood %s; a likelihood is the loss: want one of the two", s.Loss, s.Likelihood)
	}
	if s.Likelihood != Bernoulli && !strings.HasPrefix(s.Likelihood, gaussianPrefix) {
		return fmt.Errorf("model: unknown likelihood %q; want bernoulli, gaussian:SIGMA or gaussian:learned", s.Likelihood)
	}
	if s.Likelihood == Bernoulli && s.LastActivation() != string(op.Sigmoid) {
		return fmt.Errorf("model: likelihood bernoulli with output %s; it needs chances: want output sigmoid", s.LastActivation())
	}
	if s.ActivateCode {
		return fmt.Errorf("model: a variational network's code goes through %s; its means have values of either sign: want no activate_code", s.Activation)
	}
	if s.Sparse != "" || s.CodeL2 != 0 {
		return errors.New("model: a sparse or small code of a variational network; its divergence shapes the code already: want beta or free bits")
	}
	if len(s.Hidden) == 0 {
		return errors.New("model: a variational network without a hidden layer; want the width before the code at least")
	}
	for _, w := range []struct {
		name  string
		value float64
	}{{"beta", s.Beta}, {"kl warmup", s.KLWarmup}, {"free bits", s.FreeBits}} {
		if !(w.value >= 0) || math.IsInf(w.value, 0) {
			return fmt.Errorf("model: %s %v; want a finite number of at least 0", w.name, w.value)
		}
	}
	_, err := s.sigma()
	return err
}

// vary makes a network variational: its encoder goes to the last hidden width,
// from which two heads go to means and log variances of the code.
func (s Spec) vary(n network) network {
	last := n.encoder[len(n.encoder)-1]
	if s.Family == FullyConnected {
		n.encoder = n.encoder[:len(n.encoder)-1]
	} else { // the whole image in one kernel, then as a vector; and back
		z := program.Size(last.Out)
		last = Layer{Kind: Linear, In: []int{z}}
		n.decoder = append([]Layer{{Kind: Linear, In: []int{s.Latent}, Out: []int{z}}}, n.decoder...)
	}
	head := Layer{Kind: Linear, In: last.In, Out: []int{s.Latent}, Activation: op.None}
	n.heads = []Layer{head, head}
	n.heads[0].Name, n.heads[1].Name = headMu, headLogVar
	return n
}

// encoded is a code's distribution.
type encoded struct{ mu, logvar *G.Node }

// encode adds the way from rows to the code's distribution.
func (b *builder) encode(g *graph, x *G.Node) (e encoded, err error) {
	h, err := g.layers(x, b.network.encoder)
	if err == nil {
		h, err = op.Reshape(h, b.network.heads[0].row()...)
	}
	if err == nil {
		e.mu, err = g.layers(h, b.network.heads[:1])
	}
	if err == nil {
		e.logvar, err = g.layers(h, b.network.heads[1:])
	}
	return e, err
}

// sample draws a code: mu + e^(logvar/2)·noise.
func (g *graph) sample(e encoded) (*G.Node, error) {
	shape := e.mu.Shape()
	noise := g.input(program.InputNormal, "noise", shape[0], shape[1])
	g.Inputs[len(g.Inputs)-1].Purpose = "sample"
	deviation, err := op.Activate(e.logvar, op.Activation{Kind: op.Exp, Alpha: 0.5})
	if err != nil {
		return nil, err
	}
	spread, err := op.Mul(deviation, noise)
	if err != nil {
		return nil, err
	}
	return op.Add(e.mu, spread)
}

// decode adds the way from codes to what the likelihood is of: logits for
// Bernoulli's, else the rows that are expected.
func (b *builder) decode(g *graph, z *G.Node) (*G.Node, error) {
	layers := slices.Clone(b.network.decoder)
	if b.spec.Likelihood == Bernoulli {
		layers[len(layers)-1].Activation = op.None
	}
	return g.layers(z, layers)
}

// likelihood adds minus the logarithm of the likelihood, in nats a row.
func (b *builder) likelihood(g *graph, y, x, weights *G.Node) (*G.Node, error) {
	if b.spec.Likelihood != GaussianLearned {
		return b.spec.lossOp().Mean(y, x, weights)
	}
	square, err := op.Loss{Kind: op.MSE, Sum: true}.Mean(y, x, weights)
	if err != nil {
		return nil, err
	}
	return op.GaussianOf(square, g.param(logSigma()), b.spec.row().Size())
}

// variationalLoss adds the way from rows to the terms, in nats a row: the loss,
// reconstruction, divergence, and the bound, which has a beta of 1. In training a
// code is drawn, the divergence weighs what it does in that step, and a dimension
// is free up to its floor. Else the loss is at the mean code, with the final beta
// and all of the divergence; what the bound is of is drawn by row.
func (b *builder) variationalLoss(batch int, training bool) (*graph, error) {
	g, rows, err := b.rows(batch, training)
	if err != nil {
		return nil, err
	}
	x, read, weights := rows.x, rows.read, rows.weights
	e, err := b.encode(g, read)
	if err != nil {
		return nil, err
	}
	kl, err := op.Loss{Kind: op.KL, Sum: true}.Mean(e.mu, e.logvar, weights)
	if err != nil {
		return nil, err
	}
	z, err := g.sample(e)
	if err != nil {
		return nil, err
	}
	drawn, err := b.reconstruction(g, z, x, weights)
	if err != nil {
		return nil, err
	}
	shown, weighed := drawn, kl
	if training {
		weighed, err = b.pressed(g, e, kl, weights)
	} else if shown, err = b.reconstruction(g, e.mu, x, weights); err == nil {
		weighed, err = op.Scale(kl, b.spec.Beta)
	}
	if err != nil {
		return nil, err
	}
	loss, err := op.Add(shown, weighed)
	if err != nil {
		return nil, err
	}
	bound, err := op.Add(drawn, kl)
	if err != nil {
		return nil, err
	}
	g.Outputs = []program.Output{
		{Name: "loss", Node: loss}, {Name: "reconstruction", Node: shown}, {Name: "kl", Node: kl}, {Name: "bound", Node: bound},
	}
	g.total = loss
	if read != x && !training {
		return g, b.cleanBound(g, x, weights)
	}
	return g, nil
}

// cleanBound adds the loss of rows that are read as they are.
func (b *builder) cleanBound(g *graph, x, weights *G.Node) error {
	e, err := b.encode(g, x)
	if err != nil {
		return err
	}
	kl, err := op.Loss{Kind: op.KL, Sum: true}.Mean(e.mu, e.logvar, weights)
	if err == nil {
		kl, err = op.Scale(kl, b.spec.Beta)
	}
	if err != nil {
		return err
	}
	loss, err := b.reconstruction(g, e.mu, x, weights)
	if err == nil {
		loss, err = op.Add(loss, kl)
	}
	g.Outputs = append(g.Outputs, program.Output{Name: Clean, Node: loss})
	return err
}

// reconstruction is what rows cost that are decoded from codes.
func (b *builder) reconstruction(g *graph, z, x, weights *G.Node) (*G.Node, error) {
	y, err := b.decode(g, z)
	if err != nil {
		return nil, err
	}
	return b.likelihood(g, y, x, weights)
}

// pressed is what the divergence adds to the loss of a step.
func (b *builder) pressed(g *graph, e encoded, kl, weights *G.Node) (*G.Node, error) {
	if b.spec.FreeBits > 0 {
		means, err := op.KLMeans(e.mu, e.logvar, weights)
		if err != nil {
			return nil, err
		}
		if kl, err = op.FreeBits(means, b.spec.FreeBits); err != nil {
			return nil, err
		}
	}
	if b.spec.KLWarmup > 0 {
		return op.ScaleBy(kl, g.scalar(beta))
	}
	return op.Scale(kl, b.spec.Beta)
}

// scalars are the numbers that change from step to step.
func (s Spec) scalars() ([]program.Scalar, error) {
	if !s.Variational() || s.KLWarmup == 0 {
		return nil, nil
	}
	if s.Rows < 1 {
		return nil, errNoRows("the divergence's warm-up")
	}
	steps := s.KLWarmup * float64(s.epochSteps())
	return []program.Scalar{{
		Name: beta, Final: s.Beta,
		At: func(step int64) float64 { return s.Beta * min(1, float64(step)/steps) },
	}}, nil
}

// variationalPresets are those whose code is a distribution.
func variationalPresets(base Spec) []Spec {
	base.Loss, base.Likelihood, base.Beta, base.Batch, base.Epochs = "", Bernoulli, 1, 128, 10
	vae, conv := base, base
	vae.Model, vae.Hidden, vae.Latent = "vae", []int{400}, 20
	conv.Model, conv.Family, conv.Hidden, conv.Latent = "conv-vae", Convolutional, []int{16, 32, 64}, 20
	conditional := vae
	conditional.Model, conditional.Condition, conditional.Classes = "cvae", Labels, 10
	return []Spec{vae, conv, conditional}
}

// checkProbabilities wants values in [0,1] where the output are chances.
func (s Spec) checkProbabilities() error {
	if s.Probabilities() && s.Scaling != nil && s.Scaling.Kind == data.ScaleStandard {
		what := "loss bce"
		if s.Variational() {
			what = "likelihood bernoulli"
		}
		return fmt.Errorf("model: %s with scale standard; it needs values in [0,1]: want scale minmax, or another", what)
	}
	return nil
}
