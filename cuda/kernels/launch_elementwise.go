package kernels

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
	"aegis/model/op"
	"aegis/model/optim"
)

// Activate is y = f(z) for (B,P). One launch.
type Activate struct {
	Batch
	Width      int // P
	Z, Y       driver.DevicePtr
	Activation op.Activation
}

// Launches returns the launch of activate.
func (l Activate) Launches() ([]Launch, error) {
	kind, err := activation(l.Activation)
	if err := fail("activate", err, sizes("z", l.Rows, l.Width), pointers(l.Z, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Z, l.Y)
	a.int(l.Width, int(kind))
	a.float(l.Activation.Alpha)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "activate", l.Rows*l.Width, a)}, nil
}

// Slope is dz = g·f'(y) for (B,P). One launch.
type Slope struct {
	Batch
	Width      int // P
	G          driver.DevicePtr
	Y          driver.DevicePtr // y, or z where Activation.FromInput
	DZ         driver.DevicePtr
	Activation op.Activation
}

// Launches returns the launch of slope.
func (l Slope) Launches() ([]Launch, error) {
	kind, err := activation(l.Activation)
	if err := fail("slope", err, sizes("g", l.Rows, l.Width), pointers(l.G, l.Y, l.DZ, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.G, l.Y, l.DZ)
	a.int(l.Width, int(kind))
	a.float(l.Activation.Alpha)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "slope", l.Rows*l.Width, a)}, nil
}

// Add is c = a + b: for (B,P), or where Whole is set (gradients of one
// parameter, loss terms) for Width values whatever the batch, none in a step
// without rows. One launch.
type Add struct {
	Batch
	Width   int // P, or all values
	Whole   bool
	A, B, C driver.DevicePtr
}

// Launches returns the launch of add.
func (l Add) Launches() ([]Launch, error) {
	n, err := l.extent(l.Width, l.Whole)
	if err := fail("add", err, pointers(l.A, l.B, l.C, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.A, l.B, l.C)
	a.extent(l.Width, l.Whole)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "add", n, a)}, nil
}

// Mul is c = a·b for (B,P). One launch.
type Mul struct {
	Batch
	Width   int // P
	A, B, C driver.DevicePtr
}

// Launches returns the launch of mul.
func (l Mul) Launches() ([]Launch, error) {
	if err := fail("mul", sizes("rows", l.Rows, l.Width), pointers(l.A, l.B, l.C, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.A, l.B, l.C)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "mul", l.Rows*l.Width, a)}, nil
}

// Lerp is c = a + Factor·(b − a), or with Factor·s of a scalar s, for Width
// values whatever the batch, none in a step without rows, to the bits of
// program.Follow. C may be B: a tensor b that follows a. One launch.
type Lerp struct {
	Step    driver.DevicePtr
	Width   int
	Factor  float64
	Scalar  driver.DevicePtr // s; 0: there is none
	A, B, C driver.DevicePtr
}

// Launches returns the launch of lerp.
func (l Lerp) Launches() ([]Launch, error) {
	if err := fail("lerp", sizes("values", l.Width), pointers(l.A, l.B, l.C, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.A, l.B, l.Scalar, l.C)
	a.float(l.Factor)
	a.int(l.Width)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "lerp", l.Width, a)}, nil
}

// Scale is y = Factor·x, or y = Factor·s·x with a scalar s, (B,P) or Width
// values as in [Add]. One launch.
type Scale struct {
	Batch
	Width  int
	Whole  bool
	Factor float64
	Scalar driver.DevicePtr // s; 0: there is none
	X, Y   driver.DevicePtr
}

// Launches returns the launch of scale.
func (l Scale) Launches() ([]Launch, error) {
	n, err := l.extent(l.Width, l.Whole)
	if err := fail("scale", err, pointers(l.X, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Scalar, l.Y)
	a.float(l.Factor)
	a.extent(l.Width, l.Whole)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "scale", n, a)}, nil
}

// Copy is y = x, bit by bit, (B,P) or Width values as in [Add]: plan.Pack
// between row-major buffers. One launch.
type Copy struct {
	Batch
	Width int
	Whole bool
	X, Y  driver.DevicePtr
}

// Launches returns the launch of copy.
func (l Copy) Launches() ([]Launch, error) {
	n, err := l.extent(l.Width, l.Whole)
	if err := fail("copy", err, pointers(l.X, l.Y, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Y)
	a.extent(l.Width, l.Whole)
	a.ptr(l.Step)
	return []Launch{strided(Elementwise, "copy", n, a)}, nil
}

// extent returns the values of rows, or of a whole buffer.
func (b Batch) extent(width int, whole bool) (n int, err error) {
	if whole {
		return width, sizes("values", width)
	}
	return b.Rows * width, sizes("rows", b.Rows, width)
}

// extent appends the parameters that function extent of common.cuh takes.
func (a *args) extent(width int, whole bool) {
	a.int(width)
	if whole {
		a.int(1)
	} else {
		a.int(0)
	}
}

// Loss is the mean of a loss over n rows of P values and, where Grad is not 0,
// Factor times its gradient, or Factor·s times it with a scalar s:
//
//	value = Σ l(pred, target) / (D·n)
//	grad  = Factor · s · l'(pred, target) / (D·n) · f'(y)
//
// for pred, target, grad and y (B,P); y may be pred. D is [op.Loss.Width] of P.
// Without a slope, op.None, Y is 0. The value of the step with index i goes to Value + 4·i·Stride: into
// an array of losses, or with Stride 0 into a buffer. One launch.
type Loss struct {
	Batch
	Width        int // P
	Pred, Target driver.DevicePtr
	Loss         op.Loss
	Value        driver.DevicePtr
	Stride       int
	Grad         driver.DevicePtr // 0: the value only
	Factor       float64          // of the gradient alone
	Scalar       driver.DevicePtr // s; 0: there is none
	Y            driver.DevicePtr
	Slope        op.Activation
	Scratch      driver.DevicePtr // ScratchFloats floats, this operation's during the launch
	Counter      driver.DevicePtr // a 32-bit word, this operation's for ever, 0 at the start
}

// lossGrid is how many parts a loss is summed in at most.
const lossGrid = 512

func (l Loss) blocks() int { return min(ceil(l.Rows*l.Width, threads), lossGrid) }

// ScratchFloats returns how many floats Scratch must have.
func (l Loss) ScratchFloats() int { return l.blocks() }

// Launches returns the launch of loss: each block sums its part, the last one
// to finish adds up the parts in their order.
func (l Loss) Launches() ([]Launch, error) {
	kind, err := loss(l.Loss)
	act, err2 := activation(l.Slope)
	needed := []driver.DevicePtr{l.Pred, l.Target, l.Value, l.Scratch, l.Counter, l.Step}
	if act == 0 {
		l.Y = 0
	} else {
		needed = append(needed, l.Y)
	}
	if l.Stride < 0 {
		err = fmt.Errorf("want a stride of at least 0, got %d", l.Stride)
	}
	if err := fail("loss", err, err2, sizes("pred", l.Rows, l.Width), pointers(needed...)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Pred, l.Target, l.Scalar, l.Y, l.Grad, l.Value, l.Scratch, l.Counter)
	a.int(l.Width, l.Loss.Width(l.Width), l.Stride, int(kind), int(act))
	a.float(l.Factor, l.Loss.Delta, l.Slope.Alpha)
	a.ptr(l.Step)
	return []Launch{{
		Family: Elementwise, Kernel: "loss", Args: a,
		Grid: driver.Dim3{X: uint32(l.blocks()), Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// Collect copies a scalar that the step with index i computed, such as a sum
// of loss terms, to Losses + 4·i·Stride. One launch.
type Collect struct {
	Step   driver.DevicePtr
	X      driver.DevicePtr // a scalar
	Losses driver.DevicePtr
	Stride int
}

// Launches returns the launch of collect.
func (l Collect) Launches() ([]Launch, error) {
	if err := fail("collect", pointers(l.X, l.Losses, l.Step), sizes("stride", l.Stride)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Losses)
	a.int(l.Stride)
	a.ptr(l.Step)
	return []Launch{{
		Family: Elementwise, Kernel: "collect", Args: a,
		Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: 1, Y: 1, Z: 1},
	}}, nil
}

// Update applies the optimizer to a parameter of Count values, from
// Target.Grad, to the bits of [optim.Spec.Update], after those of
// [optim.Clip.Apply]. One launch.
type Update struct {
	Step      driver.DevicePtr
	Count     int
	Target    Target // all of its fields
	Optimizer Optimizer
	Clip      optim.Clip
	Factor    driver.DevicePtr // what ClipNorm gives; 0 where Clip bounds no norm
}

// Launches returns the launch of update.
func (l Update) Launches() ([]Launch, error) {
	var a args
	a.ptr(l.Target.Grad, l.Target.Param, l.Target.Slots[0], l.Target.Slots[1])
	a.int(l.Count)
	a.ptr(l.Step)
	a.float(float64(l.Clip.Limit()))
	a.ptr(l.Factor)
	err := errors.Join((&args{}).target(l.Target, &l.Optimizer), l.Clip.Validate())
	if (l.Factor == 0) != (l.Clip.Norm == 0) {
		err = errors.Join(err, fmt.Errorf("a norm of %v and a factor at %#x; want both or none", l.Clip.Norm, l.Factor))
	}
	if err := fail("update", err, sizes("parameter", l.Count), pointers(l.Target.Grad, l.Step), a.update(&l.Optimizer)); err != nil {
		return nil, err
	}
	return []Launch{strided(Optim, "update", l.Count, a)}, nil
}

// Advance starts Count steps of a run: it fills as many step blocks from the
// run, and moves the run on by as many. Blocks behind the run's last row get n
// = 0. One launch, the first of a graph of Count steps.
type Advance struct {
	Run    driver.DevicePtr // RunSize bytes
	Blocks driver.DevicePtr // Count·StepSize bytes
	Count  int
}

// Launches returns the launch of advance.
func (l Advance) Launches() ([]Launch, error) {
	if err := fail("advance", pointers(l.Run, l.Blocks), sizes("steps", l.Count, StepSize)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.Run, l.Blocks)
	a.int(l.Count)
	return []Launch{{
		Family: Gather, Kernel: "advance", Args: a,
		Grid: driver.Dim3{X: 1, Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

// Load makes a batch from rows of a data set, to the bits of data.Scaling.Read:
//
//	y[r,p] = set[rows[index·B + r], p]·Factor + Offset
//	y[r,p] = (set[rows[index·B + r], p] − shift[p])·factor[p], with Columns
//
// for set (·,P), rows int32, y (B,P). One launch.
type Load struct {
	Batch
	Width          int              // P
	Set            driver.DevicePtr // bytes, or float32
	Numbers        driver.DevicePtr // int32: the rows of all steps of the run
	Factor, Offset float32
	Columns        driver.DevicePtr // shifts (P), then factors (P); 0: Factor and Offset
	Floats         bool             // the set is float32, with Columns
	Y              driver.DevicePtr
}

// Launches returns the launch of gather_rows, a block for each row, or of
// gather_scaled.
func (l Load) Launches() ([]Launch, error) {
	if err := fail("load", sizes("batch", l.Rows, l.Width), pointers(l.Set, l.Numbers, l.Y, l.Step)); err != nil {
		return nil, err
	}
	if l.Columns != 0 {
		return l.scaled(), nil
	}
	var a args
	a.ptr(l.Set, l.Numbers, l.Y)
	a.int(l.Width)
	a.float(float64(l.Factor), float64(l.Offset))
	a.ptr(l.Step)
	return []Launch{{
		Family: Gather, Kernel: "gather_rows", Args: a,
		Grid:  driver.Dim3{X: uint32(ceil(l.Width, threads*4)), Y: uint32(min(l.Rows, 65535)), Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}

func (l Load) scaled() []Launch {
	floats := 0
	if l.Floats {
		floats = 1
	}
	var a args
	a.ptr(l.Set, l.Numbers, l.Y, l.Columns, l.Columns+driver.DevicePtr(4*l.Width))
	a.int(l.Width, floats)
	a.ptr(l.Step)
	return []Launch{{
		Family: Gather, Kernel: "gather_scaled", Args: a,
		Grid:  driver.Dim3{X: uint32(ceil(l.Width, threads)), Y: uint32(min(l.Rows, 65535)), Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}
}

// ChannelMean is mean[c] = Σ x[r,c,·] / (n·A) over the n rows and over the A
// positions: x (B,C,A) → mean (C). One launch.
type ChannelMean struct {
	Batch
	Channels, Area int // C, A
	X, Mean        driver.DevicePtr
}

// Launches returns the launch of channel_mean: a block for each channel.
func (l ChannelMean) Launches() ([]Launch, error) {
	if err := fail("channel-mean", sizes("x", l.Rows, l.Channels, l.Area), pointers(l.X, l.Mean, l.Step)); err != nil {
		return nil, err
	}
	var a args
	a.ptr(l.X, l.Mean)
	a.int(l.Channels, l.Area)
	a.ptr(l.Step)
	return []Launch{{
		Family: Reduce, Kernel: "channel_mean", Args: a,
		Grid: driver.Dim3{X: uint32(l.Channels), Y: 1, Z: 1}, Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}}, nil
}
