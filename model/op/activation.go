package op

import (
	"fmt"
	"math"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Kind names an activation function.
type Kind string

// The activations; NaN comes through each of them as NaN.
const (
	Identity  Kind = "identity"  // z
	ReLU      Kind = "relu"      // max(z, 0)
	LeakyReLU Kind = "leakyrelu" // z above 0, Alpha·z below
	Tanh      Kind = "tanh"      // tanh z
	Sigmoid   Kind = "sigmoid"   // 1 / (1 + e⁻ᶻ)
	ELU       Kind = "elu"       // z above 0, Alpha·(eᶻ − 1) below; Clevert et al. 2016
	GELU      Kind = "gelu"      // z·Φ(z), Φ the normal distribution; Hendrycks and Gimpel 2016
)

// Kinds returns all activations.
func Kinds() []Kind { return []Kind{Identity, ReLU, LeakyReLU, Tanh, Sigmoid, ELU, GELU} }

// Activation is a function with its parameter.
type Activation struct {
	Kind  Kind
	Alpha float64 // slope of LeakyReLU, scale of ELU; else 0
}

// None is the identity, what a layer without activation has.
var None = Activation{Kind: Identity}

// ParseActivation returns an activation by name with PyTorch's default
// parameter: slope 0.01 for leakyrelu, scale 1 for elu.
func ParseActivation(name string) (Activation, error) {
	k := Kind(name)
	if !slices.Contains(Kinds(), k) {
		names := make([]string, 0, len(Kinds()))
		for _, k := range Kinds() {
			names = append(names, string(k))
		}
		return None, fmt.Errorf("op: unknown activation %q; want one of %s", name, strings.Join(names, ", "))
	}
	switch k {
	case LeakyReLU:
		return Activation{Kind: k, Alpha: 0.01}, nil
	case ELU:
		return Activation{Kind: k, Alpha: 1}, nil
	}
	return Activation{Kind: k}, nil
}

func (a Activation) String() string {
	if a.Alpha != 0 {
		return fmt.Sprintf("%s(%g)", a.Kind, a.Alpha)
	}
	return string(a.Kind)
}

// FromInput says that the derivative needs z and cannot be had from f(z).
func (a Activation) FromInput() bool { return a.Kind == GELU }

// value returns f(z).
func (a Activation) value(z float64) float64 {
	switch a.Kind {
	case ReLU:
		if z <= 0 {
			return 0
		}
	case LeakyReLU:
		if z <= 0 {
			return a.Alpha * z
		}
	case Tanh:
		return math.Tanh(z)
	case Sigmoid:
		return 1 / (1 + math.Exp(-z))
	case ELU:
		if z <= 0 {
			return a.Alpha * math.Expm1(z)
		}
	case GELU:
		return z * normal(z)
	}
	return z
}

// slope returns f'(z), from z for GELU and from y = f(z) for all others.
func (a Activation) slope(y float64) float64 {
	switch a.Kind {
	case ReLU:
		if y <= 0 {
			return 0
		}
	case LeakyReLU:
		if y <= 0 {
			return a.Alpha
		}
	case Tanh:
		return 1 - y*y
	case Sigmoid:
		return y * (1 - y)
	case ELU:
		if y <= 0 {
			return y + a.Alpha
		}
	case GELU:
		return normal(y) + y*math.Exp(-y*y/2)/math.Sqrt(2*math.Pi)
	}
	return 1
}

// normal is the distribution function of N(0, 1).
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// apply replaces values by the function of them.
func activate[T float](a Activation, values []T) {
	if a.Kind == Identity {
		return
	}
	for i, z := range values {
		values[i] = T(a.value(float64(z)))
	}
}

// ActivationDef is y = f(z), for any shape.
type ActivationDef struct{ Activation Activation }

// Activate applies a function to every value of z.
func Activate(z *G.Node, a Activation) (*G.Node, error) {
	if a.Kind == Identity {
		return z, nil
	}
	return apply(ActivationDef{a}, z)
}

func (d ActivationDef) String() string { return "Activation[" + d.Activation.String() + "]" }

func (d ActivationDef) shape(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), nil }

func (d ActivationDef) do32(c call[float32]) { activation(d, c) }
func (d ActivationDef) do64(c call[float64]) { activation(d, c) }

func activation[T float](d ActivationDef, c call[T]) {
	parallel(len(c.out), func(from, to int) {
		copy(c.out[from:to], c.in[0][from:to])
		activate(d.Activation, c.out[from:to])
	})
}

func (d ActivationDef) wrt() []bool { return []bool{true} }

func (d ActivationDef) grads(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	from := out
	if d.Activation.FromInput() {
		from = in[0]
	}
	dz, err := activationGrad(from, grad, d.Activation)
	return G.Nodes{dz}, err
}

// ActivationGradDef is dz = g·f'(z), of inputs (y or z, g); which of the two
// is said by [Activation.FromInput].
type ActivationGradDef struct{ Activation Activation }

// activationGrad is g itself where there is no activation.
func activationGrad(from, grad *G.Node, a Activation) (*G.Node, error) {
	if a.Kind == Identity {
		return grad, nil
	}
	return apply(ActivationGradDef{a}, from, grad)
}

func (d ActivationGradDef) String() string { return "ActivationGrad[" + d.Activation.String() + "]" }

func (d ActivationGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if !in[0].Eq(in[1]) {
		return nil, shapeError(d, "two inputs of one shape", in)
	}
	return in[0].Clone(), nil
}

func (d ActivationGradDef) do32(c call[float32]) { slopes(d, c) }
func (d ActivationGradDef) do64(c call[float64]) { slopes(d, c) }

func slopes[T float](d ActivationGradDef, c call[T]) {
	parallel(len(c.out), func(from, to int) {
		for i := from; i < to; i++ {
			c.out[i] = c.in[1][i] * T(d.Activation.slope(float64(c.in[0][i])))
		}
	})
}
