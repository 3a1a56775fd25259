package model

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
	"aegis/model/program"
)

// LayerKind names a layer as PyTorch does.
type LayerKind string

// The layers.
const (
	Linear          LayerKind = "Linear"
	Conv2d          LayerKind = "Conv2d"
	ConvTranspose2d LayerKind = "ConvTranspose2d"
)

// Layer is one trained layer with its activation.
type Layer struct {
	Name          string // encoder.0: its place in an nn.Sequential, activations counted
	Kind          LayerKind
	In, Out       []int  // one row's shape: (n), or (C,H,W)
	Classes       int    // of In the last ones, which are the row's class, one-hot; 0: it reads no class
	Kernel        [2]int // of convolutions
	Window        op.Window
	OutputPadding [2]int // of ConvTranspose2d
	Activation    op.Activation
	Hidden        bool   // it gives neither the code nor the rows
	Code          bool   // it gives the code
	Norm          string // of a batch norm before the activation: its name; "": there is none
}

// Head says that a layer is one of two that read the same: of a code that is a
// distribution.
func (l Layer) Head() bool { return l.Name == headMu || l.Name == headLogVar }

// weight returns the shape of the weights, and the fans by which they start.
// PyTorch takes the second dimension of a transposed convolution's weights
// for its fan in, though it is the number of outputs.
func (l Layer) weight() (shape []int, fanIn, fanOut int) {
	area := l.Kernel[0] * l.Kernel[1]
	switch l.Kind {
	case Conv2d:
		shape = []int{l.Out[0], l.In[0], l.Kernel[0], l.Kernel[1]}
	case ConvTranspose2d:
		shape = []int{l.In[0], l.Out[0], l.Kernel[0], l.Kernel[1]}
	default:
		shape, area = []int{l.Out[0], l.In[0]}, 1
	}
	return shape, shape[1] * area, shape[0] * area
}

// checkSize refuses more weights than can be counted.
func (l Layer) checkSize() error {
	shape, _, _ := l.weight()
	n := 1.0
	for _, d := range shape {
		n *= float64(d)
	}
	if n > maxWeights {
		return fmt.Errorf("model: %s has weights of shape %v, which no memory holds; want narrower layers or smaller images", l.Name, shape)
	}
	return nil
}

// row is the shape of what comes in beside the class.
func (l Layer) row() []int {
	if l.Classes == 0 {
		return l.In
	}
	return []int{l.In[0] - l.Classes}
}

// params returns weight and bias.
func (l Layer) params(init Init) []program.Param {
	shape, fanIn, fanOut := l.weight()
	weight := program.Param{Name: l.Name + ".weight", Shape: shape}
	bias := program.Param{Name: l.Name + ".bias", Shape: []int{l.Out[0]}}
	switch init {
	case InitGlorot:
		weight.Bound = math.Sqrt(6 / float64(fanIn+fanOut))
	default:
		weight.Bound = 1 / math.Sqrt(float64(fanIn))
		bias.Bound = weight.Bound
	}
	params := []program.Param{weight, bias}
	if l.Norm != "" {
		params = append(params, normParams(l.Norm, l.Out[0])...)
	}
	return params
}

// apply adds the layer to x's graph.
func (l Layer) apply(x, w, b *G.Node) (y *G.Node, err error) {
	switch l.Kind {
	case Conv2d:
		y, err = op.Conv2d(x, w, b, l.Window, l.Activation)
	case ConvTranspose2d:
		y, err = op.ConvTranspose2d(x, w, b, l.Window, l.OutputPadding, l.Activation)
	default:
		y, err = op.Linear(x, w, b, l.Activation)
	}
	return y, err
}

// Params counts the layer's parameters.
func (l Layer) Params() (n int) {
	for _, p := range l.params("") {
		n += p.Size()
	}
	return n
}

// FLOPs returns the multiplications and additions of one image's way forward.
func (l Layer) FLOPs() float64 {
	shape, _, _ := l.weight()
	positions := 1
	switch l.Kind {
	case Conv2d:
		positions = l.Out[1] * l.Out[2]
	case ConvTranspose2d:
		positions = l.In[1] * l.In[2]
	}
	return 2 * float64(program.Size(shape)) * float64(positions)
}

// network is both halves of an autoencoder, and of a variational one the heads
// between them, which read the same; beside them the discriminator of an
// adversarial one.
type network struct{ encoder, heads, decoder, discriminator []Layer }

func (n network) layers() []Layer { return slices.Concat(n.encoder, n.heads, n.decoder) }

func (n network) all() []Layer { return slices.Concat(n.layers(), n.discriminator) }

// mu is the head that gives a code where it is a distribution: its mean.
func (n network) mu() []Layer { return n.heads[:min(1, len(n.heads))] }

// network lays out the layers of a spec.
func (s Spec) network() (network, error) {
	if err := s.checkImage(); err != nil {
		return network{}, err
	}
	if err := s.checkVariational(); err != nil {
		return network{}, err
	}
	if row := s.row(); row.Size() == 0 {
		return network{}, ErrNoImage
	} else if row.IsVector() && s.Family == Convolutional {
		return network{}, fmt.Errorf("model: %s is convolutional and reads images, got vectors of %v; want a fully connected network, such as fc12", s.Model, row)
	}
	var n network
	switch s.Family {
	case FullyConnected:
		n = s.fullyConnected()
	case Convolutional:
		n = s.convolutional()
	default:
		return n, fmt.Errorf("model: unknown family %q", s.Family)
	}
	if s.Variational() {
		n = s.vary(n)
	}
	if s.Condition != "" {
		if s.Classes == 0 {
			return n, errNoClasses
		}
		s.condition(n)
	}
	var err error
	if n.discriminator, err = s.discriminator(); err != nil {
		return n, err
	}
	return n, s.finish(n)
}

// finish sets activations and names.
func (s Spec) finish(n network) error {
	hidden, err := op.ParseActivation(s.Activation)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	output, err := op.ParseActivation(s.LastActivation())
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	code := op.None
	if s.ActivateCode || s.Variational() { // there the encoder ends before the code
		code = hidden
	}
	for _, half := range []struct {
		name   string
		layers []Layer
		last   op.Activation
	}{{"encoder", n.encoder, code}, {"decoder", n.decoder, output}} {
		index := 0
		for i := range half.layers {
			l := &half.layers[i]
			if i > 0 && len(l.In) != len(half.layers[i-1].Out) {
				index++ // an nn.Unflatten
			}
			l.Activation, l.Hidden = hidden, true
			if i == len(half.layers)-1 {
				l.Activation, l.Hidden, l.Code = half.last, false, half.name == "encoder"
			}
			l.Name = fmt.Sprintf("%s.%d", half.name, index)
			if index++; s.BatchNorm && l.Hidden && !(s.Adversarial() && i == 0) {
				l.Norm = fmt.Sprintf("%s.%d", half.name, index)
				index++
			}
			if l.Activation != op.None {
				index++
			}
			if err := l.checkSize(); err != nil {
				return err
			}
		}
	}
	for _, l := range n.heads {
		if err := l.checkSize(); err != nil {
			return err
		}
	}
	return nil
}

// Layers returns the layers of both halves, in the order of the data.
func (s Spec) Layers() ([]Layer, error) {
	n, err := s.network()
	return n.layers(), err
}
