package kernels

import (
	"fmt"
	"math"
	"testing"

	"aegis/model/op"
)

func TestRegular(t *testing.T) {
	d := open(t, Regular)
	for _, e := range [][4]int{{3, 0, 2, 4}, {1, 1, 1, 1}, {5, 4, 3, 1}, {9, 7, 2, 35}, {40, 39, 3, 10}} { // rows, real rows, channels, positions
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			batch, n, channels, area := e[0], e[1], e[2], e[3]
			width := channels * area
			at := Batch{Rows: batch, Step: d.step(n, 0, batch, 0)}
			x, dy := random(1, n*width), random(2, n*width)
			for i := range x {
				x[i] = float32(math.Round(float64(8*x[i]))) / 8 // ties
			}
			xs, dys := d.in(x, batch*width, 1).ptr, d.in(dy, batch*width, 0).ptr
			y, dx, kept, through := d.out(batch*width, 0), d.out(batch*width, 1), d.out(batch*width, 0), d.out(batch*width, 0)
			k := max(1, width/3)
			d.run(Clamp{Batch: at, Width: width, Lo: -0.5, Hi: 0.25, X: xs, Y: y.ptr}.Launches())
			d.run(Clamp{Batch: at, Width: width, Lo: -0.5, Hi: 0.25, DY: dys, X: xs, Y: dx.ptr}.Launches())
			d.run(TopK{Batch: at, Width: width, K: k, From: xs, X: xs, Y: kept.ptr}.Launches())
			d.run(TopK{Batch: at, Width: width, K: k, From: dys, X: xs, Y: through.ptr}.Launches())

			means, weights := random(3, width), random(4, width)
			for i := range means {
				means[i] = (means[i] + 1) / 2
			}
			means[0], weights[0] = 0, 0
			ms, spread, value, dm, decayed := d.in(means, width, 0).ptr, d.out(batch*width, 0), d.out(1, 0), d.out(width, 0), d.out(width, 1)
			d.run(ChannelMeanGrad{Channels: Channels{at, channels, area}, G: ms, DX: spread.ptr}.Launches())
			d.run(RateKL{Step: at.Step, Width: width, Rate: 0.125, Means: ms, Value: value.ptr}.Launches())
			scalar := d.in([]float32{0.5}, 1, 0).ptr
			d.run(RateKLGrad{Step: at.Step, Width: width, Rate: 0.125, Factor: 0.25, Scalar: scalar, Means: ms, DM: dm.ptr}.Launches())
			d.run(Decay{Step: at.Step, Width: width, L1: 0.25, L2: 0.5, G: ms, W: d.in(weights, width, 1).ptr, Out: decayed.ptr}.Launches())
			if n == 0 {
				for _, b := range []*buffer{y, dx, kept, through, spread, value, dm, decayed} {
					b.checkUntouched("a step without rows", 0)
				}
				return
			}

			wantY, wantDX := make([]float64, len(x)), make([]float64, len(x))
			wantKept, wantThrough, wantSpread := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
			for i, v := range x {
				wantY[i] = min(max(float64(v), -0.5), 0.25)
				if v >= -0.5 && v <= 0.25 {
					wantDX[i] = float64(dy[i])
				}
				wantSpread[i] = float64(means[i/area%channels]) / float64(n*area)
			}
			for from := 0; from < len(x); from += width {
				op.Largest(x[from:from+width], k, make([]float32, width), func(i int) {
					wantKept[from+i], wantThrough[from+i] = float64(x[from+i]), float64(dy[from+i])
				})
			}
			y.check("clamp", wantY)
			dx.check("gradient of clamp", wantDX)
			kept.check("largest", wantKept)
			through.check("gradient of the largest", wantThrough)
			spread.check("gradient of a mean", wantSpread)
			sum, slopes, decays := 0.0, make([]float64, width), make([]float64, width)
			for i, m := range means {
				v, slope := op.RateKLDef{Rate: 0.125}.At(float64(m))
				sum += v
				slopes[i] = slope * 0.125
				w := float64(weights[i])
				decays[i] = float64(m) + w
				if w != 0 {
					decays[i] += math.Copysign(0.25, w)
				}
			}
			value.check("divergence", []float64{sum})
			dm.check("gradient of the divergence", slopes)
			decayed.check("decay", decays)
		})
	}
}
