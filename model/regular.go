package model

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// Regular is what keeps a network from learning its rows by heart, and its
// codes in shape. Nothing of it is there at zero.
type Regular struct {
	// BatchNorm normalises each hidden layer before its activation.
	BatchNorm bool `json:"batch_norm,omitempty"`
	// Dropout is the chance with which a value that a hidden layer gives is
	// dropped while training; the others are divided by 1 less that.
	Dropout float64 `json:"dropout,omitempty"`

	// Corrupt is gaussian:σ, mask:p or saltpepper:p: the network reads rows so
	// and learns to restore them.
	Corrupt string `json:"corrupt,omitempty"`
	// Sparse is l1:λ, kl:ρ:λ or topk:k, of codes.
	Sparse string `json:"sparse,omitempty"`
	// CodeL2 weighs half the squared norm of codes.
	CodeL2 float64 `json:"code_l2,omitempty"`
	// L1 and L2 weigh the absolute and the squared values of weights, without
	// biases and norms; no loss that is reported has them.
	L1 float64 `json:"l1,omitempty"`
	L2 float64 `json:"l2,omitempty"`
}

// checkRegular says what is wrong, and what cannot be together.
func (s Spec) checkRegular() error {
	if !(s.Dropout >= 0 && s.Dropout < 1) {
		return fmt.Errorf("model: dropout %v; want a chance in [0, 1)", s.Dropout)
	}
	for _, w := range []struct {
		name  string
		value float64
	}{{"code_l2", s.CodeL2}, {"l1", s.L1}, {"l2", s.L2}} {
		if !(w.value >= 0 && w.value < 1e9) {
			return fmt.Errorf("model: %s %v; want a number from 0 to below 1e9", w.name, w.value)
		}
	}
	if len(s.Hidden) == 0 && (s.BatchNorm || s.Dropout > 0) {
		return errors.New("model: batch norm and dropout are of hidden layers, and this network has none; want some, such as 128")
	}
	if s.BatchNorm && s.Batch == 1 {
		return errors.New("model: batch norm with a batch of 1; a row is its own mean, and nothing is left of it: want a batch of 2 at least, or no batch norm")
	}
	if s.Corrupt != "" {
		if _, err := parseCorruption(s.Corrupt); err != nil {
			return err
		}
	}
	sparse, err := parseSparsity(s.Sparse)
	switch {
	case err != nil:
		return err
	case sparse.rate > 0 && !(s.ActivateCode && s.Activation == string(op.Sigmoid)):
		return &rateError{s.Sparse}
	case sparse.k > s.Latent:
		return fmt.Errorf("model: sparse %s of a code of %d values; want at most %d", s.Sparse, s.Latent, s.Latent)
	}
	return nil
}

// drop adds dropout behind a hidden layer, while training.
func (g *graph) drop(x *G.Node, l Layer) (*G.Node, error) {
	if g.dropout == 0 || g.weights == nil || !l.Hidden {
		return x, nil
	}
	keep := 1 - g.dropout
	mask := g.noise(program.Input{Kind: program.InputBernoulli, Purpose: "dropout/" + l.Name, P: keep}, x.Shape())
	scaled, err := op.Scale(mask, 1/keep)
	if err != nil {
		return nil, err
	}
	return op.Mul(x, scaled)
}

// noise adds an input of noise in the shape of rows.
func (g *graph) noise(in program.Input, shape []int) *G.Node {
	in.Node = g.tensor(in.Purpose, shape...)
	g.Inputs = append(g.Inputs, in)
	return in.Node
}
