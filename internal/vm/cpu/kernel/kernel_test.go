package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"aegis/internal/vm/cpu/kernel/gen/asm"
	"aegis/model/optim"
)

func TestChoose(t *testing.T) {
	sets := Sets()
	if last := sets[len(sets)-1].Name; last != "generic" {
		t.Errorf("last set: got %s, want generic", last)
	}
	for name, want := range map[string]string{"": sets[0].Name, "generic": "generic", sets[0].Name: sets[0].Name} {
		s, err := Choose(name)
		if err != nil || s.Name != want {
			t.Errorf("Choose(%q): got %v, %v; want %s", name, s, err, want)
		}
	}
	if _, err := Choose("sse9"); err == nil || !strings.Contains(err.Error(), `"sse9"`) || !strings.Contains(err.Error(), "generic") {
		t.Errorf("got error %v; want one with the name and those that there are", err)
	}
}

// TestStale generates the assembly again and compares it.
func TestStale(t *testing.T) {
	files, err := asm.Files(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale; run go generate", name)
		}
	}
}

// updateSpecs has an optimizer of each algorithm, and of each way to use it.
func updateSpecs() map[string]optim.Spec {
	specs := make(map[string]optim.Spec)
	add := func(name, kind string, lr float64, bend func(s *optim.Spec)) {
		s := optim.Default(kind, lr)
		bend(&s)
		specs[name] = s
	}
	add("adam", optim.Adam, 0.002, func(*optim.Spec) {})
	add("adam, decay", optim.Adam, 0.002, func(s *optim.Spec) { s.WeightDecay = 0.02 })
	add("adamw", optim.AdamW, 0.002, func(s *optim.Spec) { s.WeightDecay = 0.5 })
	add("sgd", optim.SGD, 0.01, func(*optim.Spec) {})
	add("sgd, decay", optim.SGD, 0.01, func(s *optim.Spec) { s.WeightDecay = 0.02 })
	add("momentum", optim.SGD, 0.01, func(s *optim.Spec) { s.Momentum = 0.9 })
	add("momentum, decay", optim.SGD, 0.01, func(s *optim.Spec) { s.Momentum, s.WeightDecay = 0.9, 0.02 })
	add("nesterov", optim.SGD, 0.01, func(s *optim.Spec) { s.Momentum, s.Nesterov = 0.9, true })
	add("nesterov, decay", optim.SGD, 0.01, func(s *optim.Spec) { s.Momentum, s.Nesterov, s.WeightDecay = 0.9, true, 0.02 })
	add("rmsprop", optim.RMSprop, 0.002, func(s *optim.Spec) { s.WeightDecay = 0.02 })
	add("rmsprop, momentum", optim.RMSprop, 0.002, func(s *optim.Spec) { s.Momentum, s.WeightDecay = 0.9, 0.02 })
	return specs
}

// TestOptim holds the optimizers to package optim, under gradients of every
// size: bit for bit, but where root and quotient are by Newton's method.
func TestOptim(t *testing.T) {
	const n, at = 1000, 3
	for name, spec := range updateSpecs() {
		tolerance, ofSlots := 0.0, 0.0
		if optim.Takes(spec.Kind, "epsilon") {
			tolerance = 1e-6
		}
		if tolerance > 0 && spec.Kind != optim.AdamW && spec.WeightDecay > 0 { // the weights' rounding goes into them
			ofSlots = 1e-5
		}
		for _, s := range Sets() {
			r := rand.New(rand.NewPCG(16, 17))
			update, err := s.Update(spec.Algorithm())
			if err != nil {
				t.Fatal(err)
			}
			got, g := make([]float32, at+n), make([]float32, n)
			fill(got, normal32, r)
			want := slices.Clone(got[at:])
			var a, b [][]float32
			for range spec.Slots() {
				a, b = append(a, make([]float32, at+n)), append(b, make([]float32, n))
			}
			for step := range int64(5) {
				for i := range g {
					g[i] = normal32(r) * []float32{1, 0, 1e-4, 1e-8, 1e-15, 1e4, 1e15}[i%7]
				}
				x := spec.Scalars(step, spec.LR)
				update(got, a, at, g, x)
				spec.Update(want, g, b, x)
			}
			for i, v := range got[at:] {
				if !near(float64(v), float64(want[i]), tolerance, tolerance) {
					t.Fatalf("%s: %s: weight %d: got %v, want %v", s.Name, name, i, v, want[i])
				}
			}
			for i := range a {
				for j, v := range a[i][at:] {
					if !near(float64(v), float64(b[i][j]), ofSlots, ofSlots) {
						t.Fatalf("%s: %s: slot %d, value %d: got %v, want %v", s.Name, name, i, j, v, b[i][j])
					}
				}
			}
		}
	}
}

// TestNaNGradient: the parameter is NaN after it, and no other one.
func TestNaNGradient(t *testing.T) {
	const n, bad = 37, 21
	for name, spec := range updateSpecs() {
		for _, s := range Sets() {
			update, err := s.Update(spec.Algorithm())
			if err != nil {
				t.Fatal(err)
			}
			w, g, slots := make([]float32, n), make([]float32, n), make([][]float32, len(spec.Slots()))
			for i := range slots {
				slots[i] = make([]float32, n)
			}
			g[bad] = float32(math.NaN())
			update(w, slots, 0, g, spec.Scalars(0, spec.LR))
			for i, v := range w {
				if (v != v) != (i == bad) {
					t.Errorf("%s: %s: weight %d is %v after a NaN at %d", s.Name, name, i, v, bad)
				}
			}
		}
	}
}

// TestLossValues holds losses to values worked out by hand.
func TestLossValues(t *testing.T) {
	y, target := []float32{0.5, 1, 0, 3}, []float32{1, 0, 0, 1}
	cases := []struct {
		name string
		run  func(s *Set, dst []float32) float64
		sum  float64
		grad []float64
	}{
		{
			name: "MSE", run: func(s *Set, dst []float32) float64 { return s.MSE(dst, y, target, 2) },
			sum: 5.25, grad: []float64{-1, 2, 0, 4},
		},
		{
			name: "MAE", run: func(s *Set, dst []float32) float64 { return s.MAE(dst, y, target, 2) },
			sum: 3.5, grad: []float64{-2, 2, 0, 2},
		},
		{
			name: "Huber", run: func(s *Set, dst []float32) float64 { return s.Huber(dst, y, target, 2, 1) },
			sum: 0.125 + 0.5 + 1.5, grad: []float64{-1, 2, 0, 2},
		},
		{
			name: "BCE", run: func(s *Set, dst []float32) float64 { return s.BCE(dst[:3], y[:3], target, 2) },
			sum: math.Ln2 + 100, grad: []float64{-4, 2e12, 0},
		},
		{
			name: "BCELogits", run: func(s *Set, dst []float32) float64 { return s.BCELogits(dst, y, target, 2) },
			sum:  math.Log1p(math.Exp(-0.5)) + math.Log1p(math.Exp(1)) + math.Ln2 + math.Log1p(math.Exp(-3)),
			grad: []float64{2*sigmoid(0.5) - 2, 2 * sigmoid(1), 1, 2*sigmoid(3) - 2},
		},
	}
	for _, c := range cases {
		for _, s := range Sets() {
			dst := make([]float32, len(y))
			if sum := c.run(s, dst); !near(sum, c.sum, 1e-6, 0) {
				t.Errorf("%s: %s: got %v, want %v", s.Name, c.name, sum, c.sum)
			}
			for i, want := range c.grad {
				if !near(float64(dst[i]), want, 1e-6, 0) {
					t.Errorf("%s: %s: gradient %d: got %v, want %v", s.Name, c.name, i, dst[i], want)
				}
			}
		}
	}
}

// TestShort: a slice that is too short panics as an index out of range does.
func TestShort(t *testing.T) {
	x, short := make([]float32, 10), make([]float32, 9, 20)
	scratch := NewScratch()
	for _, s := range Sets() {
		for name, f := range map[string]func(){
			"Act":         func() { s.Act(Tanh, x, short, 0) },
			"ActGrad":     func() { s.ActGrad(Tanh, x, x, short, 0) },
			"MSE":         func() { s.MSE(short, x, x, 1) },
			"BCE":         func() { s.BCE(nil, x, short, 1) },
			"Adam":        func() { s.Adam(x, x, x, short, 0, 0, 0, 0, 0, 0) },
			"AdamDecay":   func() { s.AdamDecay(x, x, short, x, 0, 0, 0, 0, 0, 0, 0, 0) },
			"SGD":         func() { s.SGD(x, short, 0) },
			"SGDDecay":    func() { s.SGDDecay(x, short, 0, 0) },
			"Momentum":    func() { s.Momentum(x, x, short, 0, 0) },
			"Momentum2":   func() { s.MomentumDecay(x, x, short, 0, 0, 0, 0) },
			"RMSprop":     func() { s.RMSprop(x, x, short, 0, 0, 0, 0, 0) },
			"RMSprop2":    func() { s.RMSpropMomentum(x, x, x, short, 0, 0, 0, 0, 0, 0) },
			"Add":         func() { s.Add(x, short) },
			"Sub":         func() { s.Sub(x, short) },
			"Mul":         func() { s.Mul(x, short) },
			"Affine":      func() { s.Affine(x, x, x, short, true) },
			"Affine2":     func() { s.Affine2(x, x, x, x, x, short) },
			"AddSquares":  func() { s.AddSquares(x, x, short) },
			"AddCentred":  func() { s.AddCentred(x, x, x, x, short) },
			"Clamp":       func() { s.Clamp(x, short, 0, 1) },
			"Clip":        func() { s.Clip(x, short, 1, 1) },
			"Drop":        func() { s.Drop(x, short, make([]byte, 1000), 1) },
			"AddMul":      func() { s.AddMul(x, x, short) },
			"ColumnSum":   func() { s.ColumnSum(x, short, 2, 5, 5, false) },
			"ColumnSumLd": func() { s.ColumnSum(x, x, 2, 5, -1, false) },
			"Transpose":   func() { s.Transpose(x, 2, short, 5, 2, 5) },
			"DecodeBytes": func() { s.DecodeBytes(x, make([]byte, 9, 20), 1, 0) },
			"GemmA": func() {
				s.Gemm(&Product{M: 2, N: 1, K: 5, A: short, RowA: 5, ColA: 1, B: x, LdB: 1, C: x, LdC: 1}, scratch)
			},
			"GemmB": func() {
				s.Gemm(&Product{M: 1, N: 2, K: 5, A: x, RowA: 5, ColA: 1, B: short, LdB: 2, C: x, LdC: 2}, scratch)
			},
			"GemmC": func() {
				s.Gemm(&Product{M: 5, N: 2, K: 1, A: x, RowA: 1, ColA: 1, B: x, LdB: 2, C: short, LdC: 2}, scratch)
			},
			"GemmY": func() {
				s.Gemm(&Product{M: 5, N: 2, K: 1, A: x, RowA: 1, ColA: 1, B: x, LdB: 2, C: x, LdC: 2, Y: short, LdY: 2}, scratch)
			},
			"GemmBias": func() {
				s.Gemm(&Product{M: 1, N: 10, K: 1, A: x, RowA: 1, ColA: 1, B: x, LdB: 10, C: x, LdC: 10, Bias: short}, scratch)
			},
			"GemmStride": func() {
				s.Gemm(&Product{M: 2, N: 2, K: 1, A: x, RowA: 1, ColA: 1, B: x, LdB: 2, C: x, LdC: 1}, scratch)
			},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: %s: no panic", s.Name, name)
					}
				}()
				f()
			}()
		}
	}
}

// TestNoAllocation: no kernel allocates, big products neither.
func TestNoAllocation(t *testing.T) {
	scratch := NewScratch()
	x, y := make([]float32, 1024*1024), make([]float32, 64*1024)
	for _, s := range Sets() {
		n := testing.AllocsPerRun(2, func() {
			s.Gemm(&Product{M: 8, N: 40, K: 30, A: x, RowA: 30, ColA: 1, B: x, LdB: 40, C: y, LdC: 40}, scratch)
			if s.tiles != nil { // plain Go is slow, and has no second way
				s.Gemm(&Product{M: 64, N: 1024, K: 1024, A: x, RowA: 1024, ColA: 1, B: x, LdB: 1024, C: y, LdC: 1024}, scratch)
			}
			s.Act(GELU, y[:100], x[:100], 0)
			s.BCE(nil, x[:100], y[:100], 1)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", s.Name, n)
		}
	}
}
