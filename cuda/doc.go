// Package cuda is the CUDA VM: it runs a program's plan on an NVIDIA GPU. Its
// [VM] runs any graph of Gorgonia's own float32 ops, instead of a tape machine.
//
// A [Machine] keeps everything that a training step touches on the device:
// parameters and optimizer state, the arena of the plan, the images as bytes,
// the row numbers and the optimizer's scalars of all steps of a call, and the
// losses until someone asks for them. The steps are captured as CUDA graphs of
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

	"aegis/cuda/driver"
	"aegis/internal/plan"
)

// Options are a user's choices.
type Options struct {
	GPU    int           // number of the device, counted from 0
	Driver driver.Driver // nil: the system's

	// DataLimit is the most bytes of images that are kept on the device;
	// 0: as many as fit, < 0: none. Other sets are streamed.
	DataLimit int64
}

// PlanOptions are what this VM asks of a plan.
func PlanOptions() plan.Options { return plan.Options{Merge: true} }

// Device is a GPU.
type Device struct {
	Number int // as in Options.GPU
	driver.Device
	Driver int // the newest CUDA version that the driver supports, 12040 for 12.4
}

// String is such as "NVIDIA H200 (139.8 GiB, compute capability 9.0, driver for CUDA 12.4)".
func (d Device) String() string {
	return fmt.Sprintf("%s (%s, compute capability %d.%d, driver for CUDA %s)",
		d.Name, size(d.Memory), d.Major, d.Minor, Version(d.Driver))
}

// Version writes a CUDA version, 12040, as 12.4.
func Version(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// size writes a number of bytes for reading.
func size(bytes int64) string {
	switch b := float64(bytes); {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", b/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", b/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}

// Memory is what a machine has allocated on the device, in bytes.
type Memory struct {
	State int64 // parameters and optimizer slots
	Arena int64 // inputs, activations and gradients, shared by all plans
	Queue int64 // row numbers, scalars and losses of the steps of one call
	Data  int64 // images, and room for streamed ones
}

// Total is the sum.
func (m Memory) Total() int64 { return m.State + m.Arena + m.Queue + m.Data }

// String is such as "state 2.5 MiB, arena 3.3 MiB, queue 1.1 MiB, data 52.3 MiB".
func (m Memory) String() string {
	return fmt.Sprintf("state %s, arena %s, queue %s, data %s", size(m.State), size(m.Arena), size(m.Queue), size(m.Data))
}
