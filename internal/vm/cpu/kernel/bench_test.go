package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// BenchmarkGemm runs the products of a fully connected network on 28×28
// images with codes of 12 and of 128, of a convolutional one, and of a wide
// one. The name is M×K×N; T: A is transposed, as for a weight's gradient.
func BenchmarkGemm(b *testing.B) {
	for _, p := range []struct {
		m, k, n    int
		transposed bool
	}{
		{m: 64, k: 784, n: 128},
		{m: 64, k: 128, n: 64},
		{m: 64, k: 64, n: 12},
		{m: 64, k: 12, n: 64},
		{m: 64, k: 64, n: 128},
		{m: 64, k: 128, n: 784},
		{m: 784, k: 64, n: 128, transposed: true},
		{m: 8, k: 64, n: 128, transposed: true},
		{m: 12, k: 64, n: 64, transposed: true},
		{m: 64, k: 784, n: 512},
		{m: 64, k: 512, n: 256},
		{m: 64, k: 256, n: 128},
		{m: 784, k: 64, n: 512, transposed: true},
		{m: 7, k: 48, n: 32},
		{m: 4, k: 32, n: 48},
		{m: 256, k: 9, n: 16},
		{m: 144, k: 196, n: 32, transposed: true},
		{m: 64, k: 1568, n: 64},
		{m: 64, k: 64, n: 1568},
		{m: 1024, k: 4096, n: 4096},
		{m: 4096, k: 1024, n: 4096, transposed: true},
	} {
		flops := 2 * float64(p.m) * float64(p.n) * float64(p.k)
		name := fmt.Sprintf("%dx%dx%d", p.m, p.k, p.n)
		g := Product{M: p.m, N: p.n, K: p.k, RowA: p.k, ColA: 1, LdB: p.n, LdC: p.n}
		if p.transposed {
			name, g.RowA, g.ColA = name+"T", 1, p.m
		}
		r := rand.New(rand.NewPCG(1, 1))
		g.A, g.B, g.C = make([]float32, p.m*p.k), make([]float32, p.k*p.n), make([]float32, p.m*p.n)
		fill(g.A, normal32, r)
		fill(g.B, normal32, r)
		scratch := NewScratch()
		for _, s := range Sets() {
			if s.tiles == nil && flops > 1e9 {
				continue // seconds
			}
			b.Run(name+"/"+s.Name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.Gemm(&g, scratch)
				}
				b.ReportMetric(flops*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOPS")
			})
		}
	}
}

// BenchmarkGemmWalk runs the products of a 3×3 convolution of stride 2 with a
// padded image: from 14×14×16 to 7×7×32 and from 28×28×1 to 14×14×16.
func BenchmarkGemmWalk(b *testing.B) {
	for _, size := range []struct{ side, inputs, outputs int }{{14, 16, 32}, {28, 1, 16}} {
		image, small := make([]float32, (size.side+2)*(size.side+2)*size.inputs), make([]float32, size.side*size.side/4*size.outputs)
		weights := make([]float32, 9*size.inputs*size.outputs)
		out, line, place := size.side/2, (size.side+2)*size.inputs, 2*size.inputs
		for name, g := range map[string]Product{
			"forward": {
				M: out, N: size.outputs, K: 3 * size.inputs, A: image, RowA: place, ColA: 1,
				Groups: out, GroupA: 2 * line, GroupC: out * size.outputs, Runs: 3, RunA: line,
				B: weights, LdB: size.outputs, C: small, LdC: size.outputs,
			},
			"weights": {
				M: 3 * size.inputs, N: size.outputs, K: out, A: image, RowA: 1, ColA: place,
				Groups: 3, GroupA: line, GroupC: 3 * size.inputs * size.outputs, Runs: out, RunA: 2 * line,
				B: small, LdB: size.outputs, C: weights, LdC: size.outputs,
			},
			"back": {
				M: out, N: 3 * size.inputs, K: size.outputs, A: small, RowA: out * size.outputs, ColA: 1,
				Groups: out, GroupA: size.outputs, GroupC: place, B: weights, LdB: 9 * size.inputs,
				C: image, LdC: 2 * line, Accumulate: true,
			},
		} {
			flops := 2 * float64(g.Groups*g.M*g.N) * float64(max(1, g.Runs)*g.K)
			scratch := NewScratch()
			for _, s := range Sets() {
				b.Run(fmt.Sprintf("%dx%d/%s/%s", size.side, size.side, name, s.Name), func(b *testing.B) {
					for b.Loop() {
						s.Gemm(&g, scratch)
					}
					b.ReportMetric(flops*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOPS")
				})
			}
		}
	}
}

// BenchmarkElementwise runs the other kernels on operands that stay in the
// second-level cache; bytes are those of all operands. Denormal numbers are
// zero, as in training: moments decay into them.
func BenchmarkElementwise(b *testing.B) {
	const n = 64 * 784
	for _, c := range elementwiseCases() {
		if len(c.name) > 7 && c.name[len(c.name)-7:] == "InPlace" {
			continue
		}
		r := rand.New(rand.NewPCG(1, 1))
		var operands [][]float32
		for _, v := range c.operands {
			operands = append(operands, make([]float32, n))
			fill(operands[len(operands)-1], func(r *rand.Rand) float32 {
				x := v(r)
				if a := math.Abs(float64(x)); a < 1e-4 || a > 20 {
					x = 0.5 // denormal numbers cost an assist each
				}
				return x
			}, r)
		}
		for _, s := range Sets() {
			b.Run(c.name+"/"+s.Name, func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				defer FlushDenormals()()
				b.ReportAllocs()
				b.SetBytes(int64(4 * n * len(operands)))
				for b.Loop() {
					c.run(s, operands)
				}
			})
		}
	}
}

// BenchmarkMove runs the kernels that walk over matrices.
func BenchmarkMove(b *testing.B) {
	const rows, cols = 128, 784
	src, dst, image := make([]float32, rows*cols), make([]float32, rows*cols), make([]byte, rows*cols)
	for _, s := range Sets() {
		for name, f := range map[string]func(){
			"Transpose":   func() { s.Transpose(dst, rows, src, cols, rows, cols) },
			"ColumnSum":   func() { s.ColumnSum(dst, src, rows, cols, cols, false) },
			"DecodeBytes": func() { s.DecodeBytes(dst, image, 1./255, 0) },
		} {
			b.Run(name+"/"+s.Name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(4 * rows * cols)
				for b.Loop() {
					f()
				}
			})
		}
	}
}
