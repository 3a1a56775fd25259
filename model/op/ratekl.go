package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// RateKLDef is how far the mean activations m (C) of a batch are from a rate ρ,
//
//	Σ ρ·ln(ρ/m) + (1−ρ)·ln((1−ρ)/(1−m)),
//
// the divergence of Kullback and Leibler between two chances, as sparse
// autoencoders take it (Ng 2011). A mean counts as 1e-6 where it is smaller,
// and as 1−1e-6 where it is larger.
type RateKLDef struct{ Rate float64 }

// RateKL adds the divergence of mean activations, those of [ChannelMean], from
// a rate in (0, 1).
func RateKL(means *G.Node, rate float64) (*G.Node, error) { return apply(RateKLDef{rate}, means) }

func (d RateKLDef) String() string { return fmt.Sprintf("RateKL[%g]", d.Rate) }

func (d RateKLDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) != 1 {
		return nil, shapeError(d, "means (C)", in)
	}
	if !(d.Rate > 0 && d.Rate < 1) {
		return nil, fmt.Errorf("op: %s: want a rate in (0, 1)", d)
	}
	return tensor.ScalarShape(), nil
}

// At returns the divergence of one mean and its derivative.
func (d RateKLDef) At(mean float64) (value, slope float64) {
	const edge = 1e-6
	m := max(edge, min(1-edge, mean)) // NaN stays
	return d.Rate*math.Log(d.Rate/m) + (1-d.Rate)*math.Log((1-d.Rate)/(1-m)), (1-d.Rate)/(1-m) - d.Rate/m
}

func (d RateKLDef) do32(c call[float32]) { rateKL(d, c) }
func (d RateKLDef) do64(c call[float64]) { rateKL(d, c) }

func rateKL[T float](d RateKLDef, c call[T]) {
	sum := 0.0
	for _, m := range c.in[0] {
		value, _ := d.At(float64(m))
		sum += value
	}
	c.out[0] = T(sum)
}

func (d RateKLDef) wrt() []bool { return []bool{true} }

func (d RateKLDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dm, err := apply(RateKLGradDef(d), in[0], grad)
	return G.Nodes{dm}, err
}

// RateKLGradDef is the gradient of the divergence by the means: means (C) and
// the gradient of the divergence, a scalar → (C).
type RateKLGradDef struct{ Rate float64 }

func (d RateKLGradDef) String() string { return fmt.Sprintf("RateKLGrad[%g]", d.Rate) }

func (d RateKLGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) != 1 || len(in[1]) != 0 {
		return nil, shapeError(d, "means (C) and a scalar", in)
	}
	return in[0].Clone(), nil
}

func (d RateKLGradDef) do32(c call[float32]) { rateKLGrad(d, c) }
func (d RateKLGradDef) do64(c call[float64]) { rateKLGrad(d, c) }

func rateKLGrad[T float](d RateKLGradDef, c call[T]) {
	for i, m := range c.in[0] {
		_, slope := RateKLDef(d).At(float64(m))
		c.out[i] = T(slope) * c.in[1][0]
	}
}
