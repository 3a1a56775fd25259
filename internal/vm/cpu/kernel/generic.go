package kernel

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

// subGeneric is
//
//	for i := range dst {
//		dst[i] -= a[i]
//	}
func subGeneric(dst, a []float32) {
	for i, v := range a[:len(dst)] {
		dst[i] -= v
	}
}

// mulGeneric is
//
//	for i := range dst {
//		dst[i] *= a[i]
//	}
func mulGeneric(dst, a []float32) {
	for i, v := range a[:len(dst)] {
		dst[i] *= v
	}
}

// addMulGeneric is
//
//	for i := range dst {
//		dst[i] += a[i]*b[i]
//	}
func addMulGeneric(dst, a, b []float32) {
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] += float32(v * b[i])
	}
}

// followGeneric is
//
//	for i := range dst {
//		dst[i] = x[i] + decay*(dst[i]-x[i])
//	}
func followGeneric(dst, x []float32, decay float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = v + float32(decay*(dst[i]-v))
	}
}

// clampGeneric is
//
//	for i := range dst {
//		dst[i] = min(max(x[i], low), high)
//	}
func clampGeneric(dst, x []float32, low, high float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = min(max(v, low), high)
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
