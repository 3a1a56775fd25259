package kernels

import (
	"errors"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/gputest"
	"aegis/cuda/internal/ptxsim"
)

// newContext is the simulator's or, where a GPU is wanted, GPU 0's.
func newContext(t testing.TB) driver.Context {
	t.Helper()
	if !gputest.Wanted() {
		c, err := ptxsim.Open(ptxsim.Options{}).Context(0)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, err := gputest.Open(t).Context(0)
	if err != nil {
		t.Fatal(err)
	}
	gpu := current{c, &objects{memory: make(map[driver.DevicePtr]bool)}}
	t.Cleanup(func() {
		if err := gpu.close(); err != nil && !t.Failed() {
			t.Errorf("close: %v", err)
		}
	})
	return gpu
}

// current makes a GPU's context current in each call: subtests run on threads
// of their own. A capture is begun and ended on one thread: see capture. The
// context lives on after the test, what the test made in it does not.
type current struct {
	driver.Context
	made *objects
}

// objects are what a test did not free itself. Graphs are the driver's.
type objects struct {
	memory  map[driver.DevicePtr]bool
	modules []driver.Module
	streams []driver.Stream
}

// close frees everything.
func (c current) close() error {
	return driver.Do(c.Context, func() error {
		errs := []error{c.Synchronize()}
		for p := range c.made.memory {
			errs = append(errs, c.Context.Free(p))
		}
		for _, m := range c.made.modules {
			errs = append(errs, c.UnloadModule(m))
		}
		for _, s := range c.made.streams {
			errs = append(errs, c.DestroyStream(s))
		}
		return errors.Join(append(errs, c.Context.Close())...)
	})
}

func with[T any](c driver.Context, f func() (T, error)) (v T, err error) {
	err = driver.Do(c, func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}

func (c current) NewStream() (driver.Stream, error) {
	s, err := with(c.Context, c.Context.NewStream)
	if err == nil {
		c.made.streams = append(c.made.streams, s)
	}
	return s, err
}

func (c current) LoadModule(image []byte) (driver.Module, error) {
	m, err := with(c.Context, func() (driver.Module, error) { return c.Context.LoadModule(image) })
	if err == nil {
		c.made.modules = append(c.made.modules, m)
	}
	return m, err
}

func (c current) Function(m driver.Module, name string) (driver.Function, error) {
	return with(c.Context, func() (driver.Function, error) { return c.Context.Function(m, name) })
}

func (c current) Alloc(bytes int64) (driver.DevicePtr, error) {
	p, err := with(c.Context, func() (driver.DevicePtr, error) { return c.Context.Alloc(bytes) })
	if err == nil {
		c.made.memory[p] = true
	}
	return p, err
}

func (c current) Free(p driver.DevicePtr) error {
	delete(c.made.memory, p)
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
