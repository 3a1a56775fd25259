package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aegis/cuda/driver"
	"aegis/data"
	"aegis/model/op"
)

// extents are batches: rows, real rows, values in a row.
func extents() [][3]int {
	return [][3]int{{1, 1, 1}, {3, 0, 5}, {5, 4, 7}, {7, 7, 64}, {40, 39, 33}, {330, 300, 1000}}
}

// special puts values at the edges of activations in front.
func special(v []float32) []float32 {
	edges := []float32{0, float32(math.Copysign(0, -1)), 20, -20, 100, -100, float32(math.NaN()), float32(math.Inf(1)), 1e-8, -1e-8}
	copy(v, edges)
	return v
}

func TestActivate(t *testing.T) {
	d := open(t, Elementwise)
	for _, e := range extents()[:5] {
		for _, a := range activations() {
			t.Run(fmt.Sprint(e, a), func(t *testing.T) {
				d.TB = t
				defer d.free()
				z := special(spread(random(1, e[1]*e[2]), 4))
				y := d.out(e[0]*e[2], 0)
				batch := Batch{Rows: e[0], Step: d.step(e[1], 0, e[0], 0)}
				d.run(Activate{Batch: batch, Width: e[2], Z: d.in(z, e[0]*e[2], 1).ptr, Y: y.ptr, Activation: a}.Launches())
				want := make([]float64, len(z))
				for i, v := range z {
					want[i] = a.Value(float64(v))
				}
				y.check("y", want)

				g, from := random(2, len(z)), random(3, len(z))
				copy(from, []float32{0, float32(math.Copysign(0, -1))})
				if a.FromInput() {
					from = z
				}
				dz := d.out(e[0]*e[2], 3)
				d.run(Slope{Batch: batch, Width: e[2], G: d.in(g, e[0]*e[2], 0).ptr, Y: d.in(from, e[0]*e[2], 0).ptr, DZ: dz.ptr, Activation: a}.Launches())
				for i, v := range from {
					want[i] = float64(g[i]) * a.Slope(float64(v))
					if a.Kind == op.GELU && math.IsInf(float64(v), 1) {
						want[i] = float64(g[i])
					}
				}
				dz.check("dz", want)
			})
		}
	}
}

// TestNaN wants a NaN to come through every function and product.
func TestNaN(t *testing.T) {
	d := open(t, Elementwise, Gemm)
	nan := float32(math.NaN())
	for _, a := range activations() {
		t.Run(a.String(), func(t *testing.T) {
			d.TB = t
			defer d.free()
			batch := Batch{Rows: 1, Step: d.step(1, 0, 1, 0)}
			y := d.out(4, 0)
			l := Linear{
				Batch: batch, In: 1, Out: 4, X: d.in([]float32{1}, 1, 0).ptr, W: d.in([]float32{nan, 1, 2, 3}, 4, 0).ptr,
				B: d.in(make([]float32, 4), 4, 0).ptr, Y: y.ptr, Activation: a,
			}
			d.run(l.Launches())
			y.check("linear", []float64{math.NaN(), a.Value(1), a.Value(2), a.Value(3)})
			z := d.out(1, 0)
			d.run(Activate{Batch: batch, Width: 1, Z: y.ptr, Y: z.ptr, Activation: a}.Launches())
			z.check("activate", []float64{math.NaN()})
			dz := d.out(1, 0)
			d.run(Slope{Batch: batch, Width: 1, G: y.ptr, Y: d.in([]float32{1}, 1, 0).ptr, DZ: dz.ptr, Activation: a}.Launches())
			dz.check("slope", []float64{math.NaN()})
		})
	}
}

// TestWholeInStep goes through all values in a step with rows, however few,
// and reads and writes none in a step without.
func TestWholeInStep(t *testing.T) {
	d := open(t, Elementwise)
	const rows, values = 5, 33
	for name, launches := range map[string]func(b Batch, x, y driver.DevicePtr) ([]Launch, error){
		"add": func(b Batch, x, y driver.DevicePtr) ([]Launch, error) {
			return Add{Batch: b, Width: values, Whole: true, A: x, B: x, C: y}.Launches()
		},
		"scale": func(b Batch, x, y driver.DevicePtr) ([]Launch, error) {
			return Scale{Batch: b, Width: values, Whole: true, Factor: 2, X: x, Y: y}.Launches()
		},
		"copy": func(b Batch, x, y driver.DevicePtr) ([]Launch, error) {
			return Copy{Batch: b, Width: values, Whole: true, X: x, Y: y}.Launches()
		},
		"lerp": func(b Batch, x, y driver.DevicePtr) ([]Launch, error) {
			return Lerp{Step: b.Step, Width: values, Factor: 0.5, A: x, B: x, C: y}.Launches()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d.TB = t
			defer d.free()
			x := random(1, values)
			want, at, y := make([]float64, values), d.in(x, values, 0), d.out(values, 0)
			for i, v := range x {
				switch name {
				case "copy", "lerp":
					want[i] = float64(v)
				default:
					want[i] = 2 * float64(v)
				}
			}
			d.run(launches(Batch{Rows: rows, Step: d.step(2, 0, rows, 0)}, at.ptr, y.ptr))
			y.check(name, want)
			unwritten, y := d.in(nil, values, 0), d.out(values, 0) // the simulator finds whoever reads it
			d.run(launches(Batch{Rows: rows, Step: d.step(0, 0, rows, 0)}, unwritten.ptr, y.ptr))
			y.checkUntouched(name+" in a step without rows", 0)
		})
	}
}

// TestPlainArithmetic goes through rows, and through whole tensors.
func TestPlainArithmetic(t *testing.T) {
	d := open(t, Elementwise)
	for _, e := range extents() {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprint(e, whole), func(t *testing.T) {
				d.TB = t
				defer d.free()
				d.plainArithmetic(e, whole)
			})
		}
	}
}

func (d *device) plainArithmetic(e [3]int, whole bool) {
	d.Helper()
	n := e[1] * e[2]
	batch, width, total := Batch{Rows: e[0], Step: d.step(e[1], 0, e[0], 0)}, e[2], e[0]*e[2]
	if whole {
		batch, width, n = Batch{Step: d.step(1, 0, e[0], 0)}, total, total
	}
	a, b := random(1, n), random(2, n)
	at, bt := d.in(a, total, 1), d.in(b, total, 0)
	of := func(f func(a, b float32) float32) []float32 {
		c := make([]float32, n)
		for i := range c {
			c[i] = f(a[i], b[i])
		}
		return c
	}
	scalar, y := d.in([]float32{0.7}, 1, 0), d.out(total, 0)
	again := func(name string, want []float32) {
		y.checkBits(name, want)
		y.fill(y.ptr, total)
	}
	d.run(Add{Batch: batch, Width: width, Whole: whole, A: at.ptr, B: bt.ptr, C: y.ptr}.Launches())
	again("add", of(func(a, b float32) float32 { return a + b }))
	d.run(Scale{Batch: batch, Width: width, Whole: whole, Factor: -0.3, X: at.ptr, Y: y.ptr}.Launches())
	again("scale", of(func(a, _ float32) float32 { return -0.3 * a }))
	d.run(Scale{Batch: batch, Width: width, Whole: whole, Factor: -0.3, Scalar: scalar.ptr, X: at.ptr, Y: y.ptr}.Launches())
	factor := float32(-0.3) * scalar.read()[0]
	again("scale by a scalar", of(func(a, _ float32) float32 { return factor * a }))
	copied := d.out(total, 2)
	d.run(Copy{Batch: batch, Width: width, Whole: whole, X: at.ptr, Y: copied.ptr}.Launches())
	copied.checkBits("copy", a)
	if !whole {
		d.run(Mul{Batch: batch, Width: width, A: at.ptr, B: bt.ptr, C: y.ptr}.Launches())
		y.checkBits("mul", of(func(a, b float32) float32 { return a * b }))
		return
	}
	toward := of(func(a, b float32) float32 { return a + float32(0.75*(b-a)) })
	d.run(Lerp{Step: batch.Step, Width: total, Factor: 0.75, A: at.ptr, B: bt.ptr, C: y.ptr}.Launches())
	y.checkBits("lerp", toward)
	part := float32(0.75) * scalar.read()[0]
	d.run(Lerp{Step: batch.Step, Width: total, Factor: 0.75, Scalar: scalar.ptr, A: at.ptr, B: bt.ptr, C: y.ptr}.Launches())
	y.checkBits("lerp by a scalar", of(func(a, b float32) float32 { return a + float32(part*(b-a)) }))
	d.run(Lerp{Step: batch.Step, Width: total, Factor: 0.75, A: at.ptr, B: bt.ptr, C: bt.ptr}.Launches())
	bt.checkBits("a tensor that follows", toward)
}

func losses() []op.Loss {
	return []op.Loss{{Kind: op.MSE}, {Kind: op.MAE}, {Kind: op.Huber, Delta: 0.3}, {Kind: op.BCE}, {Kind: op.BCELogits}, {Kind: op.MSE, Sum: true}, {Kind: op.Gaussian, Delta: 0.6, Sum: true}, {Kind: op.KL, Sum: true}}
}

func TestLoss(t *testing.T) {
	d := open(t, Elementwise)
	for k, e := range extents() {
		for _, l := range losses() {
			t.Run(fmt.Sprint(e, l), func(t *testing.T) {
				d.TB = t
				defer d.free()
				d.loss(e, l, activations()[k%6])
			})
		}
	}
}

func (d *device) loss(e [3]int, l op.Loss, act op.Activation) {
	d.Helper()
	const index, stride, factor = 2, 3, 0.25
	n, total := e[1]*e[2], e[0]*e[2]
	pred, target, y := random(1, n), random(2, n), random(3, n)
	for i := range pred {
		target[i] = target[i]/2 + 0.5
		if l.Kind == op.BCE {
			pred[i] = pred[i]*0.49 + 0.5
		}
	}
	if n > 1 && l.Kind != op.BCELogits {
		pred[0], target[0] = 1, 1
		pred[1] = target[1]
	}
	values, grad := d.out(stride*(index+1), 0), d.out(total, 0)
	counter := d.buffer(1, 0)
	upload(d, counter.ptr, []uint32{0})
	x := Loss{
		Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], 0)}, Width: e[2], Loss: l,
		Pred: d.in(pred, total, 0).ptr, Target: d.in(target, total, 1).ptr, Value: values.ptr + 4, Stride: stride,
		Grad: grad.ptr, Factor: factor, Slope: act, Counter: counter.ptr,
	}
	down := factor
	if l.Sum {
		x.Scalar = d.in([]float32{1.5}, 1, 0).ptr
		down *= 1.5
	}
	if act != op.None {
		x.Y = d.in(y, total, 0).ptr
	}
	x.Scratch = d.in(nil, x.ScratchFloats(), 0).ptr
	d.run(x.Launches())
	first := values.read()
	x.Grad, x.Slope, x.Y, x.Scalar = 0, op.None, 0, 0
	d.run(x.Launches()) // the counter is back at 0
	sum, want, count := 0.0, make([]float64, n), float64(e[1]*l.Width(e[2]))
	for i := range want {
		v, s := l.At(float64(pred[i]), float64(target[i]))
		sum += v
		want[i] = s / count * down * act.Slope(float64(y[i]))
	}
	grad.check("gradient", want)
	got := values.read()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(first[i]) {
			d.Fatalf("loss %v with the gradient, %v without", first[i], v)
		}
		if i != stride*index+1 || n == 0 {
			if math.Float32bits(v) != untouched {
				d.Fatalf("value %d = %v was written", i, v)
			}
			continue
		}
		if w := sum / count; !(math.Abs(float64(v)-w) <= tolerance*(1e-3+math.Abs(w))) {
			d.Fatalf("loss %v, want %v", v, w)
		}
	}
}

func TestCollect(t *testing.T) {
	d := open(t, Elementwise)
	for _, n := range []int{0, 3} {
		losses := d.out(6, 0)
		d.run(Collect{Step: d.step(n, 2, 3, 0), X: d.in([]float32{1.5}, 1, 0).ptr, Losses: losses.ptr, Stride: 2}.Launches())
		if got := losses.read()[4]; n > 0 && got != 1.5 {
			t.Errorf("loss %v, want 1.5", got)
		}
		losses.checkUntouched("losses", 5)
		if n == 0 {
			losses.checkUntouched("losses", 0)
		}
	}
}

// TestUpdate holds every algorithm to package optim, bit for bit, under
// gradients of every size; a NaN reaches its parameter.
func TestUpdate(t *testing.T) {
	d := open(t, Optim)
	for _, s := range allOptimizers() {
		for _, c := range []struct{ rows, count int }{{5, 1}, {1, 31}, {64, 1000}, {0, 40}} {
			t.Run(fmt.Sprint(described(s), c), func(t *testing.T) {
				d.TB = t
				defer d.free()
				o, scalars := d.scalars(s, 3, 7)
				p, g := d.param(s, 5, c.count), random(9, c.count)
				for i := range g {
					g[i] *= []float32{1, 0, 1e-4, 1e-15, 1e4, 1e15}[i%6]
				}
				if c.count > 1 {
					g[c.count/2] = float32(math.NaN())
				}
				target := p.target
				target.Grad = d.in(g, c.count, 0).ptr
				d.run(Update{Step: d.step(c.rows, 3, 64, 0), Count: c.count, Target: target, Optimizer: o}.Launches())
				if c.rows > 0 {
					s.Update(p.w, g, p.slots, scalars)
					if v := p.w[c.count/2]; c.count > 1 && v == v {
						t.Errorf("%v after a NaN gradient", v)
					}
				}
				for i, want := range append([][]float32{p.w}, p.slots...) {
					p.device[i].checkBits(fmt.Sprint("array ", i), want)
				}
			})
		}
	}
}

func TestAdvance(t *testing.T) {
	d := open(t, Gather)
	run := d.buffer(4, 0)
	block := RunBlock(3, 29, 8, 1000)
	upload(d, run.ptr, block[:])
	steps := d.out(4*3, 0)
	for _, want := range [][]uint32{
		{5, 3, 8, 1003, 0, 4, 8, 1004, 0, 5, 8, 1005}, {0, 6, 8, 1006, 0, 7, 8, 1007, 0, 8, 8, 1008},
	} {
		d.run(Advance{Run: run.ptr, Blocks: steps.ptr, Count: 3}.Launches())
		for i, v := range steps.read() {
			if math.Float32bits(v) != want[i] {
				t.Errorf("word %d = %d, want %d", i, math.Float32bits(v), want[i])
			}
		}
	}
}

func TestLoad(t *testing.T) {
	d := open(t, Gather)
	const images, index = 20, 2
	for _, e := range [][3]int{{1, 1, 1}, {4, 0, 3}, {7, 6, 13}, {5, 5, 784}, {3, 2, 1027}, {9, 9, 1100}} {
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			set := make([]byte, images*e[2])
			for i := range set {
				set[i] = byte(i*7 + i/256)
			}
			at, err := d.Alloc(int64(len(set)))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := d.Free(at); err != nil {
					t.Error(err)
				}
			}()
			upload(d, at, set)
			numbers := make([]int32, e[1])
			for i := range numbers {
				numbers[i] = int32((i*13 + 19) % images)
			}
			rows := d.in(nil, (index+1)*e[0], 0)
			upload(d, rows.ptr+driver.DevicePtr(4*index*e[0]), numbers)
			y := d.out(e[0]*e[2], 0)
			pixels := data.Range{Lo: -1, Hi: 1}
			factor, offset := pixels.Scale()
			d.run(Load{
				Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], 0)}, Width: e[2], Set: at, Numbers: rows.ptr,
				Factor: factor, Offset: offset, Y: y.ptr,
			}.Launches())
			want := make([]float32, e[1]*e[2])
			for i, r := range numbers {
				pixels.Decode(want[i*e[2]:][:e[2]], set[int(r)*e[2]:][:e[2]])
			}
			y.checkBits("y", want)
		})
	}
}

// TestLoadScaled holds the gather of scaled columns to data.Scaling.Read, bit by
// bit, on floats and on bytes.
func TestLoadScaled(t *testing.T) {
	d := open(t, Gather)
	const count, index = 20, 2
	for _, e := range [][3]int{{1, 1, 1}, {4, 0, 3}, {7, 6, 13}, {5, 5, 300}} {
		for _, floats := range []bool{false, true} {
			t.Run(fmt.Sprint(e, floats), func(t *testing.T) {
				d.TB = t
				defer d.free()
				rows := data.Rows{N: count, Shape: data.Shape{W: e[2]}}
				for i := range count * e[2] {
					if floats {
						rows.Floats = append(rows.Floats, float32(math.Sin(float64(i)))*float32(1+i%1000))
					} else {
						rows.Bytes = append(rows.Bytes, byte(i*7+i/256))
					}
				}
				s := data.Scaling{Kind: data.ScaleStandard}
				for i := range e[2] {
					s.Shift, s.Factor = append(s.Shift, float32(i)/3), append(s.Factor, 1/float32(i+3))
				}
				at, err := d.Alloc(int64(len(rows.Memory())))
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := d.Free(at); err != nil {
						t.Error(err)
					}
				}()
				upload(d, at, rows.Memory())
				numbers := make([]int32, e[1])
				for i := range numbers {
					numbers[i] = int32((i*13 + 19) % count)
				}
				list := d.in(nil, (index+1)*e[0], 0)
				upload(d, list.ptr+driver.DevicePtr(4*index*e[0]), numbers)
				columns := d.in(slices.Concat(s.Shift, s.Factor), 2*e[2], 0)
				y := d.out(e[0]*e[2], 0)
				d.run(Load{
					Batch: Batch{Rows: e[0], Step: d.step(e[1], index, e[0], 0)}, Width: e[2], Set: at, Numbers: list.ptr,
					Columns: columns.ptr, Floats: floats, Y: y.ptr,
				}.Launches())
				want := make([]float32, e[1]*e[2])
				for i, r := range numbers {
					s.Read(want[i*e[2]:][:e[2]], rows, int(r))
				}
				y.checkBits("y", want)
			})
		}
	}
}

func TestChannelMean(t *testing.T) {
	d := open(t, Reduce)
	for _, e := range [][4]int{{3, 0, 2, 4}, {1, 1, 1, 1}, {5, 4, 3, 1}, {9, 7, 2, 35}, {40, 39, 3, 10}} { // rows, real rows, channels, positions
		t.Run(fmt.Sprint(e), func(t *testing.T) {
			d.TB = t
			defer d.free()
			width := e[2] * e[3]
			x, mean := random(1, e[1]*width), d.out(e[2], 0)
			d.run(ChannelMean{
				Batch: Batch{Rows: e[0], Step: d.step(e[1], 0, e[0], 0)}, Channels: e[2], Area: e[3],
				X: d.in(x, e[0]*width, 1).ptr, Mean: mean.ptr,
			}.Launches())
			if e[1] == 0 {
				mean.checkUntouched("a step without rows", 0)
				return
			}
			want := make([]float64, e[2])
			for i, v := range x {
				want[i%width/e[3]] += float64(v) / float64(e[1]*e[3])
			}
			mean.check("mean", want)
		})
	}
}
