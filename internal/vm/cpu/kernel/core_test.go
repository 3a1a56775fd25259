//go:build amd64 || arm64

package kernel

import (
	"math"
	"runtime"
	"slices"
	"testing"
)

// TestFlushDenormals multiplies to a denormal number and by one, by every set.
func TestFlushDenormals(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const n, denormal = 21, 1e-40
	// products returns the bits of n equal products, each kind once.
	products := func(s *Set, a, b float32) []uint32 {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = a, b
		}
		s.Mul(x, y)
		bits := make([]uint32, n)
		for i, v := range x {
			bits[i] = math.Float32bits(v)
		}
		return slices.Compact(bits)
	}
	for _, s := range Sets() {
		for _, c := range []struct {
			what string
			a, b float32
		}{
			{"a denormal result", 1e-20, 1e-20},
			{"a denormal operand", denormal, 1e20},
			{"a denormal operand below zero", -denormal, 1e20},
		} {
			whole := math.Float32bits(c.a * c.b)
			zero := whole & (1 << 31)
			check := func(when string, want uint32) {
				if got := products(s, c.a, c.b); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %s, %s: bits %x, want %#x", s.Name, c.what, when, got, want)
				}
			}
			check("before", whole)
			restore := FlushDenormals()
			check("flushed", zero)
			inner := FlushDenormals()
			inner()
			check("flushed, after an inner restore", zero)
			restore()
			check("restored", whole)
		}
	}
}

// TestAdamFlushed takes Adam's root and quotient over all sizes that they are
// for, as training does: with denormal numbers taken as zero, which nothing
// between may be.
func TestAdamFlushed(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer FlushDenormals()()
	const n = 2000
	for _, s := range Sets() {
		w, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		want := make([]float64, n)
		for i := range v {
			v[i] = float32(math.Pow(10, -36.9+74.8*float64(i)/(n-1))) // to 8e37
			if i > n-20 {
				v[i] = 9.9e37
			}
			m[i] = float32(math.Sqrt(float64(v[i])))
			want[i] = -float64(m[i]) / math.Sqrt(float64(v[i]))
		}
		s.Adam(w, g, m, v, 1, 0, 1, 0, 1, 0)
		for i, got := range w {
			if ulps(got, want[i]) > 4 {
				t.Fatalf("%s: √v of %v: step %v, want %v", s.Name, v[i], got, want[i])
			}
		}
	}
}
