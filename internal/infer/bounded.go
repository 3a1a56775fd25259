package infer

import (
	"math"

	"aegis/model"
)

// BeyondNats is what a value costs for each unit that it lies beyond 0 and 1,
// where a loss takes values for chances: as much as PyTorch bounds a logarithm to.
const BeyondNats = 100

// RowLoss is the loss of a row by what [model.Spec.Scored]'s part predicts, beside a
// divergence. logSigma is the parameter of that name, of a network that has it.
func RowLoss(spec model.Spec, logSigma float64) func(predicted, row []float32) float64 {
	_, loss := spec.Scored()
	if spec.Likelihood == model.GaussianLearned {
		loss.Delta = math.Exp(logSigma)
	}
	return bounded(spec, loss.Row)
}

// bounded is the loss of a row, of which values beyond [0,1] are no chances: they
// count as the nearer end, and how far they lie beyond it is added. The formula
// itself would call a row the better, the farther a bright value lies beyond 1.
func bounded(spec model.Spec, loss func(predicted, row []float32) float64) func(predicted, row []float32) float64 {
	if !spec.Probabilities() {
		return loss
	}
	return func(predicted, row []float32) float64 {
		var inside []float32
		var beyond float64
		for i, v := range row {
			if v >= 0 && v <= 1 {
				continue
			}
			if inside == nil {
				inside = append(inside, row...)
			}
			inside[i] = min(max(v, 0), 1)
			beyond += max(float64(v)-1, -float64(v))
		}
		if inside == nil {
			return loss(predicted, row)
		}
		beyond *= BeyondNats
		if !spec.Variational() { // a mean over values
			beyond /= float64(len(row))
		}
		return loss(predicted, inside) + beyond
	}
}
