package kernel

import "math"

// Products in float64, for what is scored and not trained: a chain of fused
// multiply-adds for each value, in order of k, so that all sets have the same
// bits. B is known before and lies in panels.

const (
	doubleRows = 4  // of A at once
	doubleCols = 12 // of a panel
)

// Panels is a matrix B (K,N) in float64 as [Set.ProductDouble] reads it: panels of
// twelve columns, row after row, with zeros behind the last.
type Panels struct {
	K, N   int
	values []float64
}

// TransposedPanels lays out the transpose of w (N,K), as weights of layers are.
func TransposedPanels(w []float32, n, k int) *Panels {
	p := &Panels{K: k, N: n, values: make([]float64, (n+doubleCols-1)/doubleCols*doubleCols*k)}
	for j := range n {
		panel := p.values[j/doubleCols*doubleCols*k:]
		for i, v := range w[j*k : (j+1)*k] {
			panel[i*doubleCols+j%doubleCols] = float64(v)
		}
	}
	return p
}

// ProductDouble computes C (M,N) = bias + A (M,K)·B, bias (N) for each row.
func (s *Set) ProductDouble(c, a []float64, m int, b *Panels, bias []float64) {
	k, n := b.K, b.N
	atLeast64(a, m*k)
	atLeast64(c, m*n)
	atLeast64(bias, n)
	tile := s.tileDouble
	if tile == nil {
		tile = tileDoubleGeneric
	}
	var sums [doubleRows * doubleCols]float64
	var last []float64 // rows of A up to a whole tile's
	for i := 0; i < m; i += doubleRows {
		rows := min(doubleRows, m-i)
		from := a[i*k : (i+rows)*k]
		if rows < doubleRows {
			last = make([]float64, doubleRows*k)
			copy(last, from)
			from = last
		}
		for j := 0; j < n; j += doubleCols {
			cols := min(doubleCols, n-j)
			for r := range doubleRows {
				copy(sums[r*doubleCols:][:doubleCols], bias[j:j+cols])
			}
			tile(&sums, from, b.values[j*k:][:doubleCols*k], k)
			for r := range rows {
				copy(c[(i+r)*n+j:][:cols], sums[r*doubleCols:])
			}
		}
	}
}

func atLeast64(s []float64, n int) {
	if n > 0 {
		_ = s[n-1]
	}
}

// tileDoubleGeneric adds to sums (4,12) the product of a (4,K) and a panel (K,12).
func tileDoubleGeneric(sums *[doubleRows * doubleCols]float64, a, panel []float64, k int) {
	for r := range doubleRows {
		row, out := a[r*k:][:k], sums[r*doubleCols:][:doubleCols]
		for j := range out {
			sum := out[j]
			for p, v := range row {
				sum = math.FMA(v, panel[p*doubleCols+j], sum)
			}
			out[j] = sum
		}
	}
}
