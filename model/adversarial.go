package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// The priors of an adversarial network. A mixture's prefix is followed by how
// many Gaussians it is of.
const (
	NormalPrior   = "normal"
	mixturePrefix = "mixture:"
)

// The phases of an adversarial network, and the names of their losses but for the
// first one's, which is the loss.
const (
	reconstruction = "reconstruction"
	discriminator  = "discriminator"
	generator      = "generator"
)

// Adversarial says that codes are held to a prior by a discriminator.
func (s Spec) Adversarial() bool { return s.Prior != "" }

// components returns how many Gaussians a prior is a mixture of, 0 for none.
func (s Spec) components() (int, error) {
	text, ok := strings.CutPrefix(s.Prior, mixturePrefix)
	if !ok {
		return 0, nil
	}
	k, err := strconv.Atoi(text)
	if err == nil {
		err = op.Mixture{Components: k}.Validate()
	}
	if err != nil {
		return 0, fmt.Errorf("model: prior %s: want mixture:K of 2 to %d Gaussians, such as mixture:10", s.Prior, op.MostComponents)
	}
	return k, nil
}

// checkAdversarial says what is wrong with what only adversarial networks have.
func (s Spec) checkAdversarial() error {
	if !s.Adversarial() {
		if len(s.Discriminator) > 0 {
			return errors.New("model: a discriminator without a prior; it is for adversarial networks, such as aae")
		}
		return nil
	}
	if s.Prior != NormalPrior && !strings.HasPrefix(s.Prior, mixturePrefix) {
		return fmt.Errorf("model: unknown prior %q; want normal or mixture:K", s.Prior)
	}
	if _, err := s.components(); err != nil {
		return err
	}
	for _, width := range s.Discriminator {
		if width < 1 || width > maxWidth {
			return fmt.Errorf("model: width %d in discriminator %v; want 1 to %d", width, s.Discriminator, maxWidth)
		}
	}
	switch {
	case len(s.Discriminator) > maxDepth:
		return fmt.Errorf("model: %d hidden layers of the discriminator; want at most %d", len(s.Discriminator), maxDepth)
	case s.Variational():
		return fmt.Errorf("model: prior %s beside likelihood %s; a code is held to a prior by a discriminator or by its divergence: want one of the two", s.Prior, s.Likelihood)
	case s.Sparse != "" || s.CodeL2 != 0:
		return fmt.Errorf("model: a sparse or small code beside prior %s, which shapes the code already: want one of the two", s.Prior)
	case s.ActivateCode:
		return fmt.Errorf("model: prior %s of a code that goes through %s; a prior has values of either sign: want no activate_code", s.Prior, s.Activation)
	case s.Prior != NormalPrior && s.Latent != 2:
		return fmt.Errorf("model: prior %s of a code of %d values; its Gaussians lie on a circle: want latent 2, or prior normal", s.Prior, s.Latent)
	case s.BatchNorm && len(s.Hidden) == 1:
		return errors.New("model: batch norm of an adversarial network with one hidden layer; it stands behind all but the first one of each half: want two at least, or no batch norm")
	}
	return nil
}

// discriminatorWidths are those of its hidden layers.
func (s Spec) discriminatorWidths() []int {
	if len(s.Discriminator) == 0 {
		return []int{512, 256}
	}
	return s.Discriminator
}

// discriminator lays out what tells codes from draws of the prior: none where
// there is no prior. It ends in a logit.
func (s Spec) discriminator() ([]Layer, error) {
	if !s.Adversarial() {
		return nil, nil
	}
	activation, err := op.ParseActivation(s.Activation)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	widths := slices.Concat([]int{s.Latent}, s.discriminatorWidths(), []int{1})
	var layers []Layer
	index := 0
	for i, width := range widths[1:] {
		l := Layer{Kind: Linear, Name: fmt.Sprintf("%s.%d", discriminator, index), In: widths[i : i+1], Out: []int{width}, Activation: activation}
		if i == len(widths)-2 {
			l.Activation = op.None
		}
		if index++; l.Activation != op.None {
			index++
		}
		layers = append(layers, l)
		if err := l.checkSize(); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

// DiscriminatorLayers returns the layers of what tells codes from draws of the
// prior, none where there is no prior.
func (s Spec) DiscriminatorLayers() ([]Layer, error) { return s.discriminator() }

// adversarialPhases are the three of a step, after Makhzani et al., "Adversarial
// Autoencoders" (2015): encoder and decoder learn to rebuild rows; the
// discriminator, to tell draws of the prior from codes; the encoder, to give
// codes that are taken for such draws. Each phase goes through the encoder as
// the one before it left it, normalises by the batch, and moves the running
// statistics of what it goes through. Noise and dropout are the same in all three.
func (b *builder) adversarialPhases() ([]*program.Phase, error) {
	var phases []*program.Phase
	for _, of := range []struct {
		name   string
		graph  func() (*graph, error)
		halves []string // that are trained
		decays bool     // the penalty on weights is in this phase
	}{
		{reconstruction, func() (*graph, error) { return b.loss(b.spec.Batch, true) }, []string{"encoder", "decoder"}, true},
		{discriminator, b.discriminatorLoss, []string{discriminator}, true},
		{generator, b.generatorLoss, []string{"encoder"}, false},
	} {
		g, err := of.graph()
		if err != nil {
			return nil, err
		}
		trained := slices.DeleteFunc(slices.Clone(g.Params), func(n *G.Node) bool {
			half, _, _ := strings.Cut(n.Name(), ".")
			return !slices.Contains(of.halves, half)
		})
		phase, err := b.train(of.name, g, trained, of.decays)
		if err != nil {
			return nil, err
		}
		phases = append(phases, phase)
	}
	return phases, nil
}

// codes starts a graph of training with the way from rows to codes.
func (b *builder) codes() (g *graph, z *G.Node, err error) {
	g, rows, err := b.rows(b.spec.Batch, true)
	if err != nil {
		return nil, nil, err
	}
	if z, err = g.layers(rows.read, b.network.encoder); err == nil {
		z, err = op.Reshape(z, b.spec.Latent)
	}
	return g, z, err
}

// discriminatorLoss is the binary cross-entropy of draws of the prior as 1 and of
// that of codes as 0, added up.
func (b *builder) discriminatorLoss() (*graph, error) {
	g, z, err := b.codes()
	if err != nil {
		return nil, err
	}
	drawn, err := b.prior(g)
	if err != nil {
		return nil, err
	}
	ofPrior, err := b.told(g, drawn, 1)
	if err != nil {
		return nil, err
	}
	ofCodes, err := b.told(g, z, 0)
	if err != nil {
		return nil, err
	}
	g.total, err = op.Add(ofPrior, ofCodes)
	g.Outputs = []program.Output{{Name: discriminator, Node: g.total}}
	return g, err
}

// generatorLoss is the binary cross-entropy of codes as 1.
func (b *builder) generatorLoss() (*graph, error) {
	g, z, err := b.codes()
	if err != nil {
		return nil, err
	}
	g.total, err = b.told(g, z, 1)
	g.Outputs = []program.Output{{Name: generator, Node: g.total}}
	return g, err
}

// told is what the discriminator loses on codes that are the prior's, 1, or not, 0.
func (b *builder) told(g *graph, z *G.Node, truth float64) (*G.Node, error) {
	logit, err := g.layers(z, b.network.discriminator)
	if err != nil {
		return nil, err
	}
	target, err := op.Clamp(logit, truth, truth) // a constant in its shape
	if err != nil {
		return nil, err
	}
	return op.Loss{Kind: op.BCELogits}.Mean(logit, target, g.weights)
}

// prior draws codes.
func (b *builder) prior(g *graph) (*G.Node, error) {
	noise := g.noise(program.Input{Kind: program.InputNormal, Purpose: priorNoise}, []int{b.spec.Batch, b.spec.Latent})
	k, err := b.spec.components()
	if err != nil || k == 0 {
		return noise, err
	}
	which := g.noise(program.Input{Kind: program.InputUniform, Purpose: componentNoise}, []int{b.spec.Batch, 1})
	return op.Mix(noise, which, op.Mixture{Components: k})
}

// The noise of a prior: that around a centre, and that by which it is chosen.
const (
	priorNoise     = "prior"
	componentNoise = "prior/component"
)

// DrawPrior fills codes (n,Z) with draws of the prior under a seed, of a
// variational network N(0, 1): row i is the same however many there are.
func (s Spec) DrawPrior(codes []float32, seed uint64) error {
	k, err := s.components()
	switch {
	case err != nil:
		return err
	case !s.Adversarial() && !s.Variational():
		return errors.New("model: its codes have no prior to draw from; want a variational or an adversarial network, such as vae or aae")
	case s.Latent < 1 || len(codes)%s.Latent != 0:
		return fmt.Errorf("model: room for %d values; want codes of %d", len(codes), s.Latent)
	}
	noise := program.Input{Kind: program.InputNormal, Purpose: priorNoise}.Noise(seed, "", false)
	which := program.Input{Kind: program.InputUniform, Purpose: componentNoise}.Noise(seed, "", false)
	for i := range len(codes) / s.Latent {
		row := codes[i*s.Latent:][:s.Latent]
		noise.Draw(row, 0, i)
		if k > 0 {
			var u [1]float32
			which.Draw(u[:], 0, i)
			op.Mixture{Components: k}.Move(row, row, u[0])
		}
	}
	return nil
}

// PriorDeviation is the standard deviation of each dimension of the prior, whose
// mean is 0.
func (s Spec) PriorDeviation() []float64 {
	if k, _ := s.components(); k > 0 { // it was checked
		return op.Mixture{Components: k}.Deviations()
	}
	return slices.Repeat([]float64{1}, s.Latent)
}

// NormalPrior says that codes are held to N(0, 1), by a divergence or by a
// discriminator.
func (s Spec) NormalPrior() bool { return s.Variational() || s.Prior == NormalPrior }

// PriorSteps are n values of a dimension of the prior, ascending, for a grid over
// it. Of a normal one they are the quantiles in equal steps, so that all places
// are as likely (Kingma and Welling 2013, figure 4); of a mixture they are in
// equal steps as far as it reaches.
func (s Spec) PriorSteps(n int) []float32 {
	const reach = 1.9 // of deviations: a circle's radius is √2 of them
	at := make([]float32, n)
	for i := range at {
		along := 2*(float64(i)+0.5)/float64(n) - 1 // (-1, 1)
		at[i] = float32(math.Sqrt2 * math.Erfinv(along))
		if !s.NormalPrior() {
			at[i] = float32(reach * along * s.PriorDeviation()[0])
		}
	}
	return at
}

// adversarialPreset is the one whose codes are held to a prior by a discriminator.
func adversarialPreset(base Spec) Spec {
	base.Model, base.Hidden, base.Latent = "aae", []int{512, 512}, 10
	base.Activation, base.BatchNorm, base.Prior, base.Discriminator = "leakyrelu:0.2", true, NormalPrior, []int{512, 256}
	base.LR, base.Beta1, base.Batch, base.Epochs = 2e-4, 0.5, 128, 20
	return base
}
