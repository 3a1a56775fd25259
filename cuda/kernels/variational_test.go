package kernels

import (
	"fmt"
	"math"
	"testing"

	"aegis/model/op"
)

// TestDivergence goes through the gradients of one mean and of a mean for each
// dimension, the means themselves, and what free bits make of them.
func TestDivergence(t *testing.T) {
	d := open(t, Variational)
	for _, e := range [][3]int{{1, 1, 1}, {3, 0, 5}, {5, 4, 7}, {40, 39, 20}, {330, 300, 3}} {
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			rows, n, z := e[0], e[1], e[2]
			mu, logvar, grads := random(1, n*z), random(2, n*z), random(3, z)
			batch := Batch{Rows: rows, Step: d.step(n, 0, rows, 0)}
			m, v := d.in(mu, rows*z, 1), d.in(logvar, rows*z, 0)
			scalar := d.in([]float32{0.7}, 1, 0)
			kl := op.Loss{Kind: op.KL, Sum: true}
			for name, g := range map[string]KLGrad{
				"logvar":           {Batch: batch, Width: z, LogVar: true, Factor: 0.5, Scalar: scalar.ptr, X: v.ptr},
				"mu by means":      {Batch: batch, Width: z, Factor: 1, Means: d.in(grads, z, 0).ptr, X: m.ptr},
				"log var by means": {Batch: batch, Width: z, LogVar: true, Factor: 1, Means: d.in(grads, z, 0).ptr, X: v.ptr},
			} {
				out, want := d.out(rows*z, 0), make([]float64, n*z)
				g.DX = out.ptr
				d.run(g.Launches())
				for i := range want {
					slope := float64(mu[i])
					if g.LogVar {
						slope = math.Expm1(float64(logvar[i])) / 2
					}
					if want[i] = slope / float64(n) * 0.5 * 0.7; g.Means != 0 {
						want[i] = slope / float64(n) * float64(grads[i%z])
					}
				}
				out.check(name, want)
			}
			means := d.out(z, 0)
			d.run(KLMeans{Batch: batch, Width: z, Mu: m.ptr, LogVar: v.ptr, Means: means.ptr}.Launches())
			if n == 0 {
				means.checkUntouched("a step without rows", 0)
				return
			}
			want := make([]float64, z)
			for i := range mu {
				value, _ := kl.At(float64(mu[i]), float64(logvar[i]))
				want[i%z] += value / float64(n)
			}
			means.check("means", want)
		})
	}
}

func TestFreeBits(t *testing.T) {
	d := open(t, Variational)
	x := []float32{0.1, 0.25, 0.5, 2, float32(math.NaN())}
	for n, count := range []int{4, 4, 5} { // none without rows; the last is no number
		at, value, grad := d.in(x[:count], count, 0), d.out(1, 0), d.out(count, 0)
		step := d.step(n, 0, 3, 0)
		f := FreeBits{Step: step, Width: count, Floor: 0.25, X: at.ptr, Value: value.ptr}
		d.run(f.Launches())
		f.Value, f.DX, f.Factor, f.Scalar = 0, grad.ptr, 3, d.in([]float32{0.5}, 1, 0).ptr
		d.run(f.Launches())
		switch n {
		case 0:
			value.checkUntouched("value", 0)
			grad.checkUntouched("gradient", 0)
		case 1:
			value.check("value", []float64{3})
			grad.check("gradient", []float64{0, 0, 1.5, 1.5})
		default:
			value.check("value", []float64{math.NaN()})
		}
	}
}

func TestGaussian(t *testing.T) {
	d := open(t, Variational)
	const square, s, values = 5.5, -0.75, 12
	e := math.Exp(-2 * s)
	for kind, want := range map[Likelihood]float64{
		LikelihoodValue:     e/2*square + values*(s+math.Log(2*math.Pi)/2),
		LikelihoodPrecision: e / 2,
		LikelihoodGradient:  (values - e*square) * 0.25 * 3,
	} {
		for _, n := range []int{0, 2} {
			out := d.out(1, 0)
			d.run(Gaussian{
				Step: d.step(n, 0, 2, 0), Kind: kind, Values: values, Factor: 0.25, Scalar: d.in([]float32{3}, 1, 0).ptr,
				Square: d.in([]float32{square}, 1, 0).ptr, LogSigma: d.in([]float32{s}, 1, 0).ptr, Out: out.ptr,
			}.Launches())
			if n == 0 {
				out.checkUntouched("a step without rows", 0)
				continue
			}
			out.check(fmt.Sprint("likelihood ", kind), []float64{want})
		}
	}
}

func TestConcat(t *testing.T) {
	d := open(t, Variational)
	for _, e := range [][4]int{{1, 1, 1, 1}, {3, 0, 2, 5}, {5, 4, 7, 3}, {40, 39, 20, 10}} {
		rows, n, na, nb := e[0], e[1], e[2], e[3]
		a, b := random(1, n*na), random(2, n*nb)
		batch := Batch{Rows: rows, Step: d.step(n, 0, rows, 0)}
		c, back := d.out(rows*(na+nb), 0), d.out(rows*nb, 0)
		d.run(Concat{Batch: batch, N: na, M: nb, A: d.in(a, rows*na, 1).ptr, B: d.in(b, rows*nb, 0).ptr, C: c.ptr}.Launches())
		var want []float32
		for i := range n {
			want = append(append(want, a[i*na:][:na]...), b[i*nb:][:nb]...)
		}
		c.checkBits("concat", want)
		d.run(Columns{Batch: batch, Width: na + nb, First: na, Count: nb, X: c.ptr, Y: back.ptr}.Launches())
		back.checkBits("columns", b)
	}
	if _, err := (Columns{Batch: Batch{Rows: 1, Step: 1}, Width: 3, First: 2, Count: 2, X: 1, Y: 1}).Launches(); err == nil {
		t.Error("columns beyond the last")
	}
}
