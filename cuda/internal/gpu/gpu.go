// Package gpu is a GPU in use, as both the plan machine and Gorgonia's VM use
// one: the choice of the device, its memory, its modules, its graphs, and what
// is said after a fault. It knows neither plans nor expression graphs.
package gpu

import (
	"fmt"

	"aegis/cuda/driver"
)

// Options choose a device.
type Options struct {
	GPU    int           // number of the device, counted from 0
	Driver driver.Driver // nil: the system's
}

// Device is a GPU.
type Device struct {
	Number int // as in Options.GPU
	driver.Device
	Driver int // the newest CUDA version that the driver supports, 12040 for 12.4
}

// String is such as "NVIDIA H200 (139.8 GiB, compute capability 9.0, driver for CUDA 12.4)".
func (d Device) String() string {
	return fmt.Sprintf("%s (%s, compute capability %d.%d, driver for CUDA %s)",
		d.Name, FormatBytes(d.Memory), d.Major, d.Minor, Version(d.Driver))
}

// Version writes a CUDA version, 12040, as 12.4.
func Version(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// FormatBytes writes a number of bytes for reading.
func FormatBytes(bytes int64) string {
	switch b := float64(bytes); {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", b/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", b/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}

// alignment of tensors in one block of memory, in words: 256 bytes, as of an
// allocation.
const alignment = 64

// Align rounds a number of 32-bit words up, so that what comes behind them is
// aligned as an allocation is.
func Align(words int) int { return (words + alignment - 1) / alignment * alignment }
