package gpu

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"aegis/cuda/driver"
)

// What the kernels' PTX asks for: ISA 7.8 for sm_80.
const (
	wantMajor  = 8
	wantDriver = 11080
)

// Devices lists the GPUs of this computer, whether or not a VM can use
// them. Where there is no driver or no device the error wraps
// driver.ErrUnavailable.
func Devices(opt Options) ([]Device, error) {
	d, err := connect(opt)
	if err != nil {
		return nil, err
	}
	return devices(d)
}

// Probe returns the GPU that a VM with these options would use, or says
// why there is none.
func Probe(opt Options) (Device, error) {
	_, dev, err := Choose(opt)
	return dev, err
}

// Check says why the GPU that the options name cannot be used, nil where it
// can: it opens the GPU and closes it again.
func Check(opt Options) error {
	d, dev, err := Choose(opt)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := d.Context(dev.Number)
	if err != nil {
		return fmt.Errorf("%w: GPU %d, %s, does not open: %w", driver.ErrUnavailable, dev.Number, dev.Name, err)
	}
	return c.Close()
}

// connect returns the driver.
func connect(opt Options) (driver.Driver, error) {
	if opt.Driver != nil {
		return opt.Driver, nil
	}
	return driver.Open()
}

// Choose connects and checks the device that the options name.
func Choose(opt Options) (driver.Driver, Device, error) {
	d, err := connect(opt)
	if err != nil {
		return nil, Device{}, err
	}
	list, err := devices(d)
	if err != nil {
		return nil, Device{}, err
	}
	if opt.GPU < 0 || opt.GPU >= len(list) {
		return nil, Device{}, fmt.Errorf("cuda: no GPU %d; want 0 to %d: %s", opt.GPU, len(list)-1, names(list))
	}
	dev := list[opt.GPU]
	switch {
	case dev.Major < wantMajor:
		return nil, dev, fmt.Errorf("cuda: %w: GPU %d, %s, is too old; want compute capability %d.0 or newer",
			driver.ErrUnavailable, dev.Number, dev, wantMajor)
	case dev.Driver < wantDriver:
		return nil, dev, fmt.Errorf("cuda: %w: the driver of GPU %d, %s, is too old; install one for CUDA %s or newer",
			driver.ErrUnavailable, dev.Number, dev, Version(wantDriver))
	}
	return d, dev, nil
}

// devices describes every GPU.
func devices(d driver.Driver) ([]Device, error) {
	newest, err := d.Version()
	if err != nil {
		return nil, err
	}
	n, err := d.DeviceCount()
	if err != nil && !errors.Is(err, driver.NoDevice) {
		return nil, err
	}
	if n == 0 {
		return nil, driver.NoGPU("cuDeviceGetCount")
	}
	list := make([]Device, n)
	for i := range list {
		dev, err := d.Device(i)
		if err != nil {
			return nil, err
		}
		list[i] = Device{Number: i, Device: dev, Driver: newest}
	}
	return list, nil
}

// names lists devices for an error.
func names(list []Device) string {
	text := make([]string, len(list))
	for i, d := range list {
		text[i] = fmt.Sprintf("%d is %s", d.Number, d.Name)
	}
	return strings.Join(text, ", ")
}
