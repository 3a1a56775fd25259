package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestProductDouble holds every set to a chain of fused multiply-adds, to the bit.
func TestProductDouble(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range Sets() {
		for _, size := range [][3]int{{1, 1, 1}, {4, 12, 7}, {3, 13, 1}, {5, 11, 64}, {9, 25, 33}, {8, 24, 0}, {0, 5, 3}, {2, 0, 3}} {
			m, n, k := size[0], size[1], size[2]
			a, w, bias := make([]float64, m*k), make([]float32, n*k), make([]float64, n)
			for i := range a {
				a[i] = random.NormFloat64()
			}
			for i := range w {
				w[i] = float32(random.NormFloat64())
			}
			for i := range bias {
				bias[i] = random.NormFloat64()
			}
			c := make([]float64, m*n+1)
			c[m*n] = 7
			s.ProductDouble(c, a, m, TransposedPanels(w, n, k), bias)
			for i := range m {
				for j := range n {
					want := bias[j]
					for p := range k {
						want = math.FMA(a[i*k+p], float64(w[j*k+p]), want)
					}
					if got := c[i*n+j]; got != want {
						t.Fatalf("%s: %v: value %d,%d is %v; want %v", s.Name, size, i, j, got, want)
					}
				}
			}
			if c[m*n] != 7 {
				t.Errorf("%s: %v: wrote behind the result", s.Name, size)
			}
		}
	}
}

func BenchmarkProductDouble(b *testing.B) {
	const m, n, k = 256, 256, 256
	a, w, bias, c := make([]float64, m*k), make([]float32, n*k), make([]float64, n), make([]float64, m*n)
	panels := TransposedPanels(w, n, k)
	for _, s := range Sets() {
		b.Run(s.Name, func(b *testing.B) {
			for range b.N {
				s.ProductDouble(c, a, m, panels, bias)
			}
			b.ReportMetric(2*m*n*k*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
		})
	}
}
