package op

// MSE is the squared error, (pred − target)².
const MSE LossKind = "mse"

func mse(pred, target, _ float64) (value, slope float64) {
	d := pred - target
	return d * d, 2 * d
}
