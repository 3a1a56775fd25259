package kernel

// clipGeneric is
//
//	for i := range dst {
//		dst[i] = min(max(g[i], -limit), limit) * factor
//	}
func clipGeneric(dst, g []float32, limit, factor float32) {
	for i, v := range g[:len(dst)] {
		dst[i] = min(max(v, -limit), limit) * factor
	}
}

// sumSquaresGeneric is
//
//	for _, v := range g {
//		v = min(max(v, -limit), limit)
//		sum += float64(v)*float64(v)
//	}
func sumSquaresGeneric(g []float32, limit float32) (sum float64) {
	for _, v := range g {
		v = min(max(v, -limit), limit)
		sum += float64(v) * float64(v) // the square is exact, so that nothing is lost or won by fusing
	}
	return sum
}
