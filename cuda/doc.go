// Package cuda is the CUDA VM: it runs a program's plan on an NVIDIA GPU. Its
// [VM], which is that of package gorgoniavm, runs any graph of Gorgonia's own
// float32 ops, instead of a tape machine.
//
// A [Machine] keeps everything that a training step touches on the device:
// parameters and optimizer state, the arena of the plan, the rows of its sets,
// row numbers, classes and scalars of all steps of a call, and the losses until
// someone asks for them. Noise is drawn there, with the bits of package philox.
// The steps are captured as CUDA graphs of
// 32, 16, 8, 4, 2 and 1 of them, and training is replays of those graphs. A
// set that does not fit in the device's memory is streamed through two
// page-locked buffers instead; the results are the same to the bit.
//
// The package needs libcuda.so.1 when it runs, which the NVIDIA driver brings,
// and nothing when it is built. With -tags cpu it is left out: [Open] and
// [Probe] then say so.
//
// Shapes: B batch, n rows in use, P pixels of an image.
package cuda

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"aegis/cuda/driver"
	"aegis/cuda/gorgoniavm"
	"aegis/cuda/internal/gpu"
	"aegis/internal/plan"
)

// Options are a user's choices.
type Options struct {
	GPU    int           // number of the device, counted from 0
	Driver driver.Driver // nil: the system's

	// DataLimit is the most bytes of images that are kept on the device;
	// 0: as many as fit, < 0: none. Other sets are streamed.
	DataLimit int64

	// Exchange, where it is not nil, gets the gradients of each phase before
	// they are applied, to change them: all of the phase's parameters' in one
	// array, each padded to 16 values. After an error the state is not a whole
	// step's. The gradients cross the bus twice, and steps are queued one by
	// one.
	Exchange func(phase string, gradients []float32) error
}

// device is what the options say of the choice of the device.
func (o Options) device() gpu.Options { return gpu.Options{GPU: o.GPU, Driver: o.Driver} }

// PlanOptions are what this VM asks of a plan.
func PlanOptions() plan.Options { return plan.Options{Merge: true} }

// Device is a GPU.
type Device = gpu.Device

// Devices lists the GPUs of this computer, whether or not a Machine can use
// them. Where there is no driver or no device the error wraps
// driver.ErrUnavailable.
func Devices(opt Options) ([]Device, error) { return gpu.Devices(opt.device()) }

// Probe returns the GPU that a Machine with these options would use, or says
// why there is none.
func Probe(opt Options) (Device, error) { return gpu.Probe(opt.device()) }

// Check says why the GPU that the options name cannot be used, nil where it
// can: it opens the GPU and closes it again.
func Check(opt Options) error { return gpu.Check(opt.device()) }

// Version writes a CUDA version, 12040, as 12.4.
func Version(v int) string { return gpu.Version(v) }

// VM is a gorgonia.VM for any graph of float32.
type VM = gorgoniavm.VM

// NewVM prepares a graph, to run it where a tape machine would:
//
//	vm := gorgonia.NewTapeMachine(g, gorgonia.BindDualValues(weights...))
//	vm, err := cuda.NewVM(g, cuda.Options{})
//
// See gorgoniavm.New.
func NewVM(g *gorgonia.ExprGraph, opt Options, more ...*gorgonia.Node) (*VM, error) {
	return gorgoniavm.New(g, opt.device(), more...)
}

// Memory is what a machine has allocated on the device, in bytes.
type Memory struct {
	State int64 // parameters and optimizer slots
	Arena int64 // inputs, activations and gradients, shared by all plans
	Queue int64 // row numbers, classes, scalars and losses of the steps of one call
	Data  int64 // images, and room for streamed ones
}

// Total is the sum.
func (m Memory) Total() int64 { return m.State + m.Arena + m.Queue + m.Data }

// String is such as "state 2.5 MiB, arena 3.3 MiB, queue 1.1 MiB, data 52.3 MiB".
func (m Memory) String() string {
	return fmt.Sprintf("state %s, arena %s, queue %s, data %s",
		gpu.FormatBytes(m.State), gpu.FormatBytes(m.Arena), gpu.FormatBytes(m.Queue), gpu.FormatBytes(m.Data))
}
