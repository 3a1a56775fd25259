package model

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// Regular is what keeps a network from learning its rows by heart, and its
// codes in shape. Nothing of it is there at zero.
type Regular struct {
	// BatchNorm normalises each hidden layer before its activation.
	BatchNorm bool `toml:"batch_norm,omitempty" json:"batch_norm,omitempty"`
	// Dropout is the chance with which a value that a hidden layer gives is
	// dropped while training; the others are divided by 1 less that.
	Dropout float64 `toml:"dropout,omitempty" json:"dropout,omitempty"`
}

// check says what is wrong.
func (r Regular) check() error {
	if !(r.Dropout >= 0 && r.Dropout < 1) {
		return fmt.Errorf("model: dropout %v; want a chance in [0, 1)", r.Dropout)
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
