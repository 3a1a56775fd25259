package op

// MAE is the absolute error, |pred − target|; its derivative at 0 is 0.
const MAE LossKind = "mae"

func mae(pred, target, _ float64) (value, slope float64) {
	switch d := pred - target; {
	case d > 0:
		return d, 1
	case d < 0:
		return -d, -1
	default: // 0 or NaN
		return d, d
	}
}
