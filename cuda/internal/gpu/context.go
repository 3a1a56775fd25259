package gpu

import (
	"errors"
	"fmt"

	"aegis/cuda/driver"
)

// Context is a device in use. It is a driver.Context that frees at its end
// whatever was made on it and not freed, and that answers every call of Do
// with the first fault once there was one. The other methods, but Close, are
// for use inside Do.
type Context struct {
	driver.Context
	Device    Device
	Available int64         // bytes, before anything was allocated
	Stream    driver.Stream // of all work
	Copies    driver.Stream // of copies beside the work

	graphs  map[driver.GraphExec]bool
	modules map[driver.Module]bool
	memory  map[driver.DevicePtr]bool
	pinned  map[*byte][]byte // page-locked memory of the host
	events  map[driver.Event]bool

	failed error // what ended this context
}

// Open takes a device into use. After an error it is closed again.
func Open(d driver.Driver, device Device) (c *Context, err error) {
	ctx, err := d.Context(device.Number)
	if err != nil {
		return nil, err
	}
	c = &Context{
		Context: ctx, Device: device,
		graphs: make(map[driver.GraphExec]bool), modules: make(map[driver.Module]bool),
		memory: make(map[driver.DevicePtr]bool), pinned: make(map[*byte][]byte), events: make(map[driver.Event]bool),
	}
	err = driver.Do(ctx, func() error {
		for _, s := range []*driver.Stream{&c.Stream, &c.Copies} {
			if *s, err = ctx.NewStream(); err != nil {
				return err
			}
		}
		c.Available, _, err = ctx.MemInfo()
		return err
	})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// errClosed is what a closed context answers.
var errClosed = errors.New("cuda: used after it was closed")

// Do runs f where the context is current. After an error of the driver, other
// than too little memory, nothing on the device can be relied on: every later
// call returns that error.
func (c *Context) Do(what string, f func() error) error {
	if c.failed != nil {
		return c.failed
	}
	err := driver.Do(c.Context, f)
	var refused *driver.Error
	if errors.As(err, &refused) && refused.Result != driver.OutOfMemory {
		c.failed = fmt.Errorf("%w; in %s on GPU %d, %s: go on in a new process, from what was saved last",
			err, what, c.Device.Number, c.Device.Name)
		return c.failed
	}
	return err
}

// OutOfMemory says what there was too little memory for, and what to do. Other
// errors are returned as they are.
func (c *Context) OutOfMemory(err error, text string) error {
	if !errors.Is(err, driver.OutOfMemory) {
		return err
	}
	return fmt.Errorf("cuda: out of memory on GPU %d, %s: %s: %w", c.Device.Number, c.Device.Name, text, err)
}

// Alloc allocates device memory, at least one word.
func (c *Context) Alloc(bytes int64) (driver.DevicePtr, error) {
	p, err := c.Context.Alloc(max(bytes, 4))
	return own(c.memory, p, err)
}

// Free frees what Alloc returned; 0 is nothing.
func (c *Context) Free(p driver.DevicePtr) error {
	if p == 0 {
		return nil
	}
	delete(c.memory, p)
	return c.Context.Free(p)
}

// AllocHost allocates page-locked memory.
func (c *Context) AllocHost(bytes int) ([]byte, error) {
	b, err := c.Context.AllocHost(bytes)
	if err == nil && len(b) > 0 {
		c.pinned[&b[0]] = b
	}
	return b, err
}

// FreeHost frees what AllocHost returned.
func (c *Context) FreeHost(b []byte) error {
	if len(b) > 0 {
		delete(c.pinned, &b[0])
	}
	return c.Context.FreeHost(b)
}

// NewEvent makes an event, with or without a clock.
func (c *Context) NewEvent(timing bool) (driver.Event, error) {
	e, err := c.Context.NewEvent(timing)
	return own(c.events, e, err)
}

// DestroyEvent frees what NewEvent returned.
func (c *Context) DestroyEvent(e driver.Event) error {
	delete(c.events, e)
	return c.Context.DestroyEvent(e)
}

// LoadModule loads PTX.
func (c *Context) LoadModule(image []byte) (driver.Module, error) {
	m, err := c.Context.LoadModule(image)
	return own(c.modules, m, err)
}

// UnloadModule frees what LoadModule returned.
func (c *Context) UnloadModule(m driver.Module) error {
	delete(c.modules, m)
	return c.Context.UnloadModule(m)
}

// Instantiate makes a graph ready to launch.
func (c *Context) Instantiate(g driver.Graph) (driver.GraphExec, error) {
	x, err := c.Context.Instantiate(g)
	return own(c.graphs, x, err)
}

// DestroyGraphExec frees what Instantiate returned.
func (c *Context) DestroyGraphExec(x driver.GraphExec) error {
	delete(c.graphs, x)
	return c.Context.DestroyGraphExec(x)
}

// own notes what was made.
func own[T comparable](list map[T]bool, x T, err error) (T, error) {
	if err == nil {
		list[x] = true
	}
	return x, err
}

// Close waits for the device and frees everything. A second call does nothing,
// and after a fault, which was reported, nor does it repeat that.
func (c *Context) Close() error {
	if errors.Is(c.failed, errClosed) {
		return nil
	}
	before := c.failed
	c.failed = errClosed
	err := driver.Do(c.Context, c.freeAll)
	if before != nil {
		return nil
	}
	return err
}

// freeAll frees all that is left, and the context.
func (c *Context) freeAll() error {
	errs := []error{c.Synchronize()}
	for x := range c.graphs {
		errs = append(errs, c.DestroyGraphExec(x))
	}
	for m := range c.modules {
		errs = append(errs, c.UnloadModule(m))
	}
	for p := range c.memory {
		errs = append(errs, c.Free(p))
	}
	for _, b := range c.pinned {
		errs = append(errs, c.FreeHost(b))
	}
	for e := range c.events {
		errs = append(errs, c.DestroyEvent(e))
	}
	for _, s := range []driver.Stream{c.Stream, c.Copies} {
		if s != 0 {
			errs = append(errs, c.DestroyStream(s))
		}
	}
	return First(append(errs, c.Context.Close())...)
}

// First returns the first error: what follows a fault only repeats it.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
