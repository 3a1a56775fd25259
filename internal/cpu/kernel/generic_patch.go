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

// addRunsGeneric is
//
//	for i := range places {
//		for r := range runs {
//			for j := range length {
//				dst[i*dstPlace+r*dstRun+j] += src[i*srcPlace+r*srcRun+j]
//			}
//		}
//	}
func addRunsGeneric(dst, src []float32, places, runs, length, dstPlace, dstRun, srcPlace, srcRun int) {
	for i := range places {
		for r := range runs {
			to, from := i*dstPlace+r*dstRun, i*srcPlace+r*srcRun
			addGeneric(dst[to:to+length], src[from:from+length])
		}
	}
}
