package philox

import (
	"math"
	"testing"
)

func TestLogarithm(t *testing.T) {
	worst := 0.0
	for k := uint32(1); k <= 1<<24; k += 1 + k/50000 {
		got, want := float64(logarithm(k)), math.Log(float64(k)/(1<<24))
		if k == 1<<24 && got != 0 {
			t.Errorf("ln 1 = %v", got)
		}
		if got > 0 {
			t.Fatalf("logarithm(%d) = %v is above 0: its root is none", k, got)
		}
		worst = max(worst, math.Abs(got-want)/max(math.Abs(want), 1e-7))
	}
	if logarithm(1<<24) != 0 {
		t.Errorf("ln 1 = %v", logarithm(1<<24))
	}
	if worst > 2e-7 {
		t.Errorf("the worst relative error is %.2g", worst)
	}
}

func TestCircle(t *testing.T) {
	worst := 0.0
	for k := uint32(0); k < 1<<24; k += 37 {
		sin, cos := circle(k)
		s, c := math.Sincos(2 * math.Pi * float64(k) / (1 << 24))
		worst = max(worst, math.Abs(float64(sin)-s), math.Abs(float64(cos)-c))
	}
	if worst > 1.5e-7 {
		t.Errorf("the worst error is %.2g", worst)
	}
}

func TestNormals(t *testing.T) {
	s := Stream{Seed: 7, Purpose: For("test")}
	const rows, width = 2000, 501
	var sum, square, cube, fourth, neighbours float64
	dst := make([]float32, width)
	for row := range uint32(rows) {
		s.Normals(dst, 3, row)
		for i, v := range dst {
			x := float64(v)
			sum, square, cube, fourth = sum+x, square+x*x, cube+x*x*x, fourth+x*x*x*x
			if i > 0 {
				neighbours += x * float64(dst[i-1])
			}
		}
	}
	const n = rows * width
	for _, c := range []struct {
		name            string
		got, want, wide float64
	}{
		{"mean", sum / n, 0, 1},
		{"variance", square / n, 1, math.Sqrt2},
		{"third moment", cube / n, 0, math.Sqrt(15)},
		{"fourth moment", fourth / n, 3, math.Sqrt(96)},
		{"covariance of neighbours", neighbours / n, 0, 1},
	} {
		if math.Abs(c.got-c.want) > 4*c.wide/math.Sqrt(n) {
			t.Errorf("%s %v, want %v", c.name, c.got, c.want)
		}
	}
}

// The numbers are part of what a run is: these were drawn when they were first
// written.
func TestNoiseStaysTheSame(t *testing.T) {
	s := Stream{Seed: 1, Purpose: For("noise/x")}
	normals, uniforms, ones := make([]float32, 6), make([]float32, 6), make([]float32, 6)
	s.Normals(normals, 2, 3)
	s.Uniforms(uniforms, 2, 3)
	s.Bernoullis(ones, 2, 3, 0.5)
	for i := range 6 {
		if want := s.Float32(2, 3, uint32(i)); uniforms[i] != want {
			t.Errorf("uniform %d is %v, Float32 says %v", i, uniforms[i], want)
		}
		if want := float32(0); ones[i] != want && uniforms[i] >= 0.5 || ones[i] == 0 && uniforms[i] < 0.5 {
			t.Errorf("Bernoulli %d is %v of %v", i, ones[i], uniforms[i])
		}
	}
	want := []uint32{0xbf82f523, 0x3fbfcabf, 0xbf18522a, 0x3f25f7ff, 0x4007d03b, 0xbfa68771}
	for i, v := range normals {
		if math.Float32bits(v) != want[i] {
			t.Errorf("normal %d is %v (%#x), want %#x", i, v, math.Float32bits(v), want[i])
		}
	}
	const wantFirst, wantSecond = 0x407f89e6, 0x407f89e4 // others where products are not rounded before they are added
	if first, second := Pair(0x100, 1<<29); math.Float32bits(first) != wantFirst || math.Float32bits(second) != wantSecond {
		t.Errorf("a pair is %#x, %#x, want %#x, %#x", math.Float32bits(first), math.Float32bits(second), wantFirst, wantSecond)
	}
}

func TestThreshold(t *testing.T) {
	s := Stream{Seed: 1}
	dst := make([]float32, 1000)
	for _, p := range []float64{0, 0.3, 1} {
		s.Bernoullis(dst, 0, 0, p)
		sum := 0.0
		for _, v := range dst {
			sum += float64(v)
		}
		if math.Abs(sum/1000-p) > 4*math.Sqrt(p*(1-p)/1000) {
			t.Errorf("a mean of %v with a chance of %v", sum/1000, p)
		}
	}
}

func BenchmarkNormals(b *testing.B) {
	s, dst := Stream{Seed: 7}, make([]float32, 784)
	b.SetBytes(4 * 784)
	for i := range b.N {
		s.Normals(dst, uint32(i), 0)
	}
}

func BenchmarkUniforms(b *testing.B) {
	s, dst := Stream{Seed: 7}, make([]float32, 784)
	b.SetBytes(4 * 784)
	for i := range b.N {
		s.Uniforms(dst, uint32(i), 0)
	}
}

func BenchmarkBernoullis(b *testing.B) {
	s, dst := Stream{Seed: 7}, make([]float32, 784)
	b.SetBytes(4 * 784)
	for i := range b.N {
		s.Bernoullis(dst, uint32(i), 0, 0.75)
	}
}
