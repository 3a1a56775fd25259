package analysis

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"testing"
)

// golden is what scripts/golden_analysis.py wrote.
type golden struct {
	PCA struct {
		Variances, Shares, Components []float64
	}
	Clusters struct {
		Inertia, Silhouette, NMI, ARI, Match float64
		Guesses                              []int32
	}
	Neighbours struct {
		Distances []float64
		Rows      []int32
	}
	Probe struct {
		Weights, Chances []float64
	}
	Mixture struct {
		Weights, Means, Densities []float64
	}
	Affinities []float64
	Ranking    struct {
		Scores                               []float64
		Labels                               []bool
		AUC, AP, Precision, Recall, F1, Best float64
	}
	Quantiles []float64
	Images    []struct {
		Shape [3]int
		SSIM  float64
	}
}

func readGolden(t testing.TB) *golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(text, g); err != nil {
		t.Fatal(err)
	}
	return g
}

const (
	goldenRows, goldenCols, goldenClasses = 90, 5, 3
)

// uniform makes the script's numbers.
func uniform(n int, salt uint32) []float64 {
	out := make([]float64, n)
	for i := range out {
		x := (uint32(i) + 1000003*salt + 1) * 2654435761
		x ^= x >> 15
		x *= 2246822519
		x ^= x >> 13
		out[i] = float64(x>>8&0xFFFF) / 65536
	}
	return out
}

// made makes the script's rows and their classes.
func made(n int, salt uint32) (Matrix, []int32) {
	const p = goldenCols
	a, b := uniform(n*p, salt), uniform(n*p, salt+1)
	m, classes := Matrix{make([]float32, n*p), n, p}, make([]int32, n)
	for i := range m.Values {
		classes[i/p] = int32(i / p % goldenClasses)
		m.Values[i] = float32(a[i] + b[i] + 0.5*float64((i/p%goldenClasses+i%p)%goldenClasses))
	}
	return m, classes
}

// blobs makes n rows of p values around k points, the same ones each time.
func blobs(n, p, k int) (Matrix, []int32) {
	noise := uniform(n*p, 5)
	centres := uniform(k*p, 6)
	m, classes := Matrix{make([]float32, n*p), n, p}, make([]int32, n)
	for i := range m.Values {
		c := i / p % k
		classes[i/p] = int32(c)
		m.Values[i] = float32(noise[i] + 2*centres[c*p+i%p])
	}
	return m, classes
}

func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*max(1, math.Abs(w))) {
			t.Errorf("%s[%d] = %v, want %v", what, i, got[i], w)
			return
		}
	}
}

func one(v float64) []float64 { return []float64{v} }

func wide(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// threads runs a computation on one thread and on several and wants the same.
func threads[T any](t *testing.T, same func(a, b T) bool, do func() T) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := do()
	for _, n := range []int{2, 5} {
		runtime.GOMAXPROCS(n)
		if !same(one, do()) {
			t.Errorf("%d threads: other numbers than one thread has", n)
		}
	}
}
