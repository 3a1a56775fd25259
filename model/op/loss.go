package op

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LossKind names a loss function.
type LossKind string

// Loss is a loss function with its parameter.
type Loss struct {
	Kind  LossKind
	Delta float64 // Huber: where the parabola ends; Gaussian: the deviation; else 0
	Sum   bool    // over a row's values, where else it is their mean
}

// losses are the formulas: the loss of one value and its derivative by the
// prediction, delta being the loss's parameter. Kernels are held to these.
var losses = []struct {
	kind LossKind
	at   func(pred, target, delta float64) (value, slope float64)
}{{MSE, mse}, {MAE, mae}, {Huber, huber}, {BCE, bce}, {BCELogits, bceLogits}, {Gaussian, gaussian}, {KL, kl}}

// LossKinds returns all losses.
func LossKinds() []LossKind {
	var list []LossKind
	for _, l := range losses {
		list = append(list, l.kind)
	}
	return list
}

// At returns the loss of one value and its derivative by the prediction, NaN
// for an unknown loss.
func (l Loss) At(pred, target float64) (value, slope float64) {
	return l.formula()(pred, target, l.Delta)
}

// formula returns that of the loss.
func (l Loss) formula() func(pred, target, delta float64) (value, slope float64) {
	for _, known := range losses {
		if known.kind == l.Kind {
			return known.at
		}
	}
	return func(_, _, _ float64) (value, slope float64) { return math.NaN(), math.NaN() }
}

// Row returns the loss of one row of P values, their mean or, where Sum says
// so, their sum; target is as long as pred.
func (l Loss) Row(pred, target []float32) float64 {
	at, sum := l.formula(), 0.0
	for i, v := range pred {
		value, _ := at(float64(v), float64(target[i]), l.Delta)
		sum += value
	}
	return sum / float64(l.Width(len(pred)))
}

// Validate says what is wrong with a loss. Ops refuse one that has an error.
func (l Loss) Validate() error {
	if !slices.Contains(LossKinds(), l.Kind) {
		return fmt.Errorf("op: unknown loss %q; want one of %s", l.Kind, join(LossKinds()))
	}
	if (l.Kind == Huber || l.Kind == Gaussian) && (!(l.Delta > 0) || math.IsInf(l.Delta, 0)) {
		return fmt.Errorf("op: loss %s: delta %v; want a finite number above 0", l.Kind, l.Delta)
	}
	if l.Kind == KL && !l.Sum {
		return fmt.Errorf("op: loss %s: the mean over a row; want the sum", l.Kind)
	}
	return nil
}

func (l Loss) String() string {
	text := string(l.Kind)
	if l.Delta != 0 {
		text = fmt.Sprintf("%s(%g)", l.Kind, l.Delta)
	}
	if l.Sum {
		text += " sum"
	}
	return text
}

// Width returns what a row's values are divided by beside the number of rows.
func (l Loss) Width(values int) int {
	if l.Sum {
		return 1
	}
	return values
}

// LossDef is a loss, the mean over rows of weight 1 and over their P values,
//
//	L = Σᵢ weightᵢ·Σₚ l(predᵢₚ, targetᵢₚ) / (P·Σᵢ weightᵢ)
//
// or, where the loss is a sum over the values, the same without P, of pred (B,…), target (B,…), weights (B) → a scalar. Only
// pred has a gradient, with [KL] both.
type LossDef struct{ Loss Loss }

// Mean adds the loss of a prediction. With no row of weight above 0 it is 0.
func (l Loss) Mean(pred, target, weights *G.Node) (*G.Node, error) {
	return apply(LossDef{l}, pred, target, weights)
}

func (d LossDef) String() string { return "Loss[" + d.Loss.String() + "]" }

func (d LossDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if err := lossShape(d, d.Loss, in); err != nil {
		return nil, err
	}
	return tensor.ScalarShape(), nil
}

func lossShape(d Definition, l Loss, in []tensor.Shape) error {
	pred, target, weights := in[0], in[1], in[2]
	if len(pred) < 2 || !pred.Eq(target) || len(weights) != 1 || weights[0] != pred[0] {
		return shapeError(d, "pred (B,…), target (B,…), weights (B)", in)
	}
	return l.Validate()
}

func (d LossDef) do32(c call[float32]) { lossMean(d, c) }
func (d LossDef) do64(c call[float64]) { lossMean(d, c) }

func lossMean[T float](d LossDef, c call[T]) {
	pred, target, weights := c.in[0], c.in[1], c.in[2]
	width := len(pred) / len(weights)
	rows := make([]float64, len(weights))
	parallel(len(rows), func(from, to int) {
		for i := from; i < to; i++ {
			if weights[i] == 0 {
				continue
			}
			for j := i * width; j < (i+1)*width; j++ {
				value, _ := d.Loss.At(float64(pred[j]), float64(target[j]))
				rows[i] += value
			}
		}
	})
	sum := 0.0
	for i, v := range rows {
		sum += v * float64(weights[i])
	}
	if scale := lossScale(weights, d.Loss.Width(width)); scale != 0 {
		c.out[0] = T(sum * scale)
	}
}

// lossScale returns 1 / (P·Σ weights), or 0 where no row counts.
func lossScale[T float](weights []T, width int) float64 {
	total := 0.0
	for _, w := range weights {
		total += float64(w)
	}
	if total == 0 {
		return 0
	}
	return 1 / (total * float64(width))
}

func (d LossDef) wrt() []bool { return []bool{true, d.Loss.Kind == KL, false} }

func (d LossDef) grads(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	dp, err := apply(LossGradDef(d), in[0], in[1], in[2], grad)
	if err != nil || d.Loss.Kind != KL {
		return G.Nodes{dp, nil, nil}, err
	}
	dt, err := apply(KLGradDef{LogVar: true}, in[1], grad, in[2])
	return G.Nodes{dp, dt, nil}, err
}

// LossGradDef is the gradient of a loss by the prediction: pred (B,…), target
// (B,…), weights (B) and the gradient of the loss, a scalar → dpred (B,…).
type LossGradDef struct{ Loss Loss }

func (d LossGradDef) String() string { return "LossGrad[" + d.Loss.String() + "]" }

func (d LossGradDef) shape(in []tensor.Shape) (tensor.Shape, error) {
	if len(in[3]) != 0 {
		return nil, shapeError(d, "a scalar as gradient of the loss", in)
	}
	return in[0].Clone(), lossShape(d, d.Loss, in)
}

func (d LossGradDef) do32(c call[float32]) { lossGrad(d, c) }
func (d LossGradDef) do64(c call[float64]) { lossGrad(d, c) }

func lossGrad[T float](d LossGradDef, c call[T]) {
	pred, target, weights := c.in[0], c.in[1], c.in[2]
	width := len(pred) / len(weights)
	scale := float64(c.in[3][0]) * lossScale(weights, d.Loss.Width(width))
	parallel(len(weights), func(from, to int) {
		for i := from; i < to; i++ {
			if weights[i] == 0 {
				continue
			}
			for j := i * width; j < (i+1)*width; j++ {
				_, slope := d.Loss.At(float64(pred[j]), float64(target[j]))
				c.out[j] = T(slope * float64(weights[i]) * scale)
			}
		}
	})
}
