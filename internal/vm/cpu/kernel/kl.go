package kernel

import "math"

// KL returns the divergence from N(0, 1) of normal distributions of means mu and
// variances e^logvar, Σ ½·(mu² + e^logvar − 1 − logvar), and writes dst =
// coef·mu, the derivative by mu, unless it is nil. Like the other kernels of
// codes it is plain Go: codes are short.
func KL(dst, mu, logvar []float32, coef float32) (sum float64) {
	logvar = logvar[:len(mu)]
	for i, m := range mu {
		sum += KLAt(m, logvar[i])
	}
	if dst != nil {
		for i, m := range mu {
			dst[i] = coef * m
		}
	}
	return sum
}

// KLAt is [KL] of one value.
func KLAt(mu, logvar float32) float64 {
	m, v := float64(mu), float64(logvar)
	return (m*m + math.Expm1(v) - v) / 2
}

// KLSlope is the derivative by the logarithm of the variance.
func KLSlope(logvar float32) float32 { return float32(math.Expm1(float64(logvar)) / 2) }
