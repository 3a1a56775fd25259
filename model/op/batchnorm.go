package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// MomentsDef is mean, biased variance and unbiased variance of each channel
// over the rows of weight 1 and over the positions of an image: x (B,C) or
// (B,C,H,W), weights (B) → (3,C). With no row of weight above 0 they are 0; the
// unbiased variance of one value is 0. The way of the gradient through them is
// part of [BatchNormDef]'s.
type MomentsDef struct{}

// Moments adds the statistics of each channel that normalise a batch.
func Moments(x, weights *G.Node) (*G.Node, error) { return apply(MomentsDef{}, x, weights) }

func (MomentsDef) String() string { return "Moments" }

func (d MomentsDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, weights := in[0], in[1]
	if len(x) != 2 && len(x) != 4 || len(weights) != 1 || weights[0] != x[0] {
		return nil, shapeError(d, "x (B,C) or (B,C,H,W), weights (B)", in)
	}
	return tensor.Shape{3, x[1]}, nil
}

func (d MomentsDef) do32(c call[float32]) { moments(c) }
func (d MomentsDef) do64(c call[float64]) { moments(c) }

// eachValue visits the values of rows of weight 1 with their channels.
func eachValue[T float](shape tensor.Shape, weights []T, visit func(at, channel int)) {
	width := shape[1:].TotalSize()
	area := width / shape[1]
	for i, w := range weights {
		if w == 0 {
			continue // padding may hold anything
		}
		for at := range width {
			visit(i*width+at, at/area)
		}
	}
}

// counted returns how many values a channel has in rows of weight 1.
func counted[T float](shape tensor.Shape, weights []T) float64 {
	n := 0.0
	for _, w := range weights {
		n += float64(w)
	}
	return n * float64(shape[2:].TotalSize())
}

func moments[T float](c call[T]) {
	x, weights, channels := c.in[0], c.in[1], c.outShape[1]
	n := counted(c.shape[0], weights)
	if n == 0 {
		return
	}
	mean, variance := make([]float64, channels), make([]float64, channels)
	eachValue(c.shape[0], weights, func(at, channel int) { mean[channel] += float64(x[at]) / n })
	eachValue(c.shape[0], weights, func(at, channel int) {
		d := float64(x[at]) - mean[channel]
		variance[channel] += d * d / n
	})
	for i := range channels {
		c.out[i], c.out[channels+i], c.out[2*channels+i] = T(mean[i]), T(variance[i]), T(variance[i]*n/max(n-1, 1))
	}
}

// Moment is a row of [MomentsDef]'s result.
type Moment int

// The rows.
const (
	MeanMoment Moment = iota
	BiasedMoment
	UnbiasedMoment
)

// TrackDef is r + Weight·(m − r), of a running statistic r (C) and a row m of
// moments (3,C). It has no gradient.
type TrackDef struct {
	Moment Moment
	Weight float64
}

// Track moves a running statistic a part of the way to a batch's, as PyTorch's
// batch norm does with Weight as its momentum.
func Track(running, moments *G.Node, m Moment, weight float64) (*G.Node, error) {
	return apply(TrackDef{m, weight}, running, moments)
}

func (d TrackDef) String() string { return fmt.Sprintf("Track[%d %g]", d.Moment, d.Weight) }

func (d TrackDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if r, m := in[0], in[1]; len(r) != 1 || !m.Eq(tensor.Shape{3, r[0]}) {
		return nil, shapeError(d, "running (C), moments (3,C)", in)
	}
	return in[0].Clone(), nil
}

func (d TrackDef) do32(c call[float32]) { track(d, c) }
func (d TrackDef) do64(c call[float64]) { track(d, c) }

func track[T float](d TrackDef, c call[T]) {
	m, weight := c.in[1][int(d.Moment)*len(c.out):], T(d.Weight)
	for i, r := range c.in[0] {
		c.out[i] = r + weight*(m[i]-r)
	}
}

// BatchNormDef is batch norm while training (Ioffe and Szegedy 2015), as
// PyTorch's BatchNorm1d and BatchNorm2d: for each channel
//
//	y = γ·(x − mean)/√(variance + Epsilon) + β
//
// with mean and biased variance of the same x: x (B,C) or (B,C,H,W), moments
// (3,C), γ (C), β (C), weights (B) → y of x's shape. The gradient by x is the
// whole one, the way through the moments included.
type BatchNormDef struct{ Epsilon float64 }

// BatchNorm adds batch norm by the moments of x itself, and returns these too.
func BatchNorm(x, gamma, beta, weights *G.Node, epsilon float64) (y, moments *G.Node, err error) {
	if moments, err = Moments(x, weights); err != nil {
		return nil, nil, err
	}
	y, err = apply(BatchNormDef{epsilon}, x, moments, gamma, beta, weights)
	return y, moments, err
}

func (d BatchNormDef) String() string { return fmt.Sprintf("BatchNorm[%g]", d.Epsilon) }

func (d BatchNormDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	return in[0].Clone(), normShape(d, d.Epsilon, in)
}

// normShape checks x, moments, and vectors of a value a channel, then weights.
func normShape(d Definition, epsilon float64, in []tensor.Shape) error {
	x, m, last := in[0], in[1], len(in)-1
	ok := (len(x) == 2 || len(x) == 4) && m.Eq(tensor.Shape{3, x[1]}) && in[last].Eq(tensor.Shape{x[0]})
	for _, s := range in[2:last] {
		ok = ok && len(s) == 1 && s[0] == x[1]
	}
	if !ok {
		return shapeError(d, "x (B,C) or (B,C,H,W), moments (3,C), a value for each channel, weights (B)", in)
	}
	return checkEpsilon(d, epsilon)
}

func checkEpsilon(d Definition, epsilon float64) error {
	if !(epsilon > 0) || math.IsInf(epsilon, 0) {
		return fmt.Errorf("op: %s: epsilon %v; want a finite number above 0", d, epsilon)
	}
	return nil
}

func (d BatchNormDef) do32(c call[float32]) { batchNorm(d, c) }
func (d BatchNormDef) do64(c call[float64]) { batchNorm(d, c) }

func batchNorm[T float](d BatchNormDef, c call[T]) {
	channels := c.shape[0][1]
	normalise(c.shape[0], c.out, c.in[0], c.in[1][:channels], c.in[1][channels:], c.in[2], c.in[3], d.Epsilon)
}

// normalise writes γ·(x − mean)/√(variance + ε) + β.
func normalise[T float](shape tensor.Shape, out, x, mean, variance, gamma, beta []T, epsilon float64) {
	channels := shape[1]
	area := shape[2:].TotalSize()
	for i, v := range x {
		c := i / area % channels
		out[i] = T((float64(v)-float64(mean[c]))*inverseDeviation(variance[c], epsilon))*gamma[c] + beta[c]
	}
}

func inverseDeviation[T float](variance T, epsilon float64) float64 {
	return 1 / math.Sqrt(float64(variance)+epsilon)
}

func (d BatchNormDef) wrt() []bool { return []bool{true, false, true, true, false} }

func (d BatchNormDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	x, m, gamma, weights := in[0], in[1], in[2], in[4]
	dGamma, err := apply(BatchNormDGammaDef(d), grad, m, x, weights)
	if err != nil {
		return nil, err
	}
	dBeta, err := apply(BiasGradDef{}, grad)
	if err != nil {
		return nil, err
	}
	dx, err := apply(BatchNormDXDef(d), grad, m, gamma, dGamma, dBeta, x, weights)
	return G.Nodes{dx, nil, dGamma, dBeta, nil}, err
}

// BatchNormDGammaDef is the gradient of γ, Σ dy·x̂ with x̂ the normalised x: dy
// (B,C,…), moments (3,C), x (B,C,…), weights (B) → (C). That of β is
// [BiasGradDef]'s.
type BatchNormDGammaDef struct{ Epsilon float64 }

func (d BatchNormDGammaDef) String() string { return fmt.Sprintf("BatchNormDGamma[%g]", d.Epsilon) }

func (d BatchNormDGammaDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dy, m, x, weights := in[0], in[1], in[2], in[3]
	if !dy.Eq(x) {
		return nil, shapeError(d, "dy and x of one shape", in)
	}
	return tensor.Shape{x[1]}, normShape(d, d.Epsilon, []tensor.Shape{x, m, weights})
}

func (d BatchNormDGammaDef) do32(c call[float32]) { batchNormDGamma(d, c) }
func (d BatchNormDGammaDef) do64(c call[float64]) { batchNormDGamma(d, c) }

func batchNormDGamma[T float](d BatchNormDGammaDef, c call[T]) {
	dy, m, x, channels := c.in[0], c.in[1], c.in[2], c.outShape[0]
	sums := make([]float64, channels)
	eachValue(c.shape[2], c.in[3], func(at, channel int) {
		sums[channel] += float64(dy[at]) * (float64(x[at]) - float64(m[channel]))
	})
	for i, v := range sums {
		c.out[i] = T(v * inverseDeviation(m[channels+i], d.Epsilon))
	}
}

// BatchNormDXDef is the gradient by x, with N values in a channel
//
//	dx = γ/√(variance + Epsilon)·(dy − dβ/N − x̂·dγ/N)
//
// and 0 in rows of weight 0: dy (B,C,…), moments (3,C), γ, dγ, dβ (C), x
// (B,C,…), weights (B) → dx (B,C,…).
type BatchNormDXDef struct{ Epsilon float64 }

func (d BatchNormDXDef) String() string { return fmt.Sprintf("BatchNormDX[%g]", d.Epsilon) }

func (d BatchNormDXDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	dy, x := in[0], in[5]
	if !dy.Eq(x) {
		return nil, shapeError(d, "dy and x of one shape", in)
	}
	return x.Clone(), normShape(d, d.Epsilon, []tensor.Shape{x, in[1], in[2], in[3], in[4], in[6]})
}

func (d BatchNormDXDef) do32(c call[float32]) { batchNormDX(d, c) }
func (d BatchNormDXDef) do64(c call[float64]) { batchNormDX(d, c) }

func batchNormDX[T float](d BatchNormDXDef, c call[T]) {
	dy, m, gamma, dGamma, dBeta, x := c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], c.in[5]
	channels := len(gamma)
	n := counted(c.shape[5], c.in[6])
	eachValue(c.shape[5], c.in[6], func(at, i int) {
		inverse := inverseDeviation(m[channels+i], d.Epsilon)
		normal := (float64(x[at]) - float64(m[i])) * inverse
		c.out[at] = T(float64(gamma[i]) * inverse * (float64(dy[at]) - float64(dBeta[i])/n - normal*float64(dGamma[i])/n))
	})
}

// RunningNormDef is batch norm where a model is used: by running statistics
// that training kept, a fixed function of each row. x (B,C) or (B,C,H,W), mean,
// variance, γ, β (C) → y of x's shape. It has no gradient.
type RunningNormDef struct{ Epsilon float64 }

// RunningNorm adds batch norm by running statistics.
func RunningNorm(x, mean, variance, gamma, beta *G.Node, epsilon float64) (*G.Node, error) {
	return apply(RunningNormDef{epsilon}, x, mean, variance, gamma, beta)
}

func (d RunningNormDef) String() string { return fmt.Sprintf("RunningNorm[%g]", d.Epsilon) }

func (d RunningNormDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x := in[0]
	ok := len(x) == 2 || len(x) == 4
	for _, s := range in[1:] {
		ok = ok && len(s) == 1 && s[0] == x[1]
	}
	if !ok {
		return nil, shapeError(d, "x (B,C) or (B,C,H,W), mean, variance, gamma and beta (C)", in)
	}
	return x.Clone(), checkEpsilon(d, d.Epsilon)
}

func (d RunningNormDef) do32(c call[float32]) { runningNorm(d, c) }
func (d RunningNormDef) do64(c call[float64]) { runningNorm(d, c) }

func runningNorm[T float](d RunningNormDef, c call[T]) {
	normalise(c.shape[0], c.out, c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], d.Epsilon)
}
