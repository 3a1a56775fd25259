package kernels

import (
	"errors"
	"fmt"
	"math"

	"aegis/cuda/driver"
	"aegis/model/op"
	"aegis/model/optim"
)

// Launch is one launch of a kernel: all that [driver.Context.Launch] needs but
// the stream. No kernel needs dynamic shared memory or more than 256 threads.
type Launch struct {
	Family Family
	Kernel string // its name in the family's PTX
	Grid   driver.Dim3
	Block  driver.Dim3
	Shared uint32 // bytes of dynamic shared memory
	Args   []driver.Arg
}

// threads is the block of every kernel that says nothing else.
const threads = 256

// Batch is the batch that a kernel works on.
type Batch struct {
	Rows int              // B, the rows of every buffer
	Step driver.DevicePtr // the block that [Advance] fills: how many rows are real, which step it is
}

// Layout of the two structs in device memory that tell kernels about the
// step, all 32-bit integers.
//
// A run, written by the host before a run of steps: {next, rows, batch, first}:
// the index of the next step, the rows of all steps together, B, and the
// number (low 32 bits) of the step with index 0 since the start of training.
//
// A step block, written by Advance: {n, index, batch, number}: the real rows,
// 0 ≤ n ≤ B; the step's index in the run, from 0; B; and its number since the
// start of training.
const (
	RunSize  = 16 // bytes
	StepSize = 16 // bytes
)

// RunBlock returns a run as it lies in device memory.
func RunBlock(next, rows, batch, first uint32) [4]uint32 { return [4]uint32{next, rows, batch, first} }

// StepBlock returns a step block as it lies in device memory, for a VM that
// writes one itself (forward parts do).
func StepBlock(n, index, batch, number uint32) [4]uint32 { return [4]uint32{n, index, batch, number} }

// Optimizer is how gradients change parameters. The numbers of the step with
// index i ([optim.Spec.Scalars]), the constants among them, are the floats from
// Scalars + 4·i·Stride on; of the spec itself kernels know the algorithm.
type Optimizer struct {
	Spec    optim.Spec
	Scalars driver.DevicePtr
	Stride  int // floats from one step's numbers to the next step's
}

// Target is where the gradient of a parameter goes: into Grad where there is
// no optimizer, else at once into the parameter and its slots, in the order of
// [optim.Spec.Slots].
type Target struct {
	Grad  driver.DevicePtr
	Param driver.DevicePtr
	Slots [2]driver.DevicePtr
}

// activation returns the number that kernels know an activation by, as in
// common.cuh.
func activation(a op.Activation) (int32, error) {
	switch a.Kind {
	case op.Identity, "":
		return 0, nil
	case op.ReLU:
		return 1, nil
	case op.LeakyReLU:
		return 2, nil
	case op.Tanh:
		return 3, nil
	case op.Sigmoid:
		return 4, nil
	case op.ELU:
		return 5, nil
	case op.GELU:
		return 6, nil
	case op.Exp:
		return 7, nil
	}
	return 0, fmt.Errorf("unknown activation %q", a.Kind)
}

// loss returns the number that kernels know a loss by, as in common.cuh.
func loss(l op.Loss) (int32, error) {
	switch l.Kind {
	case op.MSE:
		return 0, nil
	case op.MAE:
		return 1, nil
	case op.Huber:
		return 2, nil
	case op.BCE:
		return 3, nil
	case op.BCELogits:
		return 4, nil
	case op.Gaussian:
		return 5, nil
	case op.KL:
		return 6, nil
	}
	return 0, fmt.Errorf("unknown loss %q", l.Kind)
}

// args are a kernel's parameters in the making.
type args []driver.Arg

func (a *args) ptr(ps ...driver.DevicePtr) {
	for _, p := range ps {
		*a = append(*a, driver.Ptr(p))
	}
}

func (a *args) int(vs ...int) {
	for _, v := range vs {
		*a = append(*a, driver.Int32(int32(v)))
	}
}

func (a *args) float(vs ...float64) {
	for _, v := range vs {
		*a = append(*a, driver.Float32(float32(v)))
	}
}

// noUpdate is the kind of update of a gradient that is written.
const noUpdate = 0

// updateKinds are the kinds of updates in kernels, as in common.cuh.
var updateKinds = map[string]int{
	optim.AdamStep: 1, optim.SGDStep: 2, optim.MomentumStep: 3, optim.AdamDecayStep: 4, optim.SGDDecayStep: 5,
	optim.MomentumDecayStep: 6, optim.RMSpropStep: 7, optim.RMSpropMomentumStep: 8,
}

// update appends the optimizer's parameters: kind, scalars and stride.
func (a *args) update(o *Optimizer) error {
	kind, scalars, stride := noUpdate, driver.DevicePtr(0), 0
	if o != nil {
		s := o.Spec
		scalars, stride = o.Scalars, o.Stride
		if err := s.Validate(); err != nil {
			return err
		}
		if scalars == 0 || stride < len(s.ScalarNames()) {
			return fmt.Errorf("want scalars with a stride of at least %d, got %#x with %d", len(s.ScalarNames()), scalars, stride)
		}
		if kind = updateKinds[s.Algorithm()]; kind == noUpdate {
			return fmt.Errorf("unknown optimizer %q", s.Algorithm())
		}
	}
	a.int(kind)
	a.ptr(scalars)
	a.int(stride)
	return nil
}

// target appends gradient, parameter and slots.
func (a *args) target(t Target, o *Optimizer) error {
	if o == nil {
		if t.Grad == 0 {
			return errors.New("want a buffer for the gradient, got none")
		}
		a.ptr(t.Grad, 0, 0, 0)
		return nil
	}
	if t.Param == 0 {
		return errors.New("want the parameter to update, got none")
	}
	for i := range o.Spec.Slots() {
		if t.Slots[i] == 0 {
			return fmt.Errorf("want %d optimizer slots, got %v", len(o.Spec.Slots()), t.Slots)
		}
	}
	a.ptr(0, t.Param, t.Slots[0], t.Slots[1])
	return nil
}

// maxValues is the most values a buffer may have: kernels count in 32 bits,
// and go past the end by less than a grid.
const maxValues = math.MaxInt32 - 1<<24

// sizes checks that all are at least 1 and that their product is within what
// kernels can count.
func sizes(what string, ns ...int) error {
	total := 1
	for _, n := range ns {
		if n < 1 || n > maxValues/total {
			return fmt.Errorf("%s: want sizes of at least 1 and at most %d values, got %v", what, maxValues, ns)
		}
		total *= n
	}
	return nil
}

// grids checks numbers of blocks in y and z.
func grids(ns ...int) error {
	for _, n := range ns {
		if n > math.MaxUint16 {
			return fmt.Errorf("want at most %d blocks along an axis, got %d", math.MaxUint16, n)
		}
	}
	return nil
}

// pointers checks that no operand is missing.
func pointers(ps ...driver.DevicePtr) error {
	for i, p := range ps {
		if p == 0 {
			return fmt.Errorf("operand %d of %d is a null pointer", i, len(ps))
		}
	}
	return nil
}

// fail names the operation in an error.
func fail(name string, errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("kernels: %s: %w", name, err)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// maxGrid is how many blocks a kernel gets that strides over its values:
// some for every multiprocessor of any GPU.
const maxGrid = 1024

// strided returns the launch of a kernel whose threads take one of n values
// after the other.
func strided(f Family, kernel string, n int, a args) Launch {
	return Launch{
		Family: f, Kernel: kernel, Args: a,
		Grid:  driver.Dim3{X: uint32(min(ceil(n, threads), maxGrid)), Y: 1, Z: 1},
		Block: driver.Dim3{X: threads, Y: 1, Z: 1},
	}
}
