package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sentinel stands around every buffer: a NaN that no kernel makes.
var sentinel = math.Float32frombits(0x7fa5a5a5)

const guardSize = 40

// buffer is a slice between guards, off the alignment of its memory.
type buffer struct{ all, data []float32 }

func newBuffer(n, shift int) *buffer {
	b := &buffer{all: make([]float32, n+2*guardSize+shift)}
	for i := range b.all {
		b.all[i] = sentinel
	}
	b.data = b.all[guardSize+shift:][:n:n]
	return b
}

func (b *buffer) check(t *testing.T, what string) {
	t.Helper()
	start := len(b.all) - guardSize - len(b.data)
	for i, v := range b.all {
		if (i < start || i >= start+len(b.data)) && math.Float32bits(v) != math.Float32bits(sentinel) {
			t.Fatalf("%s: wrote %v at index %d of %d values", what, v, i-start, len(b.data))
		}
	}
}

// values gives numbers for an operand.
type values func(r *rand.Rand) float32

// Numbers of the kinds that kernels meet.
func normal32(r *rand.Rand) float32 { return float32(r.NormFloat64()) }

func wide32(r *rand.Rand) float32 {
	if r.IntN(8) == 0 {
		return []float32{0, float32(math.Copysign(0, -1)), 1e-40, -1e-40, 30, -30, 1e5, -1e5}[r.IntN(8)]
	}
	return float32(r.NormFloat64() * 4)
}

func unit32(r *rand.Rand) float32 {
	if r.IntN(8) == 0 {
		return []float32{0, 1, 1e-30, 1e-42, 1 - 6e-8}[r.IntN(5)]
	}
	return r.Float32()
}
func positive32(r *rand.Rand) float32 { return r.Float32() }
func around32(r *rand.Rand) float32   { return float32(r.IntN(5) - 2) } // often equal

func fill(dst []float32, v values, r *rand.Rand) {
	for i := range dst {
		dst[i] = v(r)
	}
}

// near tells whether got is within rel of want, or within abs; NaNs and equal
// infinities are near each other.
func near(got, want, rel, abs float64) bool {
	if got == want || (got != got && want != want) {
		return true
	}
	d := math.Abs(got - want)
	return d <= abs || d <= rel*math.Abs(want)
}

// ulps is the distance of got from the exact value, in units of the last
// place of a float32 as large as that.
func ulps(got float32, exact float64) float64 {
	want := float32(exact)
	if got == want || (got != got && exact != exact) {
		return 0
	}
	if math.IsInf(float64(want), 0) || math.IsInf(float64(got), 0) || got != got || exact != exact {
		return math.Inf(1)
	}
	_, e := math.Frexp(exact)
	return math.Abs(float64(got)-exact) / math.Ldexp(1, max(e-24, -149))
}
