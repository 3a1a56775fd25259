package kernels

import (
	"fmt"
	"testing"

	"aegis/model/op"
)

func window(sh, sw, ph, pw int) op.Window {
	return op.Window{Stride: [2]int{sh, sw}, Padding: [2]int{ph, pw}}
}

type convCase struct {
	name  string
	b, n  int
	w     Windows
	shift int
}

func convCases() []convCase {
	return []convCase{
		{name: "3×3 stride 2", b: 3, n: 3, w: Windows{C: 1, H: 28, W: 28, O: 16, OH: 14, OW: 14, KH: 3, KW: 3, Window: window(2, 2, 1, 1)}},
		{name: "channels", b: 4, n: 3, w: Windows{C: 33, H: 6, W: 5, O: 34, OH: 6, OW: 5, KH: 3, KW: 3, Window: window(1, 1, 1, 1)}},
		{name: "uneven", b: 2, n: 1, w: Windows{C: 3, H: 11, W: 8, O: 5, OH: 4, OW: 4, KH: 4, KW: 2, Window: window(3, 2, 1, 0)}, shift: 1},
		{name: "two strides", b: 2, n: 2, w: Windows{C: 2, H: 9, W: 10, O: 3, OH: 5, OW: 4, KH: 3, KW: 7, Window: window(2, 3, 1, 3)}},
		{name: "stride above kernel", b: 2, n: 2, w: Windows{C: 9, H: 10, W: 9, O: 10, OH: 4, OW: 3, KH: 1, KW: 2, Window: window(3, 4, 0, 1)}},
		{name: "output padding", b: 3, n: 2, w: Windows{C: 2, H: 8, W: 6, O: 12, OH: 4, OW: 3, KH: 3, KW: 3, Window: window(2, 2, 1, 1)}, shift: 2},
		{name: "large padding", b: 1, n: 1, w: Windows{C: 4, H: 3, W: 3, O: 9, OH: 7, OW: 7, KH: 5, KW: 5, Window: window(1, 1, 4, 4)}},
		{name: "one window", b: 5, n: 4, w: Windows{C: 3, H: 7, W: 5, O: 11, OH: 1, OW: 1, KH: 7, KW: 5, Window: window(1, 1, 0, 0)}},
		{name: "one window inside", b: 5, n: 5, w: Windows{C: 2, H: 4, W: 4, O: 3, OH: 1, OW: 1, KH: 3, KW: 3, Window: window(2, 2, 0, 0)}},
		{name: "1×1", b: 3, n: 2, w: Windows{C: 5, H: 4, W: 3, O: 40, OH: 4, OW: 3, KH: 1, KW: 1, Window: window(1, 1, 0, 0)}},
		{name: "large tiles", b: 95, n: 1, w: Windows{C: 70, H: 8, W: 8, O: 65, OH: 8, OW: 8, KH: 1, KW: 3, Window: window(1, 1, 0, 1)}},
		{name: "nothing", b: 2, n: 0, w: Windows{C: 2, H: 4, W: 4, O: 2, OH: 2, OW: 2, KH: 2, KW: 2, Window: window(2, 2, 0, 0)}},
	}
}

func (w Windows) imageSize() int   { return w.C * w.H * w.W }
func (w Windows) windowsSize() int { return w.O * w.OH * w.OW }
func (w Windows) weightsSize() int { return w.O * w.C * w.KH * w.KW }

// each visits the index of an image's value, of the windows' and of the weight
// that join them, for n rows.
func (w Windows) each(n int, visit func(image, windows, weight int)) {
	for b := range n {
		for o := range w.O {
			for i := range w.OH {
				for j := range w.OW {
					for c := range w.C {
						for u := range w.KH {
							y := i*w.Window.Stride[0] + u - w.Window.Padding[0]
							for v := range w.KW {
								x := j*w.Window.Stride[1] + v - w.Window.Padding[1]
								if y >= 0 && y < w.H && x >= 0 && x < w.W {
									visit(((b*w.C+c)*w.H+y)*w.W+x, ((b*w.O+o)*w.OH+i)*w.OW+j, ((o*w.C+c)*w.KH+u)*w.KW+v)
								}
							}
						}
					}
				}
			}
		}
	}
}

// convolution runs one direction, with bias and activation or with a slope,
// and compares.
func (d *device) convolution(c convCase, transposed, slope bool, act op.Activation) {
	d.Helper()
	from, to, channels := c.w.imageSize(), c.w.windowsSize(), c.w.O
	if transposed {
		from, to, channels = to, from, c.w.C
	}
	x, w, bias, y := random(1, c.n*from), random(2, c.w.weightsSize()), random(3, channels), random(4, c.n*to)
	out := d.out(c.b*to, c.shift)
	l := Convolution{
		Batch: Batch{Rows: c.b, Step: d.step(c.n, 0, c.b, 0)}, Windows: c.w,
		X: d.in(x, c.b*from, c.shift).ptr, Weights: d.in(w, len(w), c.shift).ptr, Out: out.ptr,
	}
	if slope {
		l.Y, l.Slope = d.in(y, c.b*to, 0).ptr, act
	} else {
		l.Bias, l.Activation = d.in(bias, channels, 0).ptr, act
	}
	want := make([]float64, c.n*to)
	if transposed {
		d.run(ConvTranspose2d(l).Launches())
		c.w.each(c.n, func(image, windows, weight int) { want[image] += float64(x[windows]) * float64(w[weight]) })
	} else {
		d.run(Conv2d(l).Launches())
		c.w.each(c.n, func(image, windows, weight int) { want[windows] += float64(x[image]) * float64(w[weight]) })
	}
	for i := range want {
		if slope {
			want[i] *= act.Slope(float64(y[i]))
		} else {
			want[i] = act.Value(want[i] + float64(bias[i/(to/channels)%channels]))
		}
	}
	out.check("result", want)
}

func TestConvolutions(t *testing.T) {
	d := open(t, Gemm, Conv)
	for k, c := range convCases() {
		for _, transposed := range []bool{false, true} {
			for _, slope := range []bool{false, true} {
				if slope && c.b > 50 {
					continue // slow, and nothing new
				}
				t.Run(fmt.Sprint(c.name, " ", transposed, " ", slope), func(t *testing.T) {
					d.TB = t
					defer d.free()
					act := activations()[k%7]
					if slope {
						act = activations()[1+k%6]
					}
					d.convolution(c, transposed, slope, act)
				})
			}
		}
	}
}

func TestConvDW(t *testing.T) {
	d := open(t, Gemm, Conv, Optim, Reduce)
	cases := append(convCases(), convCase{
		name: "one window, split", b: 1100, n: 1090, w: Windows{C: 2, H: 2, W: 2, O: 3, OH: 1, OW: 1, KH: 2, KW: 2, Window: window(1, 1, 0, 0)},
	})
	for k, c := range cases {
		for _, transposed := range []bool{false, true} {
			for _, update := range []bool{false, true} {
				t.Run(fmt.Sprint(c.name, " ", transposed, " ", update), func(t *testing.T) {
					d.TB = t
					defer d.free()
					d.convDW(c, transposed, update, k)
				})
			}
		}
	}
}

func (d *device) convDW(c convCase, transposed, update bool, k int) {
	d.Helper()
	channels, dzSize := c.w.O, c.w.windowsSize()
	small, large := random(1, c.n*c.w.windowsSize()), random(2, c.n*c.w.imageSize())
	dz := small
	if transposed {
		channels, dzSize, dz = c.w.C, c.w.imageSize(), large
	}
	l := ConvDW{
		Batch: Batch{Rows: c.b, Step: d.step(c.n, 1, c.b, 0)}, Windows: c.w, Transposed: transposed,
		Small: d.in(small, c.b*c.w.windowsSize(), c.shift).ptr, Large: d.in(large, c.b*c.w.imageSize(), c.shift).ptr,
	}
	if n := l.ScratchFloats(); n > 0 {
		l.Scratch = d.in(nil, n, 0).ptr
	}
	dw, db := make([]float64, c.w.weightsSize()), make([]float64, channels)
	c.w.each(c.n, func(image, windows, weight int) { dw[weight] += float64(large[image]) * float64(small[windows]) })
	for i, v := range dz {
		db[i/(dzSize/channels)%channels] += float64(v)
	}
	if !update {
		w, b := d.out(len(dw), 0), d.out(channels, 0)
		l.Weights, l.Bias = Target{Grad: w.ptr}, Target{Grad: b.ptr}
		d.run(l.Launches())
		if c.n == 0 {
			dw, db = nil, nil
		}
		w.check("dw", dw)
		b.check("db", db)
		return
	}
	s := optimizers()[k%3]
	o, scalars := d.scalars(s, 1, 9)
	w, b := d.param(s, 30, len(dw)), d.param(s, 40, channels)
	l.Weights, l.Bias, l.Optimizer = w.target, b.target, &o
	d.run(l.Launches())
	if c.n == 0 {
		w.check(s, nil, nil)
		b.check(s, nil, nil)
		return
	}
	w.check(s, narrow(dw), scalars)
	b.check(s, narrow(db), scalars)
}
