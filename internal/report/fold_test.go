package report

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"aegis/internal/analysis"
)

// TestFold: few values stay as they are; of many, the axes are found again.
func TestFold(t *testing.T) {
	small := scattered(7, WidestCode, 1).Values
	got := make([]float32, len(small))
	if f := NewFold(WidestCode); f.Width() != WidestCode {
		t.Errorf("width %d, want %d", f.Width(), WidestCode)
	} else if f.Add(got, small); !slices.Equal(got, small) {
		t.Error("codes that are not wide changed")
	}

	const n, z = 300, 20_000
	r := rand.New(rand.NewPCG(7, 8))
	var along [2][]float64 // coordinates on two directions
	var directions [2][]float64
	for i, size := range []float64{3, 2} {
		for range n {
			along[i] = append(along[i], size*r.NormFloat64())
		}
		for range z {
			directions[i] = append(directions[i], r.NormFloat64()/math.Sqrt(z))
		}
	}
	codes, folded := make([]float32, n*z), make([]float32, n*WidestCode)
	for i := range codes {
		row, j := i/z, i%z
		codes[i] = float32(along[0][row]*directions[0][j] + along[1][row]*directions[1][j] + r.NormFloat64()/math.Sqrt(z))
	}
	f := NewFold(z)
	f.Add(folded, codes)
	plane, err := analysis.FitPlane(context.Background(), analysis.Matrix{Values: folded, Rows: n, Cols: f.Width()})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{9.0 / 14, 4.0 / 14} {
		if c := math.Abs(stat.Correlation(plane.Axes[i], along[i], nil)); c < 0.95 {
			t.Errorf("axis %d has correlation %.3f with what was put in, want 1", i, c)
		}
		if math.Abs(plane.Shares[i]-want) > 0.06 {
			t.Errorf("axis %d has %.3f of the variance, want %.3f", i, plane.Shares[i], want)
		}
	}
}
