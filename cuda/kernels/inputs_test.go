package kernels

import (
	"fmt"
	"testing"

	"aegis/cuda/driver"
	"aegis/data/philox"
)

func TestFetch(t *testing.T) {
	d := open(t, Inputs)
	for _, n := range []int{0, 3} {
		y := d.out(1, 0)
		l := Fetch{Step: d.step(n, 2, 3, 0), Scalars: d.in([]float32{1, 2, 3, 4, 1.5}, 5, 0).ptr, Stride: 2, Y: y.ptr}
		d.run(l.Launches())
		if n == 0 {
			y.checkUntouched("a step without rows", 0)
			continue
		}
		y.checkBits("scalar", []float32{1.5})
	}
}

func TestOneHot(t *testing.T) {
	d := open(t, Inputs)
	const index = 1
	for _, e := range extents()[:5] {
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			classes, want := make([]int32, e[1]), make([]float32, e[1]*e[2])
			for i := range classes {
				if classes[i] = int32(i*7%(e[2]+1)) - 1; classes[i] >= 0 {
					want[i*e[2]+int(classes[i])] = 1
				}
			}
			at, y := d.in(nil, 2*e[0], 0), d.out(e[0]*e[2], 1)
			upload(d, at.ptr+driver.DevicePtr(4*index*e[0]), classes)
			d.run(OneHot{Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], 0)}, Width: e[2], Classes: at.ptr, Y: y.ptr}.Launches())
			y.checkBits("labels", want)
		})
	}
}

// TestNoise wants the bits of package philox. On a GPU they are the same too:
// every operation is one that IEEE 754 rounds.
func TestNoise(t *testing.T) {
	d := open(t, Inputs)
	const index, number, first, chance = 1, 77, 1000, 0.3
	s := philox.Stream{Seed: 0x123456789abcdef0, Purpose: philox.For("noise")}
	draw := func(kind NoiseKind, dst []float32, step, row uint32) {
		switch kind {
		case Uniform:
			s.Uniforms(dst, step, row)
		case Bernoulli:
			s.Bernoullis(dst, step, row, chance)
		case Normal:
			s.Normals(dst, step, row)
		}
	}
	for _, e := range [][3]int{{1, 1, 1}, {3, 0, 5}, {7, 6, 64}, {40, 39, 33}} {
		for kind := range Normal + 1 {
			for _, from := range []string{"places", "rows", "values"} {
				t.Run(fmt.Sprint(e, kind, " from ", from), func(t *testing.T) {
					d.TB = t
					defer d.free()
					y := d.out(e[0]*e[2], 0)
					l := Noise{
						Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], number)}, Width: e[2],
						Kind: kind, P: chance, Stream: s, ByRow: from != "places", Y: y.ptr,
					}
					step, row := uint32(0), func(i int) int { return first + i }
					switch from {
					case "places":
						step, row = number, func(i int) int { return i }
					case "values":
						l.First = first
					case "rows":
						row = func(i int) int { return 50000 - 3*i }
						list := make([]int32, e[1])
						for i := range list {
							list[i] = int32(row(i))
						}
						rows := d.in(nil, 2*e[0], 0)
						upload(d, rows.ptr+driver.DevicePtr(4*index*e[0]), list)
						l.Numbers = rows.ptr
					}
					d.run(l.Launches())
					want := make([]float32, e[1]*e[2])
					for i := range e[1] {
						draw(kind, want[i*e[2]:][:e[2]], step, uint32(row(i)))
					}
					y.checkBits("y", want)
				})
			}
		}
	}
}

// TestDrop multiplies by the noise that TestNoise holds to package philox.
func TestDrop(t *testing.T) {
	d := open(t, Inputs)
	const index, number, chance, factor = 1, 77, 0.75, 1.5
	s := philox.Stream{Seed: 5, Purpose: philox.For("noise")}
	for _, e := range [][3]int{{1, 1, 1}, {3, 0, 5}, {7, 6, 64}, {40, 39, 33}} {
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			values := make([]float32, e[0]*e[2])
			for i := range values {
				values[i] = float32(i%13 - 6)
			}
			y := d.out(e[0]*e[2], 0)
			l := Drop{Noise: Noise{
				Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], number)}, Width: e[2], Kind: Bernoulli, P: chance, Stream: s, Y: y.ptr,
			}, X: d.in(values, len(values), 0).ptr, Factor: factor}
			d.run(l.Launches())
			want := make([]float32, e[1]*e[2])
			for i := range e[1] {
				s.Bernoullis(want[i*e[2]:][:e[2]], number, uint32(i), chance)
			}
			for i := range want {
				want[i] = values[i] * (want[i] * factor)
			}
			y.checkBits("y", want)
		})
	}
}
