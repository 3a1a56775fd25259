package model

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/program"
)

// The ways to draw a value as 0 or 1, with the value as the chance of 1.
const (
	Static  = "static"  // once: a row of a set has the same values at every look
	Dynamic = "dynamic" // anew in each step of training; once where the network is evaluated
)

// binarizeNoise is what the noise is for by which values are drawn: a value
// becomes 1 where the noise is below it.
const binarizeNoise = "binarize"

// checkBinarize says what is wrong with how values are drawn as 0 or 1.
func (s Spec) checkBinarize() error {
	if s.Binarize == "" {
		return nil
	}
	if s.Binarize != Static && s.Binarize != Dynamic {
		return fmt.Errorf("model: binarize %q; want %s or %s", s.Binarize, Static, Dynamic)
	}
	if !s.Probabilities() {
		return fmt.Errorf("model: binarize %s with an output that is no chance of 1; want likelihood bernoulli, or loss bce", s.Binarize)
	}
	if s.row().Size() == 0 {
		return nil // it is not known yet what the network reads
	}
	if ends, known := s.ends(); s.row().IsVector() || !known || ends != (data.Range{Lo: 0, Hi: 1}) {
		what := s.reads()
		if s.row().IsVector() {
			what = fmt.Sprintf("vectors of %v", s.row())
		}
		return fmt.Errorf("model: binarize %s of %s; a value is the chance of 1: want images of values in [0,1]", s.Binarize, what)
	}
	return nil
}

// binarize adds rows whose values are 0 or 1 in place of x.
func (b *builder) binarize(g *graph, x *G.Node) (*G.Node, error) {
	if b.spec.Binarize == "" {
		return x, nil
	}
	noise := g.noise(program.Input{
		Kind: program.InputUniform, Purpose: binarizeNoise, Fixed: b.spec.Binarize == Static,
	}, x.Shape())
	// The sign of x − noise, exactly: the least difference of normal numbers,
	// times 2¹²⁶, is 1 at least.
	const steep = 1 << 126
	chain := chain{}
	difference := chain.add(x, chain.scale(noise, -1))
	if chain.err != nil {
		return nil, chain.err
	}
	return op.Clamp(chain.scale(difference, steep), 0, 1)
}

// Binarized writes a row of a set as training that is static, and evaluation,
// draw it under a seed; dst and row hold values as the network reads them. A row
// of 0 and 1 stays as it is.
func (s Spec) Binarized(dst, row []float32, seed uint64, set string, number int) {
	noise := make([]float32, len(row))
	program.Input{Kind: program.InputUniform, Purpose: binarizeNoise, Fixed: true}.Noise(seed, set, false).Draw(noise, 0, number)
	for i, v := range row {
		dst[i] = 0
		if noise[i] < v {
			dst[i] = 1
		}
	}
}
