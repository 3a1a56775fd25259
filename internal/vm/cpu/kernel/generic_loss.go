package kernel

import "math"

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
