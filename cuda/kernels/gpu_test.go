package kernels

import (
	"os"
	"sync"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/ptxsim"
)

// held is the system's driver and one context of GPU 0 that the process never
// closes, so that the GPU's context is not made anew for each test.
var held = sync.OnceValues(func() (system driver.Driver, err error) {
	if system, err = driver.Open(); err == nil {
		kept, err = system.Context(0)
	}
	return system, err
})

// kept is held's context.
var kept driver.Context

// newContext is the simulator's or, where AEGIS_TEST_GPU is set, GPU 0's, as
// scripts/gpu-check.sh wants it.
func newContext(t testing.TB) driver.Context {
	t.Helper()
	system, gpu := driver.Driver(ptxsim.Open(ptxsim.Options{})), os.Getenv("AEGIS_TEST_GPU") != ""
	if gpu {
		var err error
		if system, err = held(); err != nil {
			t.Fatalf("AEGIS_TEST_GPU is set: %v", err)
		}
	}
	c, err := system.Context(0)
	if err != nil {
		t.Fatal(err)
	}
	if !gpu {
		return c
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return current{c}
}

// current makes a GPU's context current in each call: subtests run on threads
// of their own. A capture is begun and ended on one thread: see capture.
type current struct{ driver.Context }

func with[T any](c driver.Context, f func() (T, error)) (v T, err error) {
	err = driver.Do(c, func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}

func (c current) NewStream() (driver.Stream, error) { return with(c.Context, c.Context.NewStream) }

func (c current) LoadModule(image []byte) (driver.Module, error) {
	return with(c.Context, func() (driver.Module, error) { return c.Context.LoadModule(image) })
}

func (c current) Function(m driver.Module, name string) (driver.Function, error) {
	return with(c.Context, func() (driver.Function, error) { return c.Context.Function(m, name) })
}

func (c current) Alloc(bytes int64) (driver.DevicePtr, error) {
	return with(c.Context, func() (driver.DevicePtr, error) { return c.Context.Alloc(bytes) })
}

func (c current) Free(p driver.DevicePtr) error {
	return driver.Do(c.Context, func() error { return c.Context.Free(p) })
}

func (c current) CopyToDevice(dst driver.DevicePtr, src []byte) error {
	return driver.Do(c.Context, func() error {
		if err := c.Context.CopyToDevice(dst, src); err != nil {
			return err
		}
		return c.Synchronize() // pageable memory: the copy may still be under way
	})
}

func (c current) CopyToHost(dst []byte, src driver.DevicePtr) error {
	return driver.Do(c.Context, func() error { return c.Context.CopyToHost(dst, src) })
}

func (c current) SyncStream(s driver.Stream) error {
	return driver.Do(c.Context, func() error { return c.Context.SyncStream(s) })
}

func (c current) Launch(f driver.Function, cfg driver.LaunchConfig, args ...driver.Arg) error {
	return driver.Do(c.Context, func() error { return c.Context.Launch(f, cfg, args...) })
}

func (c current) BeginCapture(s driver.Stream) error {
	return driver.Do(c.Context, func() error { return c.Context.BeginCapture(s) })
}

func (c current) EndCapture(s driver.Stream) (driver.Graph, error) {
	return with(c.Context, func() (driver.Graph, error) { return c.Context.EndCapture(s) })
}

func (c current) Instantiate(g driver.Graph) (driver.GraphExec, error) {
	return with(c.Context, func() (driver.GraphExec, error) { return c.Context.Instantiate(g) })
}

func (c current) LaunchGraph(x driver.GraphExec, s driver.Stream) error {
	return driver.Do(c.Context, func() error { return c.Context.LaunchGraph(x, s) })
}
