package kernels

import (
	"math"
	"runtime"
	"testing"

	"aegis/cuda/driver"
	"aegis/model/op"
	"aegis/model/optim"
)

// network is a whole training step of y = sigmoid(x·Wᵀ + b) against x, written
// with launchers, and the same in plain Go.
type network struct {
	d         *device
	batch, p  int
	set       []byte
	spec      optim.Spec
	w, b      *param
	scalars   []float32 // one step after the other
	numbers   []int32
	run       *buffer
	losses    *buffer
	graphs    []driver.GraphExec
	perGraph  int
	wantsLoss []float64
}

// capture records perGraph steps.
func (n *network) capture() {
	d := n.d
	d.Helper()
	blocks := d.buffer(4*n.perGraph, 0)
	set := d.in(nil, len(n.set)/4+1, 0)
	upload(d, set.ptr, n.set)
	rows := d.in(nil, len(n.numbers), 0)
	upload(d, rows.ptr, n.numbers)
	scalars := d.in(n.scalars, len(n.scalars), 0)
	size := n.batch * n.p
	x, y, grad := d.in(nil, size, 0), d.in(nil, size, 0), d.in(nil, size, 0)
	counter := d.buffer(1, 0)
	upload(d, counter.ptr, []uint32{0})
	o := &Optimizer{Spec: n.spec, Scalars: scalars.ptr, Stride: len(n.spec.ScalarNames())}

	steps := []interface{ Launches() ([]Launch, error) }{Advance{Run: n.run.ptr, Blocks: blocks.ptr, Count: n.perGraph}}
	for i := range n.perGraph {
		batch := Batch{Rows: n.batch, Step: blocks.ptr + driver.DevicePtr(StepSize*i)}
		sigmoid := op.Activation{Kind: op.Sigmoid}
		loss := Loss{
			Batch: batch, Width: n.p, Pred: y.ptr, Target: x.ptr, Loss: op.Loss{Kind: op.MSE}, Value: n.losses.ptr, Stride: 1,
			Grad: grad.ptr, Factor: 1, Y: y.ptr, Slope: sigmoid, Counter: counter.ptr,
		}
		loss.Scratch = d.in(nil, loss.ScratchFloats(), 0).ptr
		steps = append(
			steps,
			Load{Batch: batch, Width: n.p, Set: set.ptr, Numbers: rows.ptr, Factor: 1.0 / 255, Y: x.ptr},
			Linear{Batch: batch, In: n.p, Out: n.p, X: x.ptr, W: n.w.target.Param, B: n.b.target.Param, Y: y.ptr, Activation: sigmoid},
			loss,
			LinearDW{Batch: batch, In: n.p, Out: n.p, DZ: grad.ptr, X: x.ptr, W: n.w.target, B: n.b.target, Optimizer: o},
		)
	}
	runtime.LockOSThread() // whoever begins a capture ends it
	defer runtime.UnlockOSThread()
	if err := d.BeginCapture(d.stream); err != nil {
		d.Fatal(err)
	}
	for _, s := range steps {
		launches, err := s.Launches()
		if err != nil {
			d.Fatal(err)
		}
		for _, l := range launches {
			f, err := d.Function(d.modules[l.Family], l.Kernel)
			if err != nil {
				d.Fatal(err)
			}
			if err := d.Launch(f, driver.LaunchConfig{Grid: l.Grid, Block: l.Block, Stream: d.stream}, l.Args...); err != nil {
				d.Fatal(err)
			}
		}
	}
	g, err := d.EndCapture(d.stream)
	if err != nil {
		d.Fatal(err)
	}
	exec, err := d.Instantiate(g)
	if err != nil {
		d.Fatal(err)
	}
	n.graphs = append(n.graphs, exec)
}

// train is the same in plain Go.
func (n *network) train() {
	width := len(n.spec.ScalarNames())
	for from := 0; from < len(n.numbers); from += n.batch {
		rows := n.numbers[from:min(from+n.batch, len(n.numbers))]
		total, values := 0.0, float64(len(rows)*n.p)
		dw, db := make([]float64, n.p*n.p), make([]float64, n.p)
		for _, r := range rows {
			x := make([]float64, n.p)
			for i := range x {
				x[i] = float64(n.set[int(r)*n.p+i]) / 255
			}
			for i := range n.p {
				z := float64(n.b.w[i])
				for j, v := range x {
					z += v * float64(n.w.w[i*n.p+j])
				}
				y := 1 / (1 + math.Exp(-z))
				total += (y - x[i]) * (y - x[i])
				g := 2 * (y - x[i]) / values * y * (1 - y)
				db[i] += g
				for j, v := range x {
					dw[i*n.p+j] += g * v
				}
			}
		}
		n.wantsLoss = append(n.wantsLoss, total/values)
		scalars := n.scalars[from/n.batch*width:][:width]
		n.spec.Update(n.w.w, narrow(dw), n.w.slots, scalars)
		n.spec.Update(n.b.w, narrow(db), n.b.slots, scalars)
	}
}

// TestGraphOfSteps trains by replays of one captured graph of three steps, the
// last batch short, the last replay past the end of the work.
func TestGraphOfSteps(t *testing.T) {
	for _, s := range optimizers() {
		t.Run(described(s), func(t *testing.T) {
			d := open(t, Families()...)
			const batch, p, images, rows = 8, 20, 12, 8*6 + 3
			n := &network{d: d, batch: batch, p: p, spec: s, perGraph: 3, w: d.param(s, 1, p*p), b: d.param(s, 5, p)}
			for i := range images * p {
				n.set = append(n.set, byte(i*37+i/7))
			}
			for i := range rows {
				n.numbers = append(n.numbers, int32(i*5%images))
			}
			for i := range ceil(rows, batch) {
				n.scalars = append(n.scalars, s.Scalars(int64(i), s.LR)...)
			}
			n.run = d.buffer(4, 0)
			block := RunBlock(0, rows, batch, 0)
			upload(d, n.run.ptr, block[:])
			n.losses = d.out(ceil(rows, batch)+1, 0)
			n.capture()
			for range 3 {
				if err := d.LaunchGraph(n.graphs[0], d.stream); err != nil {
					t.Fatal(err)
				}
			}
			d.run(nil, nil)
			n.train()
			n.losses.check("losses", n.wantsLoss)
			n.w.check(s, nil, nil)
			n.b.check(s, nil, nil)
		})
	}
}

func TestErrors(t *testing.T) {
	batch := Batch{Rows: 2, Step: 256}
	ok := Linear{Batch: batch, In: 2, Out: 2, X: 256, W: 256, B: 256, Y: 256}
	if _, err := ok.Launches(); err != nil {
		t.Error(err)
	}
	spec := optim.Default(optim.Adam, 0.1)
	conv := Windows{C: 1, H: 4, W: 4, O: 1, OH: 2, OW: 2, KH: 2, KW: 2, Window: window(2, 2, 0, 0)}
	wrong := conv
	wrong.OW = 3
	for name, l := range map[string]interface{ Launches() ([]Launch, error) }{
		"no x":              Linear{Batch: batch, In: 2, Out: 2, W: 256, B: 256, Y: 256},
		"no step":           Linear{Batch: Batch{Rows: 2}, In: 2, Out: 2, X: 256, W: 256, B: 256, Y: 256},
		"no step, whole":    Copy{Batch: Batch{Rows: 2}, Width: 2, Whole: true, X: 256, Y: 256},
		"no rows":           Activate{Batch: Batch{Step: 256}, Width: 2, Z: 256, Y: 256},
		"too many values":   Activate{Batch: Batch{Rows: 1 << 20, Step: 256}, Width: 1 << 12, Z: 256, Y: 256},
		"unknown function":  Activate{Batch: batch, Width: 2, Z: 256, Y: 256, Activation: op.Activation{Kind: "swish"}},
		"no y for a slope":  LinearDX{Batch: batch, In: 2, Out: 2, DZ: 256, W: 256, DX: 256, Slope: op.Activation{Kind: op.ReLU}},
		"unknown loss":      Loss{Batch: batch, Width: 2, Pred: 256, Target: 256, Value: 256, Scratch: 256, Counter: 256, Loss: op.Loss{Kind: "hinge"}},
		"no counter":        Loss{Batch: batch, Width: 2, Pred: 256, Target: 256, Value: 256, Scratch: 256, Loss: op.Loss{Kind: op.MSE}},
		"no gradient":       LinearDW{Batch: batch, In: 2, Out: 2, DZ: 256, X: 256, B: Target{Grad: 256}},
		"no slots":          LinearDW{Batch: batch, In: 2, Out: 2, DZ: 256, X: 256, W: Target{Param: 256}, B: Target{Param: 256}, Optimizer: &Optimizer{Spec: spec, Scalars: 256, Stride: 6}},
		"no scalars":        Update{Step: 256, Count: 2, Target: Target{Grad: 256, Param: 256, Slots: [2]driver.DevicePtr{256, 256}}, Optimizer: Optimizer{Spec: spec}},
		"wrong window":      Conv2d{Batch: batch, Windows: wrong, X: 256, Weights: 256, Out: 256},
		"no scratch":        ConvDW{Batch: batch, Windows: conv, Small: 256, Large: 256, Weights: Target{Grad: 256}, Bias: Target{Grad: 256}},
		"function, slope":   Conv2d{Batch: batch, Windows: conv, X: 256, Weights: 256, Out: 256, Y: 256, Slope: op.Activation{Kind: op.ReLU}, Activation: op.Activation{Kind: op.Tanh}},
		"unknown noise":     Noise{Batch: batch, Width: 2, Kind: 3, Y: 256},
		"no chance":         Noise{Batch: batch, Width: 2, Kind: Bernoulli, P: 1.5, Y: 256},
		"rows of places":    Noise{Batch: batch, Width: 2, Numbers: 256, Y: 256},
		"no steps":          Advance{Run: 256, Blocks: 256},
		"too many in y":     Linear{Batch: Batch{Rows: 1 << 24, Step: 256}, In: 1, Out: 1, X: 256, W: 256, B: 256, Y: 256},
		"negative stride":   Loss{Batch: batch, Width: 2, Pred: 256, Target: 256, Value: 256, Stride: -1, Scratch: 256, Counter: 256, Loss: op.Loss{Kind: op.MSE}},
		"no factor":         Update{Step: 256, Count: 2, Target: Target{Grad: 256, Param: 256}, Optimizer: Optimizer{Spec: optim.Default(optim.SGD, 1), Scalars: 256, Stride: 1}, Clip: optim.Clip{Norm: 1}},
		"no bound":          Update{Step: 256, Count: 2, Target: Target{Grad: 256, Param: 256}, Optimizer: Optimizer{Spec: optim.Default(optim.SGD, 1), Scalars: 256, Stride: 1}, Factor: 256},
		"a norm of nothing": ClipNorm{Step: 256, Clip: optim.Clip{Norm: 1}, Scratch: 256, Factor: 256},
		"a norm of no size": ClipNorm{Step: 256, Clip: optim.Clip{Norm: 1}, Scratch: 256, Factor: 256, Gradients: []Array{{Ptr: 256}}},
		"a norm no bound":   ClipNorm{Step: 256, Scratch: 256, Factor: 256, Gradients: []Array{{Ptr: 256, Count: 1}}},
		"a negative norm":   ClipNorm{Step: 256, Clip: optim.Clip{Norm: -1}, Scratch: 256, Factor: 256, Gradients: []Array{{Ptr: 256, Count: 1}}},
		"unknown optimizer": Update{Step: 256, Count: 2, Target: Target{Grad: 256, Param: 256}, Optimizer: Optimizer{Spec: optim.Spec{Kind: "lion"}, Scalars: 256, Stride: 1}},
	} {
		if launches, err := l.Launches(); err == nil {
			t.Errorf("%s: no error, launches %v", name, launches)
		}
	}
}
