package kernels

import (
	"fmt"
	"math"
	"testing"

	"aegis/cuda/driver"
	"aegis/model/op"
)

// Moments, norm and its gradients on rows of which some are padding.
func TestBatchNorm(t *testing.T) {
	d := open(t, BatchNorms)
	const epsilon = 1e-3
	tanh := op.Activation{Kind: op.Tanh}
	for _, e := range [][4]int{{3, 0, 2, 4}, {1, 1, 1, 1}, {5, 4, 3, 1}, {9, 7, 2, 35}, {40, 39, 3, 10}} { // rows, real rows, channels, positions
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			batch, n, channels, area := e[0], e[1], e[2], e[3]
			width := channels * area
			at := Channels{Batch: Batch{Rows: batch, Step: d.step(n, 0, batch, 0)}, Channels: channels, Area: area}
			x, dy, gamma, beta := random(1, n*width), random(2, n*width), random(3, channels), random(4, channels)
			xs, dys := d.in(x, batch*width, 1), d.in(dy, batch*width, 0)
			m, y, dx := d.out(3*channels, 0), d.out(batch*width, 1), d.out(batch*width, 0)
			dGamma, dBeta := d.out(channels, 1), d.out(channels, 0)
			gammas, betas := d.in(gamma, channels, 0).ptr, d.in(beta, channels, 1).ptr
			d.run(Moments{Channels: at, X: xs.ptr, M: m.ptr}.Launches())
			if n == 0 {
				m.checkUntouched("a step without rows", 0)
				return
			}
			d.run(BatchNorm{
				Channels: at, X: xs.ptr, Mean: m.ptr, Variance: m.ptr + driver.DevicePtr(4*channels), Gamma: gammas, Beta: betas, Y: y.ptr,
				Epsilon: epsilon, Activation: tanh,
			}.Launches())
			d.run(BatchNormSums{Channels: at, DY: dys.ptr, X: xs.ptr, M: m.ptr, DGamma: dGamma.ptr, DBeta: dBeta.ptr, Epsilon: epsilon}.Launches())
			d.run(BatchNormDX{
				Channels: at, DY: dys.ptr, X: xs.ptr, M: m.ptr, Gamma: gammas, DGamma: dGamma.ptr, DBeta: dBeta.ptr, DX: dx.ptr, Epsilon: epsilon,
			}.Launches())

			count := float64(n * area)
			moments, sums, by := make([]float64, 3*channels), make([]float64, channels), make([]float64, channels)
			each := func(visit func(i, c int)) {
				for i := range x {
					visit(i, i/area%channels)
				}
			}
			each(func(i, c int) { moments[c] += float64(x[i]) / count })
			each(func(i, c int) {
				square := math.Pow(float64(x[i])-moments[c], 2)
				moments[channels+c] += square / count
				moments[2*channels+c] += square / max(count-1, 1)
			})
			normal := func(i, c int) float64 {
				return (float64(x[i]) - moments[c]) / math.Sqrt(moments[channels+c]+epsilon)
			}
			each(func(i, c int) {
				sums[c] += float64(dy[i]) * normal(i, c)
				by[c] += float64(dy[i])
			})
			want, back := make([]float64, n*width), make([]float64, n*width)
			each(func(i, c int) {
				want[i] = math.Tanh(float64(gamma[c])*normal(i, c) + float64(beta[c]))
				back[i] = float64(gamma[c]) / math.Sqrt(moments[channels+c]+epsilon) * (float64(dy[i]) - by[c]/count - normal(i, c)*sums[c]/count)
			})
			m.check("moments", moments)
			y.check("norm", want)
			dGamma.check("gradient of gamma", sums)
			dBeta.check("gradient of beta", by)
			dx.check("gradient of x", back)
			y.checkUntouched("norm of padding", n*width)
		})
	}
}
