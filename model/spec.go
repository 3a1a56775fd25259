// Package model describes autoencoders and writes them as Gorgonia expression
// graphs. A [Spec] says what a network is; [Spec.Program] gives the graphs
// that a VM trains and runs.
//
// Shapes: B batch, C,H,W an image, P = C·H·W its pixels, Z a code.
package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aegis/data"
	"aegis/model/op"
	"aegis/model/optim"
	"aegis/model/program"
)

// Family is a kind of network.
type Family string

// The families.
const (
	FullyConnected Family = "fc"
	Convolutional  Family = "conv"
)

// Loss names what is minimised: the mean over every pixel of every image.
type Loss string

// The losses. BCE is computed from logits and needs a sigmoid output.
const (
	MSE   Loss = "mse"
	MAE   Loss = "mae"
	Huber Loss = "huber" // delta 1
	BCE   Loss = "bce"
)

func losses() []Loss { return []Loss{MSE, MAE, Huber, BCE} }

// Init names how parameters start.
type Init string

const (
	// InitTorch draws weights and biases from U(±1/√fan_in), as PyTorch's
	// layers start.
	InitTorch Init = "torch"
	// InitGlorot draws weights from U(±√(6/(fan_in+fan_out))) and starts
	// biases at zero, as Keras does (Glorot and Bengio 2010).
	InitGlorot Init = "glorot"
)

// Spec describes an autoencoder and how it is trained.
type Spec struct {
	Model  string `json:"model"`
	Family Family `json:"family"`

	// Image is C, H, W; of vectors 0, 0 and their width. It comes from the data.
	Image [3]int `json:"image"`
	// Scaling is what the network reads of rows, fitted on those that it was
	// trained on; nil: bytes as pixels.
	Scaling *data.Scaling `json:"scaling,omitempty"`
	// Form is how those rows were made of the files that they were read from.
	Form data.Form `json:"form,omitzero"`

	// Hidden has the widths of the encoder's hidden layers, for Convolutional
	// the channels of its stride-2 convolutions. The decoder mirrors them.
	Hidden []int `json:"hidden"`
	Latent int   `json:"latent"` // Z

	Activation   string `json:"activation"`    // of hidden layers
	ActivateCode bool   `json:"activate_code"` // Activation on the code too
	Output       string `json:"output"`        // activation of the last layer; empty: the preset's
	Loss         Loss   `json:"loss"`          // "" where there is a likelihood
	Init         Init   `json:"init"`

	Regular

	Optimizer string  `json:"optimizer"` // adam, adamw, sgd or rmsprop
	LR        float64 `json:"lr"`
	// Schedule changes LR from step to step, as optim.ParseSchedule reads it:
	// constant, step:EPOCHS:FACTOR, cosine, linear or plateau; "": constant.
	Schedule       string  `json:"schedule,omitempty"`
	Warmup         int     `json:"warmup,omitempty"`          // steps in which LR grows, before Schedule begins
	ScheduleEpochs int     `json:"schedule_epochs,omitempty"` // that Schedule goes by; 0: Epochs
	WeightDecay    float64 `json:"weight_decay,omitempty"`    // of all parameters; see optim.Spec
	Momentum       float64 `json:"momentum"`                  // of sgd and rmsprop
	Nesterov       bool    `json:"nesterov,omitempty"`        // of sgd's momentum
	Beta1          float64 `json:"beta1,omitempty"`           // of adam and adamw; 0: 0.9
	Beta2          float64 `json:"beta2,omitempty"`           // of adam and adamw; 0: 0.999
	Epsilon        float64 `json:"epsilon,omitempty"`         // of all but sgd; 0: 1e-8
	RMSpropAlpha   float64 `json:"rmsprop_alpha,omitempty"`   // of rmsprop, its smoothing; 0: 0.99
	// ClipNorm bounds the norm of all gradients of a phase, ClipValue each of
	// their values; 0: no bound. See optim.Clip.
	ClipNorm  float64 `json:"clip_norm,omitempty"`
	ClipValue float64 `json:"clip_value,omitempty"`
	Batch     int     `json:"batch"`
	Epochs    int     `json:"epochs"`

	// EMA is the decay of averages of the parameters, which follow them from step
	// to step and are what is evaluated and kept: in step t, counted from 0, the
	// smaller one of EMA and (1+t)/(10+t); 0: there are none.
	EMA float64 `json:"ema,omitempty"`

	// Rows is how many rows an epoch has, where something goes by epochs. It
	// comes from the data.
	Rows int `json:"-"`

	// A network with a likelihood is variational: bernoulli, gaussian:SIGMA or
	// gaussian:learned, summed over a row. Its loss is minus the likelihood's
	// logarithm and Beta times the code's divergence from N(0, 1), in nats a
	// row.
	Likelihood string  `json:"likelihood,omitempty"`
	Beta       float64 `json:"beta,omitempty"`
	KLWarmup   float64 `json:"kl_warmup,omitempty"` // epochs in which Beta grows from 0
	FreeBits   float64 `json:"free_bits,omitempty"` // nats that a dimension of the code has free

	// Condition is labels where encoder and decoder of a variational network
	// read each row's class beside it, one-hot of Classes, which comes from the
	// data.
	Condition string `json:"condition,omitempty"`
	Classes   int    `json:"classes,omitempty"`

	// Binarize is static or dynamic: each value is drawn as 0 or 1, with itself
	// as the chance of 1, once or anew in each step of training.
	Binarize string `json:"binarize,omitempty"`

	// A network with a prior is adversarial: a discriminator of some hidden widths
	// (none: 512, 256) learns to tell codes from draws of the prior, and the encoder
	// to be taken for it. The prior is normal, or mixture:K, of K Gaussians on a circle.
	Prior         string `json:"prior,omitempty"`
	Discriminator []int  `json:"discriminator,omitempty"`
}

// Presets returns the networks that have a name, each with the
// hyper-parameters of its source; those of table, for rows of some ten to a
// hundred columns near a curved manifold, were found by trying. The first one is
// the default.
func Presets() []Spec {
	base := Spec{
		Family: FullyConnected, Activation: "relu", Output: "sigmoid", Loss: MSE, Init: InitTorch,
		Optimizer: optim.Adam, LR: 1e-3, Batch: 64, Epochs: 5,
	}
	fc12, fc64, fc128, fc3, deep30, conv, table := base, base, base, base, base, base, base

	fc12.Model, fc12.Hidden, fc12.Latent, fc12.Output = "fc12", []int{128, 64}, 12, "tanh"

	fc64.Model, fc64.Hidden, fc64.Latent, fc64.ActivateCode = "fc64", []int{128}, 64, true

	fc128.Model, fc128.Hidden, fc128.Latent, fc128.ActivateCode = "fc128", []int{}, 128, true
	fc128.Init, fc128.Batch, fc128.Epochs = InitGlorot, 256, 50

	fc3.Model, fc3.Hidden, fc3.Latent, fc3.Activation = "fc3", []int{128, 64, 12}, 3, "tanh"
	fc3.LR, fc3.Epochs = 5e-3, 10

	deep30.Model, deep30.Hidden, deep30.Latent, deep30.Activation = "deep30", []int{1000, 500, 250}, 30, "elu"
	deep30.Batch, deep30.Epochs, deep30.Schedule = 128, 20, optim.Cosine

	conv.Model, conv.Family, conv.Hidden, conv.Latent = "conv", Convolutional, []int{16, 32}, 64

	table.Model, table.Hidden, table.Latent, table.Activation = "table", []int{256, 128}, 10, "gelu"
	table.LR, table.Batch, table.Epochs, table.Schedule = 4e-3, 256, 15, optim.Cosine

	all := append([]Spec{fc12, fc64, fc128, fc3, deep30, conv, table}, variationalPresets(base)...)
	return append(all, adversarialPreset(base))
}

// Preset returns a preset by name.
func Preset(name string) (Spec, error) {
	var names []string
	for _, s := range Presets() {
		if s.Model == name {
			return s, nil
		}
		names = append(names, s.Model)
	}
	return Spec{}, fmt.Errorf("model: unknown model %q; want one of %s", name, strings.Join(names, ", "))
}

// maxWidth bounds one layer, far above what any memory holds, so that
// products of two widths stay exact.
const maxWidth = 1 << 24

// More bounds far above what is used, so that no product of sizes overflows.
const (
	maxPixels  = 1 << 28 // values of an image
	maxDepth   = 256     // hidden layers
	maxWeights = 1 << 50 // of one layer
)

// Validate says what is wrong with a spec; its image may still be unknown.
func (s Spec) Validate() error {
	if !printable(s.Model) {
		return fmt.Errorf("model: name %.80q; want up to 200 bytes of text that can be shown", s.Model)
	}
	if s.Family != FullyConnected && s.Family != Convolutional {
		return fmt.Errorf("model: unknown family %q; want %s or %s", s.Family, FullyConnected, Convolutional)
	}
	if err := s.checkImage(); err != nil {
		return err
	}
	if len(s.Hidden) > maxDepth {
		return fmt.Errorf("model: %d hidden layers; want at most %d", len(s.Hidden), maxDepth)
	}
	for _, width := range append(slices.Clone(s.Hidden), s.Latent) {
		if width < 1 || width > maxWidth {
			return fmt.Errorf("model: width %d in hidden %v, latent %d; want 1 to %d", width, s.Hidden, s.Latent, maxWidth)
		}
	}
	if s.LastActivation() == "" {
		return fmt.Errorf("model: %q is no preset and has no output; want its output, such as sigmoid or identity", s.Model)
	}
	for _, of := range []struct{ what, name string }{{"hidden layers", s.Activation}, {"the output", s.LastActivation()}} {
		if _, err := op.ParseActivation(of.name); err != nil {
			return fmt.Errorf("model: activation of %s: %w", of.what, err)
		}
	}
	if err := s.checkVariational(); err != nil {
		return err
	}
	if err := s.checkAdversarial(); err != nil {
		return err
	}
	if !s.Variational() && !slices.Contains(losses(), s.Loss) {
		return fmt.Errorf("model: unknown loss %q; want one of %v", s.Loss, losses())
	}
	if s.Loss == BCE && s.LastActivation() != string(op.Sigmoid) {
		return fmt.Errorf("model: loss bce with output %s; it needs probabilities: want output sigmoid, or loss mse", s.LastActivation())
	}
	if err := s.checkRegular(); err != nil {
		return err
	}
	if err := s.checkBinarize(); err != nil {
		return err
	}
	if err := s.checkEMA(); err != nil {
		return err
	}
	if s.Init != InitTorch && s.Init != InitGlorot {
		return fmt.Errorf("model: unknown init %q; want %s or %s", s.Init, InitTorch, InitGlorot)
	}
	if s.Batch < 1 || s.Batch > maxWidth {
		return fmt.Errorf("model: batch %d; want 1 to %d", s.Batch, maxWidth)
	}
	if s.Epochs < 1 {
		return fmt.Errorf("model: %d epochs; want at least 1", s.Epochs)
	}
	if err := s.checkOptimizer(); err != nil {
		return err
	}
	if err := s.Form.Validate(s.row()); err != nil && s.Image != [3]int{} {
		return fmt.Errorf("model: %w", err)
	}
	return s.checkScaling()
}

// checkScaling says why the network cannot be trained on what a scaling gives.
func (s Spec) checkScaling() error {
	if s.Scaling == nil {
		return nil
	}
	if err := s.Scaling.Validate(s.row().Size()); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return s.checkProbabilities()
}

// row is the shape of what the network reads.
func (s Spec) row() data.Shape { return data.Shape{C: s.Image[0], H: s.Image[1], W: s.Image[2]} }

// Scaled is what the network reads of rows.
func (s Spec) Scaled() data.Scaling {
	if s.Scaling != nil {
		return *s.Scaling
	}
	return data.PixelScaling(s.Pixels())
}

// reads says what the network reads in a few words.
func (s Spec) reads() string {
	if s.Scaling == nil {
		return "pixels in " + s.Pixels().String()
	}
	return s.Scaling.String()
}

// checkImage bounds an image's sizes; 0 is one that is not known yet.
func (s Spec) checkImage() error {
	pixels := 1
	for _, size := range s.Image {
		if size < 0 || size > maxPixels/max(1, pixels) {
			return fmt.Errorf("model: image %v (channels, height, width); want sizes of at least 1 and at most %d values in all", s.Image, maxPixels)
		}
		pixels *= size
	}
	return nil
}

// ErrNoImage says that a network's sizes were asked for before its image's.
var ErrNoImage = errors.New("model: the image's size is not known yet; it comes from the dataset")

// Pixels returns the range of the network's input and output: [-1,1] for a
// tanh output, else [0,1].
func (s Spec) Pixels() data.Range {
	if s.LastActivation() == string(op.Tanh) {
		return data.Range{Lo: -1, Hi: 1}
	}
	return data.Range{Lo: 0, Hi: 1}
}

// printable tells a name that a line can show as it is.
func printable(name string) bool {
	return utf8.ValidString(name) && len(name) <= 200 && strings.IndexFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) < 0
}

// LastActivation is Output, or the preset's where that is empty.
func (s Spec) LastActivation() string {
	if s.Output == "" {
		if preset, err := Preset(s.Model); err == nil {
			return preset.Output
		}
	}
	return s.Output
}

// Scored returns the part of the program whose result the loss compares with
// the rows, and the loss as the graphs compute it.
func (s Spec) Scored() (program.Part, op.Loss) {
	if s.Probabilities() {
		return program.Logits, s.lossOp()
	}
	return program.Reconstruct, s.lossOp()
}

func (s Spec) lossOp() op.Loss {
	if s.Variational() {
		if s.Likelihood == Bernoulli {
			return op.Loss{Kind: op.BCELogits, Sum: true}
		}
		sigma, _ := s.sigma() // checked
		return op.Loss{Kind: op.Gaussian, Delta: sigma, Sum: true}
	}
	switch s.Loss {
	case MAE:
		return op.Loss{Kind: op.MAE}
	case Huber:
		return op.Loss{Kind: op.Huber, Delta: 1}
	case BCE:
		return op.Loss{Kind: op.BCELogits}
	}
	return op.Loss{Kind: op.MSE}
}
