package op

import "math"

// BCELogits is the binary cross-entropy of sigmoid(z), in the form that
// neither overflows nor loses digits: max(z, 0) − z·t + log(1 + e^−|z|). Its
// derivative is sigmoid(z) − t.
const BCELogits LossKind = "bcelogits"

func bceLogits(z, t, _ float64) (value, slope float64) {
	value = math.Log1p(math.Exp(-math.Abs(z))) - z*t
	if z > 0 {
		value += z
	}
	return value, 1/(1+math.Exp(-z)) - t
}
