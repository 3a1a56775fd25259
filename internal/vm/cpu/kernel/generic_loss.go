package kernel

import "math"

// lossKernels are the losses of a set.
type lossKernels struct {
	mse, mae, bce, bceLogits func(dst, y, t []float32, coef float32) float64
	huber                    func(dst, y, t []float32, coef, delta float32) float64
}

var genericLosses = lossKernels{mse: mseGeneric, mae: maeGeneric, huber: huberGeneric, bce: bceGeneric, bceLogits: bceLogitsGeneric}

// MSE returns Σ(y−t)² and writes dst = coef·(y−t): the factor 2 of the
// derivative belongs into coef.
//
// For this and the other losses: y is the prediction, t the target, coef a
// factor of the gradient alone; dst may be nil for the value only, and may be
// y or t. The sum is made in float64, in an order that depends on len(y) only.
func (s *Set) MSE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.losses.mse(dst, y, t, coef)
}

// MAE returns Σ|y−t| and writes dst = coef·sign(y−t), 0 where they are equal.
func (s *Set) MAE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.losses.mae(dst, y, t, coef)
}

// Huber returns Σ h(y−t) with h(d) = d²/2 up to |d| = delta and
// delta·(|d| − delta/2) beyond, and writes dst = coef·h'(y−t).
func (s *Set) Huber(dst, y, t []float32, coef, delta float32) float64 {
	checkLoss(dst, y, t)
	return s.losses.huber(dst, y, t, coef, delta)
}

// BCE returns the binary cross-entropy of probabilities y in [0,1],
// −Σ t·log y + (1−t)·log(1−y), each logarithm not below −100, and writes
// dst = coef·(y−t)/max(y·(1−y), 1e-12): as PyTorch's BCELoss.
func (s *Set) BCE(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.losses.bce(dst, y, t, coef)
}

// BCELogits returns the binary cross-entropy of sigmoid(y), from the logits y,
// Σ max(y,0) − y·t + log(1 + e^−|y|), and writes dst = coef·(sigmoid(y)−t).
func (s *Set) BCELogits(dst, y, t []float32, coef float32) float64 {
	checkLoss(dst, y, t)
	return s.losses.bceLogits(dst, y, t, coef)
}

func checkLoss(dst, y, t []float32) {
	atLeast(t, len(y))
	if dst != nil {
		atLeast(dst, len(y))
	}
}

// mseGeneric is
//
//	for i := range y {
//		d := y[i] - t[i]
//		sum += float64(d * d)
//		if dst != nil {
//			dst[i] = coef * d
//		}
//	}
func mseGeneric(dst, y, t []float32, coef float32) (sum float64) {
	t = t[:len(y)]
	for i, yi := range y {
		d := yi - t[i]
		sum += float64(d * d)
		if dst != nil {
			dst[i] = coef * d
		}
	}
	return sum
}

// maeGeneric is
//
//	for i := range y {
//		d := y[i] - t[i]
//		sum += float64(abs(d))
//		if dst != nil {
//			dst[i] = coef * sign(d) // sign(0) is 0, sign(NaN) is NaN
//		}
//	}
func maeGeneric(dst, y, t []float32, coef float32) (sum float64) {
	t = t[:len(y)]
	for i, yi := range y {
		d := yi - t[i]
		sum += math.Abs(float64(d))
		if dst != nil {
			switch {
			case d > 0:
				d = coef
			case d < 0:
				d = -coef
			}
			dst[i] = d
		}
	}
	return sum
}

// huberGeneric is
//
//	for i := range y {
//		d := y[i] - t[i]
//		c := min(max(d, -delta), delta)
//		sum += float64(c * (d - c/2))
//		if dst != nil {
//			dst[i] = coef * c
//		}
//	}
func huberGeneric(dst, y, t []float32, coef, delta float32) (sum float64) {
	t = t[:len(y)]
	for i, yi := range y {
		d := yi - t[i]
		c := min(max(d, -delta), delta)
		sum += float64(c * (d - c/2))
		if dst != nil {
			dst[i] = coef * c
		}
	}
	return sum
}

// bceGeneric is
//
//	for i := range y {
//		sum -= float64(t[i]*max(log(y[i]), -100) + (1-t[i])*max(log(1-y[i]), -100))
//		if dst != nil {
//			dst[i] = coef * (y[i] - t[i]) / max(y[i]*(1-y[i]), 1e-12)
//		}
//	}
func bceGeneric(dst, y, t []float32, coef float32) (sum float64) {
	t = t[:len(y)]
	for i, yi := range y {
		ti := float64(t[i])
		log1 := max(math.Log(float64(yi)), -100)
		log0 := max(math.Log1p(-float64(yi)), -100)
		sum -= ti*log1 + (1-ti)*log0
		if dst != nil {
			dst[i] = coef * (yi - t[i]) / max(yi*(1-yi), 1e-12)
		}
	}
	return sum
}

// bceLogitsGeneric is
//
//	for i := range y {
//		sum += float64(max(y[i], 0) - y[i]*t[i] + log(1+exp(-abs(y[i]))))
//		if dst != nil {
//			dst[i] = coef * (sigmoid(y[i]) - t[i])
//		}
//	}
func bceLogitsGeneric(dst, y, t []float32, coef float32) (sum float64) {
	t = t[:len(y)]
	for i, yi := range y {
		z, ti := float64(yi), t[i]
		sum += max(z, 0) - z*float64(ti) + math.Log1p(math.Exp(-math.Abs(z)))
		if dst != nil {
			dst[i] = coef * (float32(sigmoid(z)) - ti)
		}
	}
	return sum
}
