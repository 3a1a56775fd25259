package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Gaussian is the negative logarithm of a normal density around the prediction,
// with a deviation σ that is Delta:
//
//	(pred − target)² / 2σ² + log σ + ½·log 2π
const Gaussian LossKind = "gaussian"

func gaussian(pred, target, sigma float64) (value, slope float64) {
	d := (pred - target) / sigma
	return d*d/2 + NormalConstant(sigma), d / sigma
}

// NormalConstant is what the negative logarithm of a normal density of deviation
// σ is at its peak: log σ + ½·log 2π.
func NormalConstant(sigma float64) float64 { return math.Log(sigma) + math.Log(2*math.Pi)/2 }

// GaussianDef is [Gaussian] summed over a row's Values, with a deviation that is
// learned: from the mean over rows of the sum of squares, a scalar, and log σ, of
// shape (1) → a scalar,
//
//	½·e^(−2·log σ)·square + Values·(log σ + ½·log 2π)
type GaussianDef struct{ Values int }

// GaussianOf adds the negative logarithm of the likelihood from square, the
// [MSE] summed over a row of values, and the logarithm of the one deviation.
func GaussianOf(square, logSigma *G.Node, values int) (*G.Node, error) {
	return apply(GaussianDef{values}, square, logSigma)
}

func (d GaussianDef) String() string { return fmt.Sprintf("Gaussian[%d]", d.Values) }

func (d GaussianDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.ScalarShape(), gaussianShape(d, d.Values, in)
}

func gaussianShape(d Definition, values int, in []tensor.Shape) error {
	if len(in[0]) != 0 || len(in[1]) != 1 || in[1][0] != 1 || len(in) > 2 && len(in[2]) != 0 || values < 1 {
		return shapeError(d, "a scalar and a deviation's logarithm (1), of at least one value", in)
	}
	return nil
}

func (d GaussianDef) do32(c call[float32]) { gaussianOf(d, c) }
func (d GaussianDef) do64(c call[float64]) { gaussianOf(d, c) }

func gaussianOf[T float](d GaussianDef, c call[T]) {
	square, s := float64(c.in[0][0]), float64(c.in[1][0])
	c.out[0] = T(math.Exp(-2*s)/2*square + float64(d.Values)*(s+math.Log(2*math.Pi)/2))
}

func (GaussianDef) wrt() []bool { return []bool{true, true} }

func (d GaussianDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	precision, err := apply(PrecisionDef{}, in[1])
	if err != nil {
		return nil, err
	}
	dsquare, err := ScaleBy(grad, precision)
	if err != nil {
		return nil, err
	}
	ds, err := apply(GaussianGradDef(d), in[0], in[1], grad)
	return G.Nodes{dsquare, ds}, err
}

// PrecisionDef is ½·e^(−2·log σ), what a square is weighed by: (1) → a scalar.
type PrecisionDef struct{}

func (PrecisionDef) String() string { return "Precision" }

func (d PrecisionDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[0]) != 1 || in[0][0] != 1 {
		return nil, shapeError(d, "a deviation's logarithm (1)", in)
	}
	return tensor.ScalarShape(), nil
}

func (d PrecisionDef) do32(c call[float32]) { precision(c) }
func (d PrecisionDef) do64(c call[float64]) { precision(c) }

func precision[T float](c call[T]) { c.out[0] = T(math.Exp(-2*float64(c.in[0][0])) / 2) }

// GaussianGradDef is the gradient of [GaussianDef] by log σ: square, log σ (1)
// and the gradient of the loss, a scalar → (1).
type GaussianGradDef struct{ Values int }

func (d GaussianGradDef) String() string { return fmt.Sprintf("GaussianGrad[%d]", d.Values) }

func (d GaussianGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{1}, gaussianShape(d, d.Values, in)
}

func (d GaussianGradDef) do32(c call[float32]) { gaussianGrad(d, c) }
func (d GaussianGradDef) do64(c call[float64]) { gaussianGrad(d, c) }

func gaussianGrad[T float](d GaussianGradDef, c call[T]) {
	square, s := float64(c.in[0][0]), float64(c.in[1][0])
	c.out[0] = T((float64(d.Values) - math.Exp(-2*s)*square) * float64(c.in[2][0]))
}
