package op

import "math"

// BCE is the binary cross-entropy of a probability,
// −t·log p − (1−t)·log(1−p). As in PyTorch, logarithms are at least −100 and
// the derivative's denominator p·(1−p) at least 1e-12, so that p = 0 and
// p = 1 give finite numbers.
const BCE LossKind = "bce"

const (
	bceLogFloor = -100
	bceFloor    = 1e-12
)

func bce(p, t, _ float64) (value, slope float64) {
	logP, logQ := clampLog(math.Log(p)), clampLog(math.Log1p(-p))
	return -t*logP - (1-t)*logQ, (p - t) / clampBelow(p*(1-p), bceFloor)
}

func clampLog(v float64) float64 { return clampBelow(v, bceLogFloor) }

// clampBelow is max(v, floor) that lets NaN through.
func clampBelow(v, floor float64) float64 {
	if v < floor {
		return floor
	}
	return v
}
