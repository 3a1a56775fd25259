package kernels

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"aegis/cuda/driver"
	"aegis/model/op"
	"aegis/model/optim"
)

func activations() []op.Activation {
	return []op.Activation{
		op.None,
		{Kind: op.ReLU},
		{Kind: op.LeakyReLU, Alpha: 0.1},
		{Kind: op.Tanh},
		{Kind: op.Sigmoid},
		{Kind: op.ELU, Alpha: 0.7},
		{Kind: op.GELU},
		{Kind: op.Exp, Alpha: 0.5},
	}
}

// retile makes a product's launch use another tile for a result of m by n.
func retile(launches []Launch, err error, tile, m, n int) ([]Launch, error) {
	if err != nil {
		return nil, err
	}
	l := &launches[0]
	i := strings.LastIndexByte(l.Kernel, '_')
	l.Kernel = l.Kernel[:i+1] + strconv.Itoa(tile)
	l.Grid.X, l.Grid.Y = uint32(ceil(n, tile)), uint32(ceil(m, tile))
	return launches, nil
}

// product returns Σ a[i·ai + k·ak]·b[j·bj + k·bk] for i < m, j < n.
func product(a, b []float32, m, n, k, ai, ak, bj, bk int) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for p := range k {
				c[i*n+j] += float64(a[i*ai+p*ak]) * float64(b[j*bj+p*bk])
			}
		}
	}
	return c
}

type linearCase struct{ tile, b, n, i, o, shift int }

func linearCases() []linearCase {
	return []linearCase{
		{tile: 32, b: 1, n: 1, i: 1, o: 1},
		{tile: 32, b: 5, n: 0, i: 8, o: 8},
		{tile: 32, b: 40, n: 37, i: 784, o: 12},
		{tile: 32, b: 33, n: 33, i: 67, o: 35, shift: 1},
		{tile: 32, b: 64, n: 64, i: 64, o: 64},
		{tile: 64, b: 70, n: 69, i: 50, o: 66},
		{tile: 64, b: 3, n: 2, i: 7, o: 130, shift: 3},
		{tile: 64, b: 64, n: 64, i: 16, o: 64},
		{tile: 128, b: 130, n: 129, i: 20, o: 132},
		{tile: 128, b: 4, n: 3, i: 33, o: 129, shift: 2},
		{tile: 128, b: 1, n: 1, i: 100, o: 3},
	}
}

func TestLinear(t *testing.T) {
	d := open(t, Gemm)
	for k, c := range linearCases() {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			d.TB = t
			defer d.free()
			act := activations()[k%7]
			x, w, bias := random(1, c.n*c.i), random(2, c.o*c.i), random(3, c.o)
			y := d.out(c.b*c.o, c.shift)
			l := Linear{
				Batch: Batch{Rows: c.b, Step: d.step(c.n, 0, c.b, 0)}, In: c.i, Out: c.o,
				X: d.in(x, c.b*c.i, c.shift).ptr, W: d.in(w, len(w), 0).ptr, B: d.in(bias, len(bias), 0).ptr, Y: y.ptr, Activation: act,
			}
			launches, err := l.Launches()
			d.run(retile(launches, err, c.tile, c.b, c.o))
			want := product(x, w, c.n, c.o, c.i, c.i, 1, c.i, 1)
			for i := range want {
				want[i] = act.Value(want[i] + float64(bias[i%c.o]))
			}
			y.check("y", want)
		})
	}
}

func TestLinearDX(t *testing.T) {
	d := open(t, Gemm)
	for k, c := range linearCases() {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			d.TB = t
			defer d.free()
			act := activations()[(k+3)%7]
			dz, w, y := random(1, c.n*c.o), random(2, c.o*c.i), random(3, c.n*c.i)
			dx := d.out(c.b*c.i, c.shift)
			l := LinearDX{
				Batch: Batch{Rows: c.b, Step: d.step(c.n, 0, c.b, 0)}, In: c.i, Out: c.o,
				DZ: d.in(dz, c.b*c.o, c.shift).ptr, W: d.in(w, len(w), 0).ptr, DX: dx.ptr, Slope: act,
			}
			if act != op.None {
				l.Y = d.in(y, c.b*c.i, 0).ptr
			}
			launches, err := l.Launches()
			d.run(retile(launches, err, c.tile, c.b, c.i))
			want := product(dz, w, c.n, c.i, c.o, c.o, 1, 1, c.i)
			for i := range want {
				want[i] *= act.Slope(float64(y[i]))
			}
			dx.check("dx", want)
		})
	}
}

func TestLinearDW(t *testing.T) {
	d := open(t, Gemm, Optim)
	cases := append(linearCases(), []linearCase{
		{b: 1030, n: 1025, i: 5, o: 33},
		{b: 1280, n: 700, i: 36, o: 4, shift: 1},
		{b: 1100, n: 0, i: 4, o: 4},
	}...)
	for _, c := range cases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			d.TB = t
			defer d.free()
			dz, x := random(1, c.n*c.o), random(2, c.n*c.i)
			dw, db := d.out(c.o*c.i, c.shift), d.out(c.o, 0)
			l := LinearDW{
				Batch: Batch{Rows: c.b, Step: d.step(c.n, 0, c.b, 0)}, In: c.i, Out: c.o,
				DZ: d.in(dz, c.b*c.o, c.shift).ptr, X: d.in(x, c.b*c.i, c.shift).ptr,
				W: Target{Grad: dw.ptr}, B: Target{Grad: db.ptr},
			}
			if n := l.ScratchFloats(); n > 0 {
				l.Scratch = d.in(nil, n, 0).ptr
			}
			launches, err := l.Launches()
			if c.b <= splitFrom {
				launches, err = retile(launches, err, c.tile, c.o, c.i)
			} else if len(launches) != 2 {
				t.Fatalf("%d launches, want 2", len(launches))
			}
			d.run(launches, err)
			if c.n == 0 {
				dw.checkUntouched("dw", 0)
				db.checkUntouched("db", 0)
				return
			}
			ones := make([]float32, c.n)
			for i := range ones {
				ones[i] = 1
			}
			dw.check("dw", product(dz, x, c.o, c.i, c.n, 1, c.o, 1, c.i))
			db.check("db", product(dz, ones, c.o, 1, c.n, 1, c.o, 0, 1))
		})
	}
}

// optimizers are those whose updates stand behind gradients in tests of these.
func optimizers() []optim.Spec {
	momentum := optim.Default(optim.SGD, 0.1)
	momentum.Momentum = 0.9
	decay := optim.Default(optim.AdamW, 0.01)
	decay.WeightDecay = 0.5
	return []optim.Spec{optim.Default(optim.Adam, 0.01), optim.Default(optim.SGD, 0.1), momentum, decay}
}

// allOptimizers has each algorithm, in each way to use it.
func allOptimizers() []optim.Spec {
	list := optimizers()
	for _, s := range optimizers()[:3] {
		s.WeightDecay = 0.02
		list = append(list, s)
	}
	nesterov, rmsprop := list[2], optim.Default(optim.RMSprop, 0.01)
	nesterov.Nesterov, rmsprop.WeightDecay = true, 0.02
	list = append(list, nesterov, rmsprop)
	rmsprop.Momentum = 0.9
	return append(list, rmsprop)
}

// described names a test of an optimizer.
func described(s optim.Spec) string {
	return fmt.Sprint(s.Kind, " ", s.Algorithm(), map[bool]string{true: " ahead"}[s.Nesterov])
}

// scalars returns an optimizer whose numbers of step index are those of step
// number; all others are missing.
func (d *device) scalars(s optim.Spec, index, number int) (Optimizer, []float32) {
	d.Helper()
	const stride = 9
	values := s.Scalars(int64(number), s.LR)
	b := d.buffer((index+1)*stride, 0)
	upload(d, b.ptr+driver.DevicePtr(4*index*stride), values)
	return Optimizer{Spec: s, Scalars: b.ptr, Stride: stride}, values
}

// param is a parameter on the device beside its copy here.
type param struct {
	d      *device
	w      []float32
	slots  [][]float32
	device []*buffer // w, slots
	target Target
}

func (d *device) param(s optim.Spec, seed uint64, n int) *param {
	d.Helper()
	p := &param{d: d, w: random(seed, n)}
	p.device = append(p.device, d.in(p.w, n, 0))
	p.target.Param = p.device[0].ptr
	for i := range s.Slots() {
		slot := random(seed+uint64(i)+1, n)
		for j := range slot {
			slot[j] = slot[j] * slot[j]
		}
		p.slots = append(p.slots, slot)
		p.device = append(p.device, d.in(slot, n, 0))
		p.target.Slots[i] = p.device[i+1].ptr
	}
	return p
}

// check applies the gradient here too and wants the same.
func (p *param) check(s optim.Spec, g, scalars []float32) {
	p.d.Helper()
	if g != nil {
		s.Update(p.w, g, p.slots, scalars)
	}
	for i, want := range append([][]float32{p.w}, p.slots...) {
		wide := make([]float64, len(want))
		for j, v := range want {
			wide[j] = float64(v)
		}
		p.device[i].check(fmt.Sprintf("array %d of the parameter", i), wide)
	}
}

func narrow(v []float64) []float32 {
	n := make([]float32, len(v))
	for i, x := range v {
		n[i] = float32(x)
	}
	return n
}

func TestLinearDWUpdates(t *testing.T) {
	d := open(t, Gemm, Optim)
	for _, s := range optimizers() {
		for _, c := range []linearCase{
			{tile: 32, b: 40, n: 39, i: 33, o: 34},
			{tile: 64, b: 20, n: 20, i: 65, o: 66},
			{tile: 128, b: 20, n: 7, i: 130, o: 10},
			{b: 1030, n: 1029, i: 6, o: 5},
			{tile: 32, b: 8, n: 0, i: 3, o: 3},
		} {
			t.Run(fmt.Sprint(described(s), c), func(t *testing.T) {
				d.TB = t
				defer d.free()
				dz, x := random(1, c.n*c.o), random(2, c.n*c.i)
				o, scalars := d.scalars(s, 2, 5)
				w, b := d.param(s, 10, c.o*c.i), d.param(s, 20, c.o)
				l := LinearDW{
					Batch: Batch{Rows: c.b, Step: d.step(c.n, 2, c.b, 0)}, In: c.i, Out: c.o,
					DZ: d.in(dz, c.b*c.o, 0).ptr, X: d.in(x, c.b*c.i, 0).ptr, W: w.target, B: b.target, Optimizer: &o,
				}
				if n := l.ScratchFloats(); n > 0 {
					l.Scratch = d.in(nil, n, 0).ptr
				}
				launches, err := l.Launches()
				if c.b <= splitFrom {
					launches, err = retile(launches, err, c.tile, c.o, c.i)
				}
				d.run(launches, err)
				if c.n == 0 {
					w.check(s, nil, nil)
					b.check(s, nil, nil)
					return
				}
				ones := make([]float32, c.n)
				for i := range ones {
					ones[i] = 1
				}
				w.check(s, narrow(product(dz, x, c.o, c.i, c.n, 1, c.o, 1, c.i)), scalars)
				b.check(s, narrow(product(dz, ones, c.o, 1, c.n, 1, c.o, 0, 1)), scalars)
			})
		}
	}
}

func TestTiles(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{
		{m: 64, n: 784, want: 32},
		{m: 256, n: 784, want: 32},
		{m: 1024, n: 784, want: 64},
		{m: 4096, n: 4096, want: 128},
		{m: 1, n: 1, want: 32},
	} {
		if got := tileFor(c.m, c.n); got != c.want {
			t.Errorf("tile for %d×%d = %d, want %d", c.m, c.n, got, c.want)
		}
	}
	for _, k := range []int{1, 64, 1024, 1025, 4096, 60000} {
		for _, mn := range [][2]int{{1, 1}, {12, 64}, {128, 784}, {4096, 4096}} {
			tile, parts, rows := gemmWeights{m: mn[0], n: mn[1], k: k}.plan()
			if parts < 1 || (parts-1)*rows >= k || parts*rows < k || tile < 32 {
				t.Errorf("dW %v of %d rows: tile %d, %d parts of %d rows", mn, k, tile, parts, rows)
			}
		}
	}
}
