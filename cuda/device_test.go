//go:build !cpu

package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"aegis/cuda"
	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
	"aegis/internal/vm/vmtest"
)

// stand is a driver with devices that nobody opens.
type stand struct {
	driver.Driver
	version int
	devices []driver.Device
	err     error
}

func (s stand) Version() (int, error)     { return s.version, nil }
func (s stand) DeviceCount() (int, error) { return len(s.devices), s.err }
func (s stand) Device(i int) (driver.Device, error) {
	return s.devices[i], nil
}

func TestProbe(t *testing.T) {
	volta := driver.Device{Name: "Tesla V100", Memory: 16 << 30, Major: 7}
	hopper := driver.Device{Name: "NVIDIA H200", Memory: 140 << 30, Major: 9}
	for _, c := range []struct {
		name  string
		stand stand
		gpu   int
		want  string // in the error, or the device where ok
		ok    bool
	}{
		{
			name: "one", stand: stand{version: 12040, devices: []driver.Device{hopper}}, ok: true,
			want: "NVIDIA H200 (140.0 GiB, compute capability 9.0, driver for CUDA 12.4)",
		},
		{
			name: "the second", stand: stand{version: 11080, devices: []driver.Device{volta, hopper}}, gpu: 1, ok: true,
			want: "NVIDIA H200 (140.0 GiB, compute capability 9.0, driver for CUDA 11.8)",
		},
		{name: "old", stand: stand{version: 12040, devices: []driver.Device{volta}}, want: "want compute capability 8.0"},
		{name: "old driver", stand: stand{version: 11040, devices: []driver.Device{hopper}}, want: "install one for CUDA 11.8"},
		{
			name: "number", stand: stand{version: 12040, devices: []driver.Device{volta, hopper}}, gpu: 2,
			want: "no GPU 2; want 0 to 1: 0 is Tesla V100, 1 is NVIDIA H200",
		},
		{name: "negative", stand: stand{version: 12040, devices: []driver.Device{hopper}}, gpu: -1, want: "no GPU -1"},
		{name: "none", stand: stand{version: 12040}, want: "finds no GPU"},
		{
			name: "no device", stand: stand{version: 12040, err: driver.NewError("cuDeviceGetCount", driver.NoDevice, nil)},
			want: "finds no GPU",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev, err := cuda.Probe(cuda.Options{GPU: c.gpu, Driver: c.stand})
			if c.ok {
				if err != nil || dev.String() != c.want {
					t.Errorf("%v, error %v; want %s", dev, err, c.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if _, openErr := cuda.Open(vmtest.Tiny(t), 1, cuda.Options{GPU: c.gpu, Driver: c.stand}); openErr == nil || openErr.Error() != err.Error() {
				t.Errorf("Open: error %v, want %v", openErr, err)
			}
		})
	}
}

// TestSystem asks the machine that the test runs on.
func TestSystem(t *testing.T) {
	list, err := cuda.Devices(cuda.Options{})
	if err != nil {
		if !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("error %v, want one that wraps driver.ErrUnavailable", err)
		}
		t.Logf("no GPU here: %v", err)
	}
	for _, d := range list {
		t.Log(d)
	}
}

func TestDeviceIsASimulator(t *testing.T) {
	dev, err := cuda.Probe(cuda.Options{Driver: ptxsim.Open(ptxsim.Options{})})
	if err != nil || !strings.Contains(dev.String(), "not a GPU") {
		t.Errorf("%v, error %v", dev, err)
	}
}
