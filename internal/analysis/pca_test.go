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

// sloped makes rows whose variance falls from direction to direction, on wide
// axes that are not those of the columns.
func sloped(n, p int) Matrix {
	const directions = 40
	axes, along := uniform(directions*p, 8), uniform(n*directions, 9)
	m := Matrix{make([]float32, n*p), n, p}
	for i := range n {
		row := m.Row(i)
		for d := range directions {
			scale := (along[i*directions+d] - 0.5) * math.Pow(0.8, float64(d))
			for j := range row {
				row[j] += float32(scale * (axes[d*p+j] - 0.5))
			}
		}
	}
	return m
}

// TestPCARange holds the range finder to the factorized covariance.
func TestPCARange(t *testing.T) {
	ctx := context.Background()
	pool, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	m := sloped(300, 200)
	for i := range m.Values {
		m.Values[i] += 8 // the mean is taken away
	}
	for _, k := range []int{1, 12, 195} { // more than there are directions, too
		want, err := fitExact(ctx, pool, m.Blocks(100), m.Cols, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := findRange(ctx, pool, m.Blocks(77), m.Cols, k)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "mean", got.Mean, want.Mean, 1e-6)
		near(t, "total", one(got.Total), one(want.Total), 1e-5)
		near(t, "variances", got.Variances, want.Variances, 1e-5*want.Variances[0])
		near(t, "components", got.Components[:min(k, 12)*m.Cols], want.Components[:min(k, 12)*m.Cols], 1e-3)
		for i := range k {
			for j := range i + 1 {
				dot := 0.0
				for x, v := range got.component(i) {
					dot += v * got.component(j)[x]
				}
				if same := i == j; math.Abs(dot-map[bool]float64{true: 1}[same]) > 1e-9 {
					t.Fatalf("components %d and %d of %d: product %v", i, j, k, dot)
				}
			}
		}
	}
}

// TestPCAWide has rows too wide for their covariance, and fewer rows than
// components.
func TestPCAWide(t *testing.T) {
	m := sloped(9, exactColumns+500)
	threads(t, func(a, b *PCA) bool { return reflect.DeepEqual(a, b) }, func() *PCA { return fit(t, m, 12, 5) })
	a, kept := fit(t, m, 12, 5), 0.0
	for _, v := range a.Variances {
		kept += v
	}
	near(t, "variance of all", one(kept), one(a.Total), 1e-5)
}

func TestPCAErrors(t *testing.T) {
	nan := Matrix{[]float32{1, 2, float32(math.NaN()), 4}, 2, 2}
	whole := Matrix{[]float32{1, 2, 3, 4}, 2, 2}
	for name, c := range map[string]struct {
		rows Matrix
		p, k int
	}{
		"one row":       {Matrix{[]float32{1, 2}, 1, 2}, 2, 1},
		"NaN":           {nan, 2, 1},
		"no component":  {whole, 2, 0},
		"too many":      {whole, 2, 3},
		"part of a row": {whole, 3, 1},
		"no columns":    {whole, 0, 0},
	} {
		if _, err := FitPCA(context.Background(), c.rows.Blocks(9), c.p, c.k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, p := range []int{2, exactColumns + 1} {
		if _, err := FitPCA(ctx, Matrix{make([]float32, 2*p), 2, p}.Blocks(1), p, 1); err == nil {
			t.Errorf("a context that has ended, %d columns: no error", p)
		}
	}
	read := 0
	once := func(yield func([]float32, error) bool) {
		if read++; read == 1 {
			yield(make([]float32, 2*(exactColumns+1)), nil)
		}
	}
	if _, err := FitPCA(context.Background(), once, exactColumns+1, 1); err == nil {
		t.Error("rows that can be read once alone: no error")
	}
}

func BenchmarkPCA(b *testing.B) {
	m, _ := blobs(60000, 784, 10)
	for b.Loop() {
		fit(b, m, 12, 4096)
	}
}
