package op

import "math"

// Huber is Huber's loss (1964) as PyTorch has it: d²/2 for |d| ≤ delta, else
// delta·(|d| − delta/2), with d = pred − target.
const Huber LossKind = "huber"

func huber(pred, target, delta float64) (value, slope float64) {
	d := pred - target
	if size := math.Abs(d); size > delta {
		return delta * (size - delta/2), math.Copysign(delta, d)
	}
	return d * d / 2, d
}
