package kernel

// copyRunsGeneric is
//
//	for i := range places {
//		for r := range runs {
//			for j := range length {
//				dst[i*dstPlace+r*dstRun+j] = src[i*srcPlace+r*srcRun+j]
//			}
//		}
//	}
func copyRunsGeneric(dst, src []float32, places, runs, length, dstPlace, dstRun, srcPlace, srcRun int) {
	for i := range places {
		for r := range runs {
			to, from := i*dstPlace+r*dstRun, i*srcPlace+r*srcRun
			copy(dst[to:to+length], src[from:from+length])
		}
	}
}

// addSpreadGeneric is
//
//	for r := range runs {
//		for j := range length {
//			dst[r*dstRun+j*step] += src[r*srcRun+j]
//		}
//	}
func addSpreadGeneric(dst, src []float32, runs, length, step, dstRun, srcRun int) {
	for r := range runs {
		to := dst[r*dstRun:]
		for j, v := range src[r*srcRun:][:length] {
			to[j*step] += v
		}
	}
}
