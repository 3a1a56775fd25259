package analysis

import (
	"context"
	"math"
	"reflect"
	"testing"
)

func fit(t testing.TB, m Matrix, k, block int) *PCA {
	t.Helper()
	a, err := FitPCA(context.Background(), m.Blocks(block), m.Cols, k)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPCA(t *testing.T) {
	want := readGolden(t).PCA
	m, _ := made(goldenRows, 10)
	for _, block := range []int{1, 7, 1000} {
		a := fit(t, m, 3, block)
		near(t, "variances", a.Variances, want.Variances, 1e-6)
		near(t, "shares", a.Shares(), want.Shares, 1e-6)
		near(t, "components", a.Components, want.Components, 1e-5)
	}
}

// TestPCAFarOff has rows far from 0, where sums of squares lose all digits.
func TestPCAFarOff(t *testing.T) {
	want := readGolden(t).PCA
	m, _ := made(goldenRows, 10)
	for i := range m.Values {
		m.Values[i] += 2048 // which leaves the values 12 bits behind the point
	}
	near(t, "variances", fit(t, m, 3, 16).Variances, want.Variances, 1e-3)
}

func TestPCAReconstruct(t *testing.T) {
	ctx := context.Background()
	m, _ := blobs(600, 40, 7)
	for _, k := range []int{1, 12, 40} {
		a := fit(t, m, k, 100)
		left := make([]float32, len(m.Values))
		if err := a.Residuals(ctx, left, m.Values); err != nil {
			t.Fatal(err)
		}
		var error2, kept float64
		for _, v := range left {
			error2 += float64(v) * float64(v)
		}
		for _, v := range a.Variances {
			kept += v
		}
		near(t, "squared residuals", one(error2/float64(m.Rows-1)), one(a.Total-kept), 1e-5)
	}
}

func TestPCAThreads(t *testing.T) {
	m, _ := blobs(700, 70, 7)
	threads(t, func(a, b *PCA) bool { return reflect.DeepEqual(a, b) }, func() *PCA { return fit(t, m, 5, 300) })
}

func TestPCAErrors(t *testing.T) {
	nan := Matrix{[]float32{1, 2, float32(math.NaN()), 4}, 2, 2}
	whole := Matrix{[]float32{1, 2, 3, 4}, 2, 2}
	for name, c := range map[string]struct {
		rows Matrix
		p, k int
	}{
		"one row":        {Matrix{[]float32{1, 2}, 1, 2}, 2, 1},
		"NaN":            {nan, 2, 1},
		"no component":   {whole, 2, 0},
		"too many":       {whole, 2, 3},
		"part of a row":  {whole, 3, 1},
		"no columns":     {whole, 0, 0},
		"too wide a row": {whole, MaxPCAColumns + 1, 1},
	} {
		if _, err := FitPCA(context.Background(), c.rows.Blocks(9), c.p, c.k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FitPCA(ctx, whole.Blocks(1), 2, 1); err == nil {
		t.Error("a context that has ended: no error")
	}
}

func BenchmarkPCA(b *testing.B) {
	m, _ := blobs(60000, 784, 10)
	for b.Loop() {
		fit(b, m, 12, 4096)
	}
}
