package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"aegis/model/op"
)

// elementwise is a kernel over slices of equal length.
type elementwise struct {
	name     string
	operands []values // of each slice; one that is only written has any
	rel, abs float64  // how far from the plain Go kernel; 0: the same bits
	second   bool     // the second slice is a result too
	run      func(s *Set, b [][]float32) float64
}

const alpha = 0.3

// elementwiseCases lists all kernels whose slices are equally long. Their
// tolerances: a few roundings of a float32, 6e-8 each.
func elementwiseCases() []elementwise {
	loss := func(name string, y, t values, rel, abs float64, f func(s *Set, dst, y, t []float32) float64) []elementwise {
		run := func(s *Set, b [][]float32) float64 { return f(s, b[0], b[1], b[2]) }
		value := func(s *Set, b [][]float32) float64 { return f(s, nil, b[0], b[1]) }
		inPlace := func(s *Set, b [][]float32) float64 { return f(s, b[0], b[0], b[1]) }
		return []elementwise{
			{name: name, operands: []values{normal32, y, t}, rel: rel, abs: abs, run: run},
			{name: name + "Value", operands: []values{y, t}, rel: rel, abs: abs, run: value},
			{name: name + "InPlace", operands: []values{y, t}, rel: rel, abs: abs, run: inPlace},
		}
	}
	cases := []elementwise{
		{name: "Adam", operands: []values{normal32, normal32, normal32, positive32}, rel: 5e-7, abs: 1e-9, run: func(s *Set, b [][]float32) float64 {
			s.Adam(b[0], b[1], b[2], b[3], 0.9, 0.1, 0.999, 0.001, 2e-3, 1e-8)
			return 0
		}},
		{name: "AdamDecay", operands: []values{normal32, normal32, normal32, positive32}, rel: 5e-7, abs: 1e-9, run: func(s *Set, b [][]float32) float64 {
			s.AdamDecay(b[0], b[1], b[2], b[3], 0.9, 0.1, 0.999, 0.001, 2e-3, 1e-8, 0.99, 0.001)
			return 0
		}},
		{name: "SGDDecay", operands: []values{normal32, normal32}, run: func(s *Set, b [][]float32) float64 {
			s.SGDDecay(b[0], b[1], 0.01, 0.99)
			return 0
		}},
		{name: "MomentumDecay", operands: []values{normal32, normal32, normal32}, run: func(s *Set, b [][]float32) float64 {
			s.MomentumDecay(b[0], b[1], b[2], 0.9, 0.01, 0.009, 0.001)
			return 0
		}},
		{name: "RMSprop", operands: []values{normal32, normal32, positive32}, rel: 5e-7, abs: 1e-8, run: func(s *Set, b [][]float32) float64 {
			s.RMSprop(b[0], b[1], b[2], 0.99, 0.01, 2e-3, 1e-8, 0.001)
			return 0
		}},
		{name: "RMSpropMomentum", operands: []values{normal32, normal32, positive32, normal32}, rel: 5e-7, abs: 1e-6, run: func(s *Set, b [][]float32) float64 {
			s.RMSpropMomentum(b[0], b[1], b[2], b[3], 0.99, 0.01, 2e-3, 1e-8, 0.001, 0.9)
			return 0
		}},
		{name: "SGD", operands: []values{normal32, normal32}, run: func(s *Set, b [][]float32) float64 {
			s.SGD(b[0], b[1], 0.01)
			return 0
		}},
		{name: "Momentum", operands: []values{normal32, normal32, normal32}, run: func(s *Set, b [][]float32) float64 {
			s.Momentum(b[0], b[1], b[2], 0.9, 0.01)
			return 0
		}},
		{name: "Add", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Add(b[0], b[1])
			return 0
		}},
		{name: "Sub", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Sub(b[0], b[1])
			return 0
		}},
		{name: "Mul", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Mul(b[0], b[1])
			return 0
		}},
		{name: "Follow", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Follow(b[0], b[1], 0.9)
			return 0
		}},
		{name: "Clamp", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Clamp(b[0], b[1], -0.5, 2)
			return 0
		}},
		{name: "Clip", operands: []values{wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Clip(b[0], b[1], 2.5, 0.3)
			return 0
		}},
		{name: "ClipNorm", operands: []values{wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Clip(b[0], b[0], float32(math.Inf(1)), 0.3)
			return 0
		}},
		{name: "SumSquares", operands: []values{normal32}, rel: 1e-14, run: func(s *Set, b [][]float32) float64 {
			return s.SumSquares(b[0], 1.5)
		}},
		{name: "Affine", operands: []values{wide32, wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Affine(b[0], b[1], b[2], b[3], false)
			return 0
		}},
		{name: "AffineReLU", operands: []values{wide32, wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Affine(b[0], b[1], b[2], b[3], true)
			return 0
		}},
		{name: "Affine2", operands: []values{wide32, wide32, wide32, wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Affine2(b[0], b[1], b[2], b[3], b[4], b[5])
			return 0
		}},
		{name: "AddSquares", operands: []values{wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.AddSquares(b[0], b[1], b[2])
			return 0
		}},
		{name: "AddCentred", second: true, operands: []values{wide32, wide32, wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.AddCentred(b[0], b[1], b[2], b[3], b[4])
			return 0
		}},
		{name: "AddMul", operands: []values{wide32, wide32, wide32}, run: func(s *Set, b [][]float32) float64 {
			s.AddMul(b[0], b[1], b[2])
			return 0
		}},
		{name: "Scale", operands: []values{wide32}, run: func(s *Set, b [][]float32) float64 {
			s.Scale(b[0], 1.7)
			return 0
		}},
		{name: "Sum", operands: []values{normal32}, abs: 1e-12, run: func(s *Set, b [][]float32) float64 {
			return s.Sum(b[0])
		}},
	}
	for i, name := range activationNames {
		kind := Activation(i)
		rel, abs, y := 5e-7, 0.0, values(wide32)
		if kind == Tanh || kind == Sigmoid {
			y = unit32 // an output
		}
		switch kind {
		case ReLU, LeakyReLU:
			rel = 0
		case Tanh, Sigmoid, ELU:
			abs = 2e-45 // denormal results
		case GELU:
			rel, abs = 0, 5e-7
		}
		cases = append(cases,
			elementwise{name: name, operands: []values{normal32, wide32}, rel: rel, abs: abs, run: func(s *Set, b [][]float32) float64 {
				s.Act(kind, b[0], b[1], alpha)
				return 0
			}},
			elementwise{name: name + "InPlace", operands: []values{wide32}, rel: rel, abs: abs, run: func(s *Set, b [][]float32) float64 {
				s.Act(kind, b[0], b[0], alpha)
				return 0
			}},
			elementwise{name: name + "Grad", operands: []values{normal32, normal32, y}, rel: rel, abs: 3e-6, run: func(s *Set, b [][]float32) float64 {
				s.ActGrad(kind, b[0], b[1], b[2], alpha)
				return 0
			}},
			elementwise{name: name + "GradInPlace", operands: []values{normal32, normal32}, rel: rel, abs: 3e-6, run: func(s *Set, b [][]float32) float64 {
				s.ActGrad(kind, b[0], b[0], b[1], alpha)
				return 0
			}})
	}
	return slices.Concat(cases,
		loss("MSE", normal32, normal32, 0, 1e-10, func(s *Set, dst, y, t []float32) float64 { return s.MSE(dst, y, t, 0.7) }),
		loss("MAE", around32, around32, 0, 1e-10, func(s *Set, dst, y, t []float32) float64 { return s.MAE(dst, y, t, -0.7) }),
		loss("Huber", wide32, normal32, 1e-6, 1e-6, func(s *Set, dst, y, t []float32) float64 { return s.Huber(dst, y, t, 0.7, 1.5) }),
		loss("BCE", unit32, unit32, 1e-6, 1e-6, func(s *Set, dst, y, t []float32) float64 { return s.BCE(dst, y, t, 0.7) }),
		loss("BCELogits", wide32, unit32, 1e-6, 1e-6, func(s *Set, dst, y, t []float32) float64 { return s.BCELogits(dst, y, t, 0.7) }),
	)
}

// TestElementwise holds every set to the plain Go kernels, at every length
// up to several vectors and a few longer ones.
func TestElementwise(t *testing.T) {
	lengths := []int{255, 1000, 1023}
	for n := range 71 {
		lengths = append(lengths, n)
	}
	plain := genericSet()
	for _, c := range elementwiseCases() {
		for _, s := range Sets() {
			t.Run(c.name+"/"+s.Name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				for _, n := range lengths {
					var got, want []*buffer
					for _, v := range c.operands {
						b := newBuffer(n, n%5)
						fill(b.data, v, r)
						got, want = append(got, b), append(want, &buffer{data: slices.Clone(b.data)})
					}
					c.compare(t, fmt.Sprintf("n=%d", n), got, want, c.run(s, data(got)), c.run(plain, data(want)))
				}
			})
		}
	}
}

func data(buffers []*buffer) (all [][]float32) {
	for _, b := range buffers {
		all = append(all, b.data)
	}
	return all
}

func (c elementwise) compare(t *testing.T, what string, got, want []*buffer, gotSum, wantSum float64) {
	t.Helper()
	for i, b := range got {
		b.check(t, what)
		for j, v := range b.data {
			w := want[i].data[j]
			if !near(float64(v), float64(w), c.rel, c.abs) {
				t.Fatalf("%s: operand %d, value %d: got %v, want %v", what, i, j, v, w)
			}
		}
	}
	if scale := float64(len(got[0].data)); !near(gotSum, wantSum, c.rel, c.abs*max(1, scale)) {
		t.Fatalf("%s: sum: got %v, want %v", what, gotSum, wantSum)
	}
}

// TestNaN puts a NaN at each place of each operand in turn: it must come out
// in one of the slices at the same place, and in the sum.
func TestNaN(t *testing.T) {
	const n = 37
	nan := float32(math.NaN())
	for _, c := range elementwiseCases() {
		if c.name == "reluGrad" || c.name == "leakyreluGrad" || c.name == "reluGradInPlace" || c.name == "leakyreluGradInPlace" {
			continue // the gradient passes; TestGradKeepsNaN
		}
		for _, s := range Sets() {
			t.Run(c.name+"/"+s.Name, func(t *testing.T) {
				for operand := range c.operands {
					for i := range n {
						r := rand.New(rand.NewPCG(3, 4))
						var b []*buffer
						for _, v := range c.operands {
							b = append(b, newBuffer(n, 1))
							fill(b[len(b)-1].data, v, r)
						}
						b[operand].data[i] = nan
						sum := c.run(s, data(b))
						written := operand == 0 && len(c.operands) > 1 && b[0].data[i] == b[0].data[i]
						if written {
							continue // was a result only
						}
						if v := b[1%len(b)].data[i]; c.second && operand == 1 && v != v {
							continue // it stays there
						}
						if v := b[0].data[i]; v == v && sum == sum {
							t.Fatalf("operand %d, index %d: a NaN gave %v, sum %v", operand, i, v, sum)
						}
						for j, v := range b[0].data {
							if j != i && v != v {
								t.Fatalf("operand %d: a NaN at %d came out at %d", operand, i, j)
							}
						}
					}
				}
			})
		}
	}
}

func TestGradKeepsNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, s := range Sets() {
		for _, kind := range []Activation{ReLU, LeakyReLU} {
			dst := make([]float32, 3)
			s.ActGrad(kind, dst, []float32{nan, 2, 3}, []float32{1, nan, -1}, 0.5)
			if dst[0] == dst[0] || dst[1] != 2 || dst[2] > 1.5 {
				t.Errorf("%s: %s: got %v, want a NaN, 2 and a scaled 3", s.Name, kind, dst)
			}
		}
	}
}

// TestActAccuracy holds activations to the formulas of op over numbers of every
// size.
func TestActAccuracy(t *testing.T) {
	cases := map[Activation]struct {
		ulps float64
		abs  float64 // of max(1, |x|)
	}{ReLU: {}, LeakyReLU: {ulps: 0.51}, Tanh: {ulps: 4}, Sigmoid: {ulps: 4}, ELU: {ulps: 4}, GELU: {abs: 5e-7}, Exp: {ulps: 1}}
	x := everySize()
	y := make([]float32, len(x))
	for kind := range Activation(activations) {
		c, ok := cases[kind]
		if !ok {
			t.Errorf("%s: no accuracy is asked", kind)
		}
		f := op.Activation{Kind: op.Kind(kind.String()), Alpha: float64(float32(alpha))}
		for _, s := range Sets() {
			s.Act(kind, y, x, alpha)
			worst, at := 0.0, float32(0)
			for i, v := range x {
				z := float64(v)
				if kind == GELU {
					z = max(z, -15) // below, the result is 0; at −∞ the formula has no value
				}
				exact := f.Value(z)
				e := ulps(y[i], exact)
				if c.abs > 0 && e > 0 {
					e = math.Abs(float64(y[i])-exact) / max(1, math.Abs(float64(v))) / c.abs
				}
				if e > worst || e != e {
					worst, at = e, v
				}
			}
			if worst > max(c.ulps, map[bool]float64{true: 1}[c.abs > 0]) || worst != worst {
				t.Errorf("%s: %s: %.2f off at %v", s.Name, kind, worst, at)
			}
			t.Logf("%s: %s: at most %.3f of its unit off, at %v", s.Name, kind, worst, at)
		}
	}
}

// everySize returns float32 numbers over the whole range of bits and, more
// densely, from −20 to 20.
func everySize() []float32 {
	x := []float32{
		0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	}
	for b := uint64(0); b < 1<<32; b += 65521 {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for v := -20.0; v < 20; v += 0.00037 {
		x = append(x, float32(v))
	}
	for v := -110.0; v < 110; v += 0.0137 {
		x = append(x, float32(v))
	}
	return x
}

// TestClipBeyondNumbers: a NaN comes through clipping and into the sum of
// squares, infinite values are bounded where there is a bound, and squares
// beyond float32 are none.
func TestClipBeyondNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, s := range Sets() {
		for _, n := range []int{1, 9, 40} {
			for _, c := range []struct {
				v, limit, factor, want float32
				square                 float64
			}{
				{v: nan, limit: 2, factor: 1, want: nan, square: math.NaN()},
				{v: nan, limit: inf, factor: 0.5, want: nan, square: math.NaN()},
				{v: 1, limit: inf, factor: nan, want: nan, square: 1},
				{v: -inf, limit: 2, factor: 0.5, want: -1, square: 4},
				{v: inf, limit: inf, factor: 0, want: nan, square: math.Inf(1)},
				{v: 1 << 100, limit: inf, factor: 0.5, want: 1 << 99, square: math.Ldexp(1, 200)},
			} {
				g := make([]float32, n)
				g[n-1] = c.v
				if got := s.SumSquares(g, c.limit); !near(got, c.square, 0, 0) {
					t.Errorf("%s: squares of %v up to %v are %v, want %v", s.Name, c.v, c.limit, got, c.square)
				}
				if s.Clip(g, g, c.limit, c.factor); !near(float64(g[n-1]), float64(c.want), 0, 0) {
					t.Errorf("%s: %v up to %v times %v is %v, want %v", s.Name, c.v, c.limit, c.factor, g[n-1], c.want)
				}
			}
		}
	}
}
