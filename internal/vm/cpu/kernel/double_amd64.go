package kernel

// tileDoubleAVX2 is tileDoubleGeneric with AVX2 and FMA, which the set of AVX-512
// uses too.
//
//go:noescape
func tileDoubleAVX2(sums *[doubleRows * doubleCols]float64, a, panel *float64, k int)

func tileDoubleSIMD(sums *[doubleRows * doubleCols]float64, a, panel []float64, k int) {
	if k > 0 {
		tileDoubleAVX2(sums, &a[:doubleRows*k][0], &panel[:doubleCols*k][0], k)
	}
}
