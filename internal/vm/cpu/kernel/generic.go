package kernel

import "math"

// The loops convert each product to float32 before they add to it: that keeps
// the compiler from fusing the two on some machines and not on others.

// adamGeneric is
//
//	for i := range w {
//		m[i] = b1*m[i] + c1*g[i]
//		v[i] = b2*v[i] + c2*g[i]*g[i]
//		w[i] -= alpha * m[i] / (sqrt(v[i]) + eps)
//	}
func adamGeneric(w, g, m, v []float32, b1, c1, b2, c2, alpha, eps float32) {
	n := len(w)
	g, m, v = g[:n], m[:n], v[:n]
	for i, gi := range g {
		m[i] = float32(b1*m[i]) + float32(c1*gi)
		v[i] = float32(b2*v[i]) + float32(c2*gi*gi)
		w[i] -= alpha * m[i] / (float32(math.Sqrt(float64(v[i]))) + eps)
	}
}

// sgdGeneric is
//
//	for i := range w {
//		w[i] -= lr * g[i]
//	}
func sgdGeneric(w, g []float32, lr float32) {
	g = g[:len(w)]
	for i, gi := range g {
		w[i] -= float32(lr * gi)
	}
}

// momentumGeneric is
//
//	for i := range w {
//		u[i] = mu*u[i] + g[i]
//		w[i] -= lr * u[i]
//	}
func momentumGeneric(w, g, u []float32, mu, lr float32) {
	n := len(w)
	g, u = g[:n], u[:n]
	for i, gi := range g {
		u[i] = float32(mu*u[i]) + gi
		w[i] -= float32(lr * u[i])
	}
}

// addGeneric is
//
//	for i := range dst {
//		dst[i] += a[i]
//	}
func addGeneric(dst, a []float32) {
	for i, v := range a[:len(dst)] {
		dst[i] += v
	}
}

// scaleGeneric is
//
//	for i := range dst {
//		dst[i] *= factor
//	}
func scaleGeneric(dst []float32, factor float32) {
	for i := range dst {
		dst[i] *= factor
	}
}

// sumGeneric is
//
//	for _, v := range x {
//		sum += float64(v)
//	}
func sumGeneric(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}

// columnSumGeneric is
//
//	for j := range cols {
//		if !accumulate {
//			dst[j] = 0
//		}
//		for i := range rows {
//			dst[j] += src[i*ld+j]
//		}
//	}
func columnSumGeneric(dst, src []float32, rows, cols, ld int, accumulate bool) {
	dst = dst[:cols]
	if !accumulate {
		clear(dst)
	}
	if cols == 0 {
		return // src may be empty
	}
	for i := range rows {
		addGeneric(dst, src[i*ld:i*ld+cols])
	}
}

// transposeGeneric is
//
//	for i := range rows {
//		for j := range cols {
//			dst[j*ldd+i] = src[i*lds+j]
//		}
//	}
func transposeGeneric(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	const block = 8 // 8 rows of src at a time fill whole pieces of dst's cache lines
	for i0 := 0; i0 < rows; i0 += block {
		for j := range cols {
			for i := i0; i < min(i0+block, rows); i++ {
				dst[j*ldd+i] = src[i*lds+j]
			}
		}
	}
}

// decodeBytesGeneric is
//
//	for i := range dst {
//		dst[i] = float32(src[i])*factor + offset
//	}
func decodeBytesGeneric(dst []float32, src []byte, factor, offset float32) {
	for i, v := range src[:len(dst)] {
		dst[i] = float32(float32(v)*factor) + offset
	}
}
