package op

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ChannelMeanDef is the mean of each channel over the rows of weight 1 and over
// the positions of an image: x (B,C) or (B,C,H,W), weights (B) → (C).
type ChannelMeanDef struct{}

// ChannelMean adds the mean of each channel. With no row of weight above 0 it
// is 0.
func ChannelMean(x, weights *G.Node) (*G.Node, error) { return apply(ChannelMeanDef{}, x, weights) }

func (ChannelMeanDef) String() string { return "ChannelMean" }

func (d ChannelMeanDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, weights := in[0], in[1]
	if len(x) != 2 && len(x) != 4 || len(weights) != 1 || weights[0] != x[0] {
		return nil, shapeError(d, "x (B,C) or (B,C,H,W), weights (B)", in)
	}
	return tensor.Shape{x[1]}, nil
}

func (d ChannelMeanDef) do32(c call[float32]) { channelMean(c) }
func (d ChannelMeanDef) do64(c call[float64]) { channelMean(c) }

func channelMean[T float](c call[T]) {
	x, weights := c.in[0], c.in[1]
	channels := c.shape[0][1]
	area := len(x) / len(weights) / channels
	sums := make([]float64, channels)
	for i, w := range weights {
		if w == 0 {
			continue // padding may hold anything
		}
		for at := range channels * area {
			sums[at/area] += float64(w) * float64(x[i*channels*area+at])
		}
	}
	factor := lossScale(weights, area)
	for i, v := range sums {
		c.out[i] = T(v * factor)
	}
}

func (ChannelMeanDef) wrt() []bool { return []bool{true, false} }

func (ChannelMeanDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dx, err := apply(ChannelMeanGradDef{}, in[0], grad, in[1])
	return G.Nodes{dx, nil}, err
}

// ChannelMeanGradDef is the gradient of the mean by x, in each row of weight 1
// that of its channel's mean over the number of values: x, which says the
// shape, the means' gradient (C), weights (B) → dx of x's shape.
type ChannelMeanGradDef struct{}

func (ChannelMeanGradDef) String() string { return "ChannelMeanGrad" }

func (d ChannelMeanGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	x, g, weights := in[0], in[1], in[2]
	if len(x) < 2 || len(g) != 1 || g[0] != x[1] || len(weights) != 1 || weights[0] != x[0] {
		return nil, shapeError(d, "x (B,C,…), gradient (C), weights (B)", in)
	}
	return x.Clone(), nil
}

func (d ChannelMeanGradDef) do32(c call[float32]) { channelMeanGrad(c) }
func (d ChannelMeanGradDef) do64(c call[float64]) { channelMeanGrad(c) }

func channelMeanGrad[T float](c call[T]) {
	n := counted(c.shape[0], c.in[2])
	eachValue(c.shape[0], c.in[2], func(at, channel int) { c.out[at] = T(float64(c.in[1][channel]) / n) })
}
