package analysis

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func plane(t *testing.T, values []float32, cols int) *Plane {
	t.Helper()
	p, err := FitPlane(context.Background(), Matrix{values, len(values) / cols, cols})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlane(t *testing.T) {
	// Around (10, 20, 30): ±6 along u = (3,4,0)/5, ±2 along v = (4,−3,0)/5,
	// nothing along the third axis. The variances are as 36 to 4.
	var values []float32
	want := [2][]float64{}
	for _, c := range [][2]float32{{6, 2}, {6, -2}, {-6, 2}, {-6, -2}} {
		values = append(values, 10+(3*c[0]+4*c[1])/5, 20+(4*c[0]-3*c[1])/5, 30)
		want[0], want[1] = append(want[0], float64(c[0])), append(want[1], float64(c[1]))
	}
	got := plane(t, values, 3)
	for i := range want {
		near(t, fmt.Sprintf("axis %d", i), got.Axes[i], want[i], 1e-6)
	}
	near(t, "shares", got.Shares[:], []float64{0.9, 0.1}, 1e-6)
}

// TestPlaneSign: rows that differ by −(1,2) only lie along (1,2), not along its
// opposite.
func TestPlaneSign(t *testing.T) {
	half := math.Sqrt(5) / 2
	near(t, "axis", plane(t, []float32{0, 0, -1, -2}, 2).Axes[0], []float64{half, -half}, 1e-6)
}

func TestPlaneWithoutVariance(t *testing.T) {
	for _, n := range []int{1, 3} {
		for _, cols := range []int{3, planeExact + 1} {
			got := plane(t, slices.Repeat([]float32{-0.3}, n*cols), cols)
			if got.Shares != [2]float64{} || slices.ContainsFunc(slices.Concat(got.Axes[:]...), func(v float64) bool { return v != 0 }) {
				t.Errorf("%d rows of %d: %+v, want zeros", n, cols, got)
			}
		}
	}
}

// TestPlaneOfMany holds two components of 300 columns to those of the whole
// covariance, whatever the size of the values.
func TestPlaneOfMany(t *testing.T) {
	const n, cols = 500, 300
	for name, spread := range map[string]func(j int) float64{
		"slowly falling": func(j int) float64 { return 1 / math.Sqrt(float64(1+j)) },
		"two alone":      func(j int) float64 { return map[int]float64{0: 3, 5: 2}[j] },
		"one alone":      func(j int) float64 { return map[int]float64{7: 3}[j] },
	} {
		r := rand.New(rand.NewPCG(3, 4))
		m := Matrix{make([]float32, n*cols), n, cols}
		for i := range m.Values {
			m.Values[i] = float32(spread(i%cols) * r.NormFloat64())
		}
		a, want := fit(t, m, 2, 100), make([]float32, 2*n)
		if err := a.Project(context.Background(), want, m.Values); err != nil {
			t.Fatal(err)
		}
		for _, power := range []int{0, -120, 120} {
			sized := slices.Clone(m.Values)
			for i, v := range sized {
				sized[i] = float32(math.Ldexp(float64(v), power))
			}
			got := plane(t, sized, cols)
			near(t, name+": shares", got.Shares[:], a.Shares(), 1e-4)
			for i, share := range a.Shares() {
				var along, of, beside float64
				for row, v := range got.Axes[i] {
					v, w := math.Ldexp(v, -power), float64(want[2*row+i])
					along, of, beside = along+v*w, of+w*w, beside+v*v
				}
				if cosine := along / math.Sqrt(of*beside); share > 1e-6 && !(cosine > 0.9999) {
					t.Errorf("%s, times 2^%d: axis %d: cosine %v, want 1", name, power, i, cosine)
				}
			}
		}
	}
}

// TestPlaneDoesNotFlip: the same rows, one of them moved a little, and the same
// rows with more behind them keep their sides.
func TestPlaneDoesNotFlip(t *testing.T) {
	const cols = 200
	at := func(n int, moved float32) [2][]float64 {
		r := rand.New(rand.NewPCG(5, 6))
		values := make([]float32, n*cols)
		for i := range values {
			values[i] = float32(r.NormFloat64() / float64(1+i%cols))
		}
		values[0] += moved
		return plane(t, values, cols).Axes
	}
	first := at(300, 0)
	for name, other := range map[string][2][]float64{"again": at(300, 0), "moved": at(300, 1e-3), "more": at(400, 0)} {
		for i := range first {
			along := 0.0
			for row, v := range first[i] {
				along += v * other[i][row]
			}
			if along <= 0 {
				t.Errorf("%s: axis %d points the other way", name, i)
			}
		}
	}
}

func TestPlaneErrors(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		m    Matrix
		want string
	}{
		{context.Background(), Matrix{}, "plane: want at least one row"},
		{context.Background(), Matrix{[]float32{1, float32(math.NaN())}, 1, 2}, "plane: want finite values"},
		{context.Background(), Matrix{[]float32{1, 2}, 2, 1}, "1 columns and 2 components"},
		{ended, Matrix{[]float32{1, 2, 3, 4}, 2, 2}, context.Canceled.Error()},
	} {
		if _, err := FitPlane(c.ctx, c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
