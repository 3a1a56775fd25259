package op

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
	Exp       Kind = "exp"       // e^(Alpha·z): a deviation from a log variance with Alpha ½
)

// function is what a kind of activation is, with alpha as its parameter.
type function struct {
	kind  Kind
	alpha float64 // what PyTorch gives the parameter; 0 where there is none

	value func(z, alpha float64) float64 // f(z)
	slope func(y, alpha float64) float64 // f'(z), from y = f(z), or from z where fromInput says so

	fromInput bool
}

// functions are the formulas. Whatever else computes them, a kernel in
// assembly or in CUDA, is held to these.
var functions = []function{
	{
		kind:  Identity,
		value: func(z, _ float64) float64 { return z },
		slope: func(_, _ float64) float64 { return 1 },
	},
	{
		kind:  ReLU,
		value: func(z, _ float64) float64 { return below(z, z, 0) },
		slope: func(y, _ float64) float64 { return below(y, 1, 0) },
	},
	{
		kind: LeakyReLU, alpha: 0.01,
		value: func(z, alpha float64) float64 { return below(z, z, alpha*z) },
		slope: func(y, alpha float64) float64 { return below(y, 1, alpha) },
	},
	{
		kind:  Tanh,
		value: func(z, _ float64) float64 { return math.Tanh(z) },
		slope: func(y, _ float64) float64 { return 1 - y*y },
	},
	{
		kind:  Sigmoid,
		value: func(z, _ float64) float64 { return 1 / (1 + math.Exp(-z)) },
		slope: func(y, _ float64) float64 { return y * (1 - y) },
	},
	{
		kind: ELU, alpha: 1,
		value: func(z, alpha float64) float64 {
			if z <= 0 {
				return alpha * math.Expm1(z)
			}
			return z
		},
		slope: func(y, alpha float64) float64 { return below(y, 1, y+alpha) },
	},
	{
		kind: GELU, fromInput: true,
		value: func(z, _ float64) float64 { return z * normal(z) },
		slope: func(z, _ float64) float64 { return normal(z) + z*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi) },
	},
	{
		kind: Exp, alpha: 1,
		value: func(z, alpha float64) float64 { return math.Exp(alpha * z) },
		slope: func(y, alpha float64) float64 { return alpha * y },
	},
}

// below chooses by x: low up to 0, high above it and for NaN.
func below(x, high, low float64) float64 {
	if x <= 0 {
		return low
	}
	return high
}

// normal is the distribution function of N(0, 1).
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// unknown is the function of no kind: NaN, which every result shows.
var unknown = function{
	value: func(_, _ float64) float64 { return math.NaN() },
	slope: func(_, _ float64) float64 { return math.NaN() },
}

// Kinds returns all activations.
func Kinds() []Kind {
	var list []Kind
	for _, f := range functions {
		list = append(list, f.kind)
	}
	return list
}

// Activation is a function with its parameter.
type Activation struct {
	Kind  Kind
	Alpha float64 // slope of LeakyReLU, scale of ELU, factor of Exp; else 0
}

// None is the identity, what a layer without activation has.
var None = Activation{Kind: Identity}

// ParseActivation returns an activation by name with PyTorch's default
// parameter: slope 0.01 for leakyrelu, scale 1 for elu, factor 1 for exp. Another
// one stands behind a colon, as in leakyrelu:0.2.
func ParseActivation(name string) (Activation, error) {
	kind, number, given := strings.Cut(name, ":")
	a := Activation{Kind: Kind(kind)}
	f, err := a.function()
	if err != nil {
		return None, err
	}
	if a.Alpha = f.alpha; !given {
		return a, nil
	}
	if a.Alpha, err = strconv.ParseFloat(number, 64); err != nil || f.alpha == 0 || !(a.Alpha > 0) || math.IsInf(a.Alpha, 0) {
		return None, fmt.Errorf("op: activation %q; want a name, and behind a colon a number above 0 where the function has one, such as leakyrelu:0.2", name)
	}
	return a, nil
}

// function finds the formulas of a kind.
func (a Activation) function() (function, error) {
	i := slices.IndexFunc(functions, func(f function) bool { return f.kind == a.Kind })
	if i < 0 {
		return unknown, fmt.Errorf("op: unknown activation %q; want one of %s", a.Kind, join(Kinds()))
	}
	return functions[i], nil
}

// join lists names.
func join[K ~string](kinds []K) string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// Validate says what is wrong with an activation. Ops refuse one that has an
// error.
func (a Activation) Validate() error {
	if _, err := a.function(); err != nil {
		return err
	}
	if !(a.Alpha >= 0) || math.IsInf(a.Alpha, 0) {
		return fmt.Errorf("op: activation %s: alpha %v; want a finite number of at least 0", a.Kind, a.Alpha)
	}
	return nil
}

func (a Activation) String() string {
	if a.Alpha != 0 {
		return fmt.Sprintf("%s(%g)", a.Kind, a.Alpha)
	}
	return string(a.Kind)
}

// FromInput says that the derivative needs z and cannot be had from f(z).
func (a Activation) FromInput() bool {
	f, _ := a.function()
	return f.fromInput
}

// Value returns f(z), and NaN for an unknown function.
func (a Activation) Value(z float64) float64 {
	f, _ := a.function()
	return f.value(z, a.Alpha)
}

// Slope returns f'(z) from y = f(z), or from z itself where [Activation.FromInput]
// says so.
func (a Activation) Slope(y float64) float64 {
	f, _ := a.function()
	return f.slope(y, a.Alpha)
}

// activate replaces values by the function of them.
func activate[T float](a Activation, values []T) {
	if a.Kind == Identity {
		return
	}
	f, _ := a.function()
	for i, z := range values {
		values[i] = T(f.value(float64(z), a.Alpha))
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

func (d ActivationDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	return in[0].Clone(), d.Activation.Validate()
}

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
	return in[0].Clone(), d.Activation.Validate()
}

func (d ActivationGradDef) do32(c call[float32]) { slopes(d, c) }
func (d ActivationGradDef) do64(c call[float64]) { slopes(d, c) }

func slopes[T float](d ActivationGradDef, c call[T]) {
	f, _ := d.Activation.function()
	parallel(len(c.out), func(from, to int) {
		for i := from; i < to; i++ {
			c.out[i] = c.in[1][i] * T(f.slope(float64(c.in[0][i]), d.Activation.Alpha))
		}
	})
}
