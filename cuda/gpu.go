//go:build !cpu

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"aegis/cuda/driver"
	"aegis/internal/advice"
)

// gpu is a device in use: its context, its streams, and what is allocated.
type gpu struct {
	driver.Context
	info   Device
	free   int64         // bytes, before anything was allocated
	stream driver.Stream // of all work
	copies driver.Stream // of streamed images
	ptrs   map[driver.DevicePtr]bool
	hosts  [][]byte
	events []driver.Event
}

// defaultStream is where the driver puts copies that wait.
const defaultStream driver.Stream = 0

// newGPU takes a device into use. After an error it is closed again.
func newGPU(d driver.Driver, info Device) (g *gpu, err error) {
	ctx, err := d.Context(info.Number)
	if err != nil {
		return nil, err
	}
	g = &gpu{Context: ctx, info: info, ptrs: make(map[driver.DevicePtr]bool)}
	err = driver.Do(ctx, func() error {
		for _, s := range []*driver.Stream{&g.stream, &g.copies} {
			if *s, err = ctx.NewStream(); err != nil {
				return err
			}
		}
		g.free, _, err = ctx.MemInfo()
		return err
	})
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// alloc allocates device memory, at least one word.
func (g *gpu) alloc(bytes int64) (driver.DevicePtr, error) {
	p, err := g.Alloc(max(bytes, 4))
	if err == nil {
		g.ptrs[p] = true
	}
	return p, err
}

// release frees what alloc returned; 0 is nothing.
func (g *gpu) release(p driver.DevicePtr) error {
	if p == 0 {
		return nil
	}
	delete(g.ptrs, p)
	return g.Free(p)
}

// allocHost allocates page-locked memory until close.
func (g *gpu) allocHost(bytes int) ([]byte, error) {
	b, err := g.AllocHost(bytes)
	if err == nil {
		g.hosts = append(g.hosts, b)
	}
	return b, err
}

// event makes an event without a clock until close.
func (g *gpu) event() (driver.Event, error) {
	e, err := g.NewEvent(false)
	if err == nil {
		g.events = append(g.events, e)
	}
	return e, err
}

// upload copies values to the device after all queued work, and before all
// that is queued next: a copy from memory that is not page-locked may return
// before the data has arrived, and the stream would not wait for it.
func upload[T int32 | float32 | byte](g *gpu, dst driver.DevicePtr, src []T) error {
	if len(src) == 0 {
		return nil
	}
	if err := g.SyncStream(g.stream); err != nil {
		return err
	}
	if err := g.CopyToDevice(dst, bytesOf(src)); err != nil {
		return err
	}
	return g.SyncStream(defaultStream)
}

// download copies values from the device after all queued work.
func download[T int32 | float32 | byte](g *gpu, dst []T, src driver.DevicePtr) error {
	if len(dst) == 0 {
		return nil
	}
	if err := g.SyncStream(g.stream); err != nil {
		return err
	}
	return g.CopyToHost(bytesOf(dst), src)
}

// bytesOf returns the memory of values, in the host's order of bytes: little
// endian wherever CUDA runs.
func bytesOf[T int32 | float32 | byte](x []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(v)))
}

// close frees everything. Work in progress is waited for.
func (g *gpu) close() error {
	return driver.Do(g.Context, func() error {
		errs := []error{g.Synchronize()}
		for p := range g.ptrs {
			errs = append(errs, g.Free(p))
		}
		for _, b := range g.hosts {
			errs = append(errs, g.FreeHost(b))
		}
		for _, e := range g.events {
			errs = append(errs, g.DestroyEvent(e))
		}
		for _, s := range []driver.Stream{g.stream, g.copies} {
			if s != 0 {
				errs = append(errs, g.DestroyStream(s))
			}
		}
		return first(append(errs, g.Close()))
	})
}

// first returns the first error: what follows a fault only repeats it.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// needs is what a training program takes of a device's memory, in bytes.
type needs struct {
	state, arena, queue int64
	batch               int
	perRow              int64 // of the arena, for each row of a batch
	scratch             int64 // of the arena, at any batch
}

func (n needs) total() int64 { return n.state + n.arena + n.queue }

// outOfMemory explains an allocation that failed while a machine was made.
func (g *gpu) outOfMemory(err error, what string, asked int64, n needs) error {
	free, total, infoErr := g.MemInfo()
	if infoErr != nil {
		return errors.Join(err, infoErr)
	}
	text := fmt.Sprintf("cuda: out of memory on GPU %d, %s: asked for %s for %s; %s of %s are free, and training at batch %d needs %s in all",
		g.info.Number, g.info.Name, size(asked), what, size(free), size(total), n.batch, size(n.total()))
	if fits := n.fits(g.free); fits > 0 {
		return advice.With(fmt.Errorf("%s; a batch of %d would fit: %w", text, fits, err), fmt.Sprintf("batch %d", fits))
	}
	return advice.With(fmt.Errorf("%s; no batch would fit: lower hidden or latent, or free the GPU: %w", text, err), "hidden", "latent")
}

// fits returns about the largest batch that some bytes are enough for, with a
// margin for what the driver rounds up.
func (n needs) fits(free int64) int {
	left := free - free/16 - n.state - n.queue - n.scratch
	return int(max(0, min(left/max(1, n.perRow), int64(n.batch-1))))
}
