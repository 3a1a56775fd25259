package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// KL is the divergence of a normal distribution from N(0, 1),
//
//	½·(μ² + e^v − 1 − v)
//
// from its mean μ, the prediction, and the logarithm v of its variance, the
// target: of a code, the sum over its dimensions. Both have a gradient. Kingma
// and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
const KL LossKind = "kl"

func kl(mu, logvar, _ float64) (value, slope float64) {
	return (mu*mu + math.Expm1(logvar) - logvar) / 2, mu
}

// klSlope is the derivative by the logarithm of the variance.
func klSlope(logvar float64) float64 { return math.Expm1(logvar) / 2 }

// KLMeansDef is the mean of [KL] over the rows of weight 1, for each dimension
// of a code by itself: μ (B,Z), log variances (B,Z), weights (B) → (Z).
type KLMeansDef struct{}

// KLMeans adds the mean divergence of each dimension. With no row of weight
// above 0 it is 0.
func KLMeans(mu, logvar, weights *G.Node) (*G.Node, error) {
	return apply(KLMeansDef{}, mu, logvar, weights)
}

func (KLMeansDef) String() string { return "KLMeans" }

func (d KLMeansDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	mu, logvar, weights := in[0], in[1], in[2]
	if len(mu) != 2 || !mu.Eq(logvar) || len(weights) != 1 || weights[0] != mu[0] {
		return nil, shapeError(d, "means (B,Z), log variances (B,Z), weights (B)", in)
	}
	return tensor.Shape{mu[1]}, nil
}

func (d KLMeansDef) do32(c call[float32]) { klMeans(c) }
func (d KLMeansDef) do64(c call[float64]) { klMeans(c) }

func klMeans[T float](c call[T]) {
	mu, logvar, weights := c.in[0], c.in[1], c.in[2]
	sums := make([]float64, len(c.out))
	for i, w := range weights {
		if w == 0 {
			continue // padding may hold anything
		}
		for k := range sums {
			value, _ := kl(float64(mu[i*len(sums)+k]), float64(logvar[i*len(sums)+k]), 0)
			sums[k] += float64(w) * value
		}
	}
	scale := lossScale(weights, 1)
	for k, v := range sums {
		c.out[k] = T(v * scale)
	}
}

func (KLMeansDef) wrt() []bool { return []bool{true, true, false} }

func (KLMeansDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dm, err := apply(KLGradDef{}, in[0], grad, in[2])
	if err != nil {
		return nil, err
	}
	dv, err := apply(KLGradDef{LogVar: true}, in[1], grad, in[2])
	return G.Nodes{dm, dv, nil}, err
}

// KLGradDef is the gradient of a mean of [KL] by μ, or by the logarithm of the
// variance: x (B,…), what reaches the mean, weights (B) → (B,…). What reaches it
// is a scalar, or (Z) for x (B,Z) where each dimension has a mean of its own.
type KLGradDef struct{ LogVar bool }

func (d KLGradDef) String() string {
	if d.LogVar {
		return "KLGrad[logvar]"
	}
	return "KLGrad[mu]"
}

func (d KLGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, grad, weights := in[0], in[1], in[2]
	if len(x) < 2 || len(grad) > 1 || len(grad) == 1 && (len(x) != 2 || grad[0] != x[1]) || len(weights) != 1 || weights[0] != x[0] {
		return nil, shapeError(d, "x (B,…), a gradient that is a scalar or (Z), weights (B)", in)
	}
	return x.Clone(), nil
}

func (d KLGradDef) do32(c call[float32]) { klGrad(d, c) }
func (d KLGradDef) do64(c call[float64]) { klGrad(d, c) }

func klGrad[T float](d KLGradDef, c call[T]) {
	x, grad, weights := c.in[0], c.in[1], c.in[2]
	scale := lossScale(weights, 1)
	width := len(x) / len(weights)
	for i, v := range x {
		w := float64(weights[i/width])
		if w == 0 {
			continue
		}
		slope := float64(v)
		if d.LogVar {
			slope = klSlope(slope)
		}
		c.out[i] = T(slope * float64(grad[i%len(grad)]) * w * scale)
	}
}

// FreeBitsDef is Σ max(Floor, x) over x (Z) → a scalar.
type FreeBitsDef struct{ Floor float64 }

// FreeBits adds up the divergences of a code's dimensions, each counted as floor
// at least: below it, a dimension is not pressed any further. Kingma et al.,
// Improving Variational Inference with Inverse Autoregressive Flow, 2016.
func FreeBits(x *G.Node, floor float64) (*G.Node, error) { return apply(FreeBitsDef{floor}, x) }

func (d FreeBitsDef) String() string { return fmt.Sprintf("FreeBits[%g]", d.Floor) }

func (d FreeBitsDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) != 1 {
		return nil, shapeError(d, "x (Z)", in)
	}
	return tensor.ScalarShape(), nil
}

func (d FreeBitsDef) do32(c call[float32]) { freeBits(d, c) }
func (d FreeBitsDef) do64(c call[float64]) { freeBits(d, c) }

func freeBits[T float](d FreeBitsDef, c call[T]) {
	sum := 0.0
	for _, v := range c.in[0] {
		sum += max(float64(v), d.Floor)
	}
	c.out[0] = T(sum)
}

func (FreeBitsDef) wrt() []bool { return []bool{true} }

func (d FreeBitsDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := apply(FreeBitsGradDef(d), in[0], grad)
	return G.Nodes{dx}, err
}

// FreeBitsGradDef is the gradient of [FreeBitsDef]: x (Z) and that of the sum, a
// scalar → (Z).
type FreeBitsGradDef struct{ Floor float64 }

func (d FreeBitsGradDef) String() string { return fmt.Sprintf("FreeBitsGrad[%g]", d.Floor) }

func (d FreeBitsGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) != 1 || len(in[1]) != 0 {
		return nil, shapeError(d, "x (Z) and a scalar", in)
	}
	return in[0].Clone(), nil
}

func (d FreeBitsGradDef) do32(c call[float32]) { freeBitsGrad(d, c) }
func (d FreeBitsGradDef) do64(c call[float64]) { freeBitsGrad(d, c) }

func freeBitsGrad[T float](d FreeBitsGradDef, c call[T]) {
	for i, v := range c.in[0] {
		if !(float64(v) <= d.Floor) {
			c.out[i] = c.in[1][0]
		}
	}
}
