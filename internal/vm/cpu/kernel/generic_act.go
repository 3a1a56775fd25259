package kernel

import (
	"fmt"
	"math"
	"slices"
)

// Activation is a function applied to each value.
type Activation uint8

// The activations, as PyTorch has them. Alpha is the slope of LeakyReLU below
// zero (not negative) and the limit −alpha of ELU; the others ignore it.
const (
	ReLU      Activation = iota // max(x, 0)
	LeakyReLU                   // x, or alpha·x below 0
	Tanh
	Sigmoid // 1 / (1 + e⁻ˣ)
	ELU     // x, or alpha·(eˣ − 1) below 0
	GELU    // x·Φ(x), Φ the normal distribution: the form with erf
	Exp     // e^(alpha·x)

	activations = iota
)

// activationNames are the names of the functions in package op.
var activationNames = [activations]string{
	ReLU: "relu", LeakyReLU: "leakyrelu", Tanh: "tanh", Sigmoid: "sigmoid", ELU: "elu", GELU: "gelu", Exp: "exp",
}

func (a Activation) String() string { return activationNames[a] }

// ParseActivation returns the kernel of a function of package op.
func ParseActivation(name string) (Activation, error) {
	if i := slices.Index(activationNames[:], name); i >= 0 {
		return Activation(i), nil
	}
	return 0, fmt.Errorf("kernel: no kernel for activation %q", name)
}

type (
	actKernels     [activations]func(dst, src []float32, alpha float32)
	actGradKernels [activations]func(dst, g, y []float32, alpha float32)
)

var (
	genericActs = actKernels{
		ReLU: reluGeneric, LeakyReLU: leakyReLUGeneric, Tanh: tanhGeneric,
		Sigmoid: sigmoidGeneric, ELU: eluGeneric, GELU: geluGeneric, Exp: expGeneric,
	}
	genericActGrads = actGradKernels{
		ReLU: reluGradGeneric, LeakyReLU: leakyReLUGradGeneric, Tanh: tanhGradGeneric,
		Sigmoid: sigmoidGradGeneric, ELU: eluGradGeneric, GELU: geluGradGeneric, Exp: expGradGeneric,
	}
)

// Act writes an activation of src: dst[i] = f(src[i]).
//
// Tanh, Sigmoid and ELU are within 4 units in the last place of the exact
// value, GELU within 5e-7·max(1, |x|). Exp is plain Go in every set: it is for
// the few values of a code.
func (s *Set) Act(kind Activation, dst, src []float32, alpha float32) {
	atLeast(src, len(dst))
	f := s.act[kind]
	if f == nil {
		f = genericActs[kind]
	}
	f(dst, src, alpha)
}

// ActGrad carries a gradient back through an activation: dst[i] = g[i]·f'(·).
// y is the activation's output; for GELU it is the input. At 0, ReLU has
// slope 0, LeakyReLU and ELU slope alpha. A NaN in y keeps g for ReLU and
// LeakyReLU.
func (s *Set) ActGrad(kind Activation, dst, g, y []float32, alpha float32) {
	atLeast(g, len(dst))
	atLeast(y, len(dst))
	f := s.actGrad[kind]
	if f == nil {
		f = genericActGrads[kind]
	}
	f(dst, g, y, alpha)
}

// reluGeneric is
//
//	for i, x := range src[:len(dst)] {
//		if x < 0 {
//			x = 0
//		}
//		dst[i] = x
//	}
func reluGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		if x < 0 {
			x = 0
		}
		dst[i] = x
	}
}

// leakyReLUGeneric is
//
//	for i, x := range src[:len(dst)] {
//		if x < 0 {
//			x *= alpha
//		}
//		dst[i] = x
//	}
func leakyReLUGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		if x < 0 {
			x *= alpha
		}
		dst[i] = x
	}
}

// tanhGeneric is
//
//	for i, x := range src[:len(dst)] {
//		dst[i] = tanh(x)
//	}
func tanhGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		dst[i] = float32(math.Tanh(float64(x)))
	}
}

// sigmoidGeneric is
//
//	for i, x := range src[:len(dst)] {
//		dst[i] = 1 / (1 + exp(-x))
//	}
func sigmoidGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		dst[i] = float32(sigmoid(float64(x)))
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// eluGeneric is
//
//	for i, x := range src[:len(dst)] {
//		if !(x > 0) {
//			x = alpha * (exp(x) - 1)
//		}
//		dst[i] = x
//	}
func eluGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		if !(x > 0) {
			x = alpha * float32(math.Expm1(float64(x)))
		}
		dst[i] = x
	}
}

// geluGeneric is
//
//	for i, x := range src[:len(dst)] {
//		x = max(x, -15) // below, the result is 0
//		dst[i] = x * normal(x)
//	}
//
// with the normal distribution normal(x) = (1 + erf(x/√2)) / 2.
func geluGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		v := max(float64(x), -15)
		dst[i] = float32(v * normal(v))
	}
}

func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// reluGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i]
//		if y <= 0 {
//			dst[i] = 0
//		}
//	}
func reluGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		v := g[i]
		if y <= 0 {
			v = 0
		}
		dst[i] = v
	}
}

// leakyReLUGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i]
//		if y <= 0 {
//			dst[i] = alpha * g[i]
//		}
//	}
func leakyReLUGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		v := g[i]
		if y <= 0 {
			v *= alpha
		}
		dst[i] = v
	}
}

// tanhGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i] * (1 - y*y)
//	}
func tanhGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		dst[i] = g[i] * (1 - float32(y*y))
	}
}

// sigmoidGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i] * (y * (1 - y))
//	}
func sigmoidGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		dst[i] = g[i] * (y * (1 - y))
	}
}

// eluGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i]
//		if !(y > 0) {
//			dst[i] = g[i] * (y + alpha)
//		}
//	}
func eluGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		v := g[i]
		if !(y > 0) {
			v *= y + alpha
		}
		dst[i] = v
	}
}

// geluGradGeneric is
//
//	for i, z := range y[:len(dst)] {
//		z = min(max(z, -15), 15) // beyond, the slope is 0 or 1
//		dst[i] = g[i] * (normal(z) + z*exp(-z*z/2)/sqrt(2*pi))
//	}
//
// with the normal distribution normal(z) = (1 + erf(z/√2)) / 2.
func geluGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, z := range y[:len(dst)] {
		v := min(max(float64(z), -15), 15)
		density := math.Exp(-v*v/2) / math.Sqrt(2*math.Pi)
		dst[i] = g[i] * float32(normal(v)+v*density)
	}
}

// expGeneric is
//
//	for i, x := range src[:len(dst)] {
//		dst[i] = exp(alpha * x)
//	}
func expGeneric(dst, src []float32, alpha float32) {
	for i, x := range src[:len(dst)] {
		dst[i] = float32(math.Exp(float64(alpha) * float64(x)))
	}
}

// expGradGeneric is
//
//	for i, y := range y[:len(dst)] {
//		dst[i] = g[i] * (alpha * y)
//	}
func expGradGeneric(dst, g, y []float32, alpha float32) {
	g = g[:len(dst)]
	for i, y := range y[:len(dst)] {
		dst[i] = g[i] * (alpha * y)
	}
}
