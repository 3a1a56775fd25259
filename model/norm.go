package model

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// Constants of batch norm, as PyTorch has them by default.
const (
	normEpsilon  = 1e-5
	normMomentum = 0.1
)

// normParams are the tensors of a batch norm by its name, such as encoder.1, in the
// order of PyTorch's: weight and bias are trained, the rest is kept.
func normParams(name string, channels int) []program.Param {
	shape := []int{channels}
	return []program.Param{
		{Name: name + ".weight", Shape: shape, Fill: 1},
		{Name: name + ".bias", Shape: shape},
		{Name: name + ".running_mean", Shape: shape, Role: program.Running},
		{Name: name + ".running_var", Shape: shape, Fill: 1, Role: program.Running},
	}
}

// norm adds a layer's batch norm: in training by the batch, with what its
// running statistics become, else by those.
func (g *graph) norm(x *G.Node, l Layer) (y *G.Node, err error) {
	var at [4]*G.Node
	for i, p := range normParams(l.Norm, l.Out[0]) {
		at[i] = g.param(p)
	}
	gamma, beta, mean, variance := at[0], at[1], at[2], at[3]
	if g.weights == nil {
		return op.RunningNorm(x, mean, variance, gamma, beta, normEpsilon)
	}
	y, moments, err := op.BatchNorm(x, gamma, beta, g.weights, normEpsilon)
	if err != nil {
		return nil, err
	}
	for _, r := range []struct {
		running *G.Node
		moment  op.Moment
	}{{mean, op.MeanMoment}, {variance, op.UnbiasedMoment}} {
		next, err := op.Track(r.running, moments, r.moment, normMomentum)
		if err != nil {
			return nil, fmt.Errorf("running statistics: %w", err)
		}
		g.writes = append(g.writes, program.Write{Param: r.running, Value: next})
	}
	return y, nil
}
