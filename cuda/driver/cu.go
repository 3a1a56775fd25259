//go:build cu && !cpu

package driver

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"gorgonia.org/cu"
)

// Open returns the driver that gorgonia.org/cu is linked with. That package
// initializes CUDA as the program starts, and ends the program where a driver
// finds no GPU, so a binary built with -tags cu is for machines with one. The
// calls that it lacks (page-locked memory, graphs, attributes of kernels to
// set) return errors that wrap ErrNotSupported.
func Open() (Driver, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", cuError("cuDeviceGetCount", err), ErrUnavailable)
	}
	if n == 0 {
		return nil, NoGPU("cuDeviceGetCount")
	}
	return cuDriver{}, nil
}

// Search returns nothing: the system's loader links the library as the
// program starts.
func Search() []Place { return nil }

// cuDriver implements Driver.
type cuDriver struct{}

// cuError turns an error of cu, whose type is an unexported int, into ours.
func cuError(call string, err error) error {
	if err == nil {
		return nil
	}
	v := reflect.ValueOf(err)
	if !v.CanInt() {
		return fmt.Errorf("cuda: %s: %w", call, err)
	}
	return NewError(call, Result(v.Int()), nil)
}

// lacks is the error of a call that cu does not have.
func lacks(call string) error {
	return fmt.Errorf("cuda: %s: %w by gorgonia.org/cu", call, ErrNotSupported)
}

// handle and object turn cu's objects, which hold one pointer, into handles
// and back.
func handle[T any](object T) uintptr { return *(*uintptr)(unsafe.Pointer(&object)) }

func object[T any](handle uintptr) T { return *(*T)(unsafe.Pointer(&handle)) }

func (cuDriver) Version() (int, error) {
	v := cu.Version()
	if v < 0 {
		return 0, NewError("cuDriverGetVersion", UnknownDriverResult, nil)
	}
	return v, nil
}

func (cuDriver) DeviceCount() (int, error) {
	n, err := cu.NumDevices()
	return n, cuError("cuDeviceGetCount", err)
}

func (cuDriver) Device(ordinal int) (Device, error) {
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return Device{}, cuError("cuDeviceGet", err)
	}
	d := Device{}
	if d.Name, err = dev.Name(); err != nil {
		return Device{}, cuError("cuDeviceGetName", err)
	}
	d.Name, _, _ = strings.Cut(d.Name, "\x00")
	if d.Memory, err = dev.TotalMem(); err != nil {
		return Device{}, cuError("cuDeviceTotalMem", err)
	}
	d.Major, d.Minor, err = dev.ComputeCapability()
	return d, cuError("cuDeviceGetAttribute", err)
}

func (cuDriver) DeviceAttribute(ordinal int, a DeviceAttribute) (int, error) {
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return 0, cuError("cuDeviceGet", err)
	}
	v, err := dev.Attribute(cu.DeviceAttribute(a))
	return v, cuError("cuDeviceGetAttribute", err)
}

func (cuDriver) Context(ordinal int) (Context, error) {
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, cuError("cuDeviceGet", err)
	}
	ctx, err := dev.RetainPrimaryCtx()
	if err != nil {
		return nil, cuError("cuDevicePrimaryCtxRetain", err)
	}
	c := &cuContext{dev: dev, ctx: ctx}
	if err := c.SetCurrent(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// cuContext implements Context.
type cuContext struct {
	dev cu.Device
	ctx cu.CUContext
}

func (c *cuContext) SetCurrent() error {
	return cuError("cuCtxSetCurrent", cu.SetCurrentContext(c.ctx))
}
func (c *cuContext) Synchronize() error { return cuError("cuCtxSynchronize", cu.Synchronize()) }

func (c *cuContext) Close() error {
	return cuError("cuDevicePrimaryCtxRelease", c.dev.ReleasePrimaryCtx())
}

func (c *cuContext) MemInfo() (free, total int64, err error) {
	free, total, err = cu.MemInfo()
	return free, total, cuError("cuMemGetInfo", err)
}

func (c *cuContext) LoadModule(image []byte) (Module, error) {
	log := make([]byte, 16<<10)
	m, err := cu.LoadDataEx(string(image), &cu.JITErrorLogBuffer{Buffer: log})
	if err == nil {
		return Module(handle(m)), nil
	}
	err = cuError("cuModuleLoadDataEx", err)
	if e, ok := errors.AsType[*Error](err); ok {
		if s := strings.TrimSpace(strings.TrimRight(string(log), "\x00")); s != "" {
			e.Detail = fmt.Errorf("compiler's log:\n%s", s)
		}
	}
	return 0, err
}

func (c *cuContext) UnloadModule(m Module) error {
	return cuError("cuModuleUnload", object[cu.Module](uintptr(m)).Unload())
}

func (c *cuContext) Function(m Module, name string) (Function, error) {
	f, err := object[cu.Module](uintptr(m)).Function(name)
	err = cuError("cuModuleGetFunction", err)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Detail = fmt.Errorf("kernel %q", name)
	}
	return Function(handle(f)), err
}

func (c *cuContext) FunctionAttribute(f Function, a FunctionAttribute) (int, error) {
	v, err := object[cu.Function](uintptr(f)).Attribute(cu.FunctionAttribute(a))
	return v, cuError("cuFuncGetAttribute", err)
}

func (c *cuContext) SetFunctionAttribute(Function, FunctionAttribute, int) error {
	return lacks("cuFuncSetAttribute")
}

func (c *cuContext) Alloc(bytes int64) (DevicePtr, error) {
	p, err := cu.MemAlloc(bytes)
	return DevicePtr(p), cuError("cuMemAlloc", err)
}

func (c *cuContext) Free(p DevicePtr) error {
	return cuError("cuMemFree", cu.MemFree(cu.DevicePtr(p)))
}
func (c *cuContext) AllocHost(int) ([]byte, error) { return nil, lacks("cuMemAllocHost") }
func (c *cuContext) FreeHost([]byte) error         { return lacks("cuMemFreeHost") }

func (c *cuContext) CopyToDevice(dst DevicePtr, src []byte) error {
	return cuError("cuMemcpyHtoD", cu.MemcpyHtoD(cu.DevicePtr(dst), unsafe.Pointer(unsafe.SliceData(src)), int64(len(src))))
}

func (c *cuContext) CopyToHost(dst []byte, src DevicePtr) error {
	return cuError("cuMemcpyDtoH", cu.MemcpyDtoH(unsafe.Pointer(unsafe.SliceData(dst)), cu.DevicePtr(src), int64(len(dst))))
}

// The copies that outlast the call need page-locked memory, which cu cannot
// allocate.
func (c *cuContext) CopyToDeviceAsync(DevicePtr, []byte, Stream) error {
	return lacks("cuMemcpyHtoDAsync from page-locked memory")
}

func (c *cuContext) CopyToHostAsync([]byte, DevicePtr, Stream) error {
	return lacks("cuMemcpyDtoHAsync to page-locked memory")
}

func (c *cuContext) CopyDeviceAsync(dst, src DevicePtr, bytes int64, s Stream) error {
	return cuError("cuMemcpyDtoDAsync", cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), bytes, object[cu.Stream](uintptr(s))))
}

func (c *cuContext) Memset8Async(dst DevicePtr, value uint8, n int64, s Stream) error {
	return cuError("cuMemsetD8Async", cu.MemsetD8Async(cu.DevicePtr(dst), value, n, object[cu.Stream](uintptr(s))))
}

func (c *cuContext) Memset32Async(dst DevicePtr, value uint32, n int64, s Stream) error {
	return cuError("cuMemsetD32Async", cu.MemsetD32Async(cu.DevicePtr(dst), uint(value), n, object[cu.Stream](uintptr(s))))
}

func (c *cuContext) NewStream() (Stream, error) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return Stream(handle(s)), cuError("cuStreamCreate", err)
}

func (c *cuContext) DestroyStream(s Stream) error {
	o := object[cu.Stream](uintptr(s))
	return cuError("cuStreamDestroy", o.Destroy())
}

func (c *cuContext) SyncStream(s Stream) error {
	return cuError("cuStreamSynchronize", object[cu.Stream](uintptr(s)).Synchronize())
}

func (c *cuContext) WaitEvent(s Stream, e Event) error {
	return cuError("cuStreamWaitEvent", object[cu.Stream](uintptr(s)).Wait(object[cu.Event](uintptr(e)), 0))
}

func (c *cuContext) NewEvent(timing bool) (Event, error) {
	flags := cu.DisableTiming
	if timing {
		flags = cu.DefaultEvent
	}
	e, err := cu.MakeEvent(flags)
	return Event(handle(e)), cuError("cuEventCreate", err)
}

func (c *cuContext) DestroyEvent(e Event) error {
	o := object[cu.Event](uintptr(e))
	return cuError("cuEventDestroy", cu.DestroyEvent(&o))
}

func (c *cuContext) RecordEvent(e Event, s Stream) error {
	return cuError("cuEventRecord", object[cu.Event](uintptr(e)).Record(object[cu.Stream](uintptr(s))))
}

func (c *cuContext) EventDone(e Event) (bool, error) {
	err := cuError("cuEventQuery", object[cu.Event](uintptr(e)).Query())
	if errors.Is(err, NotReady) {
		return false, nil
	}
	return err == nil, err
}

func (c *cuContext) SyncEvent(e Event) error {
	return cuError("cuEventSynchronize", object[cu.Event](uintptr(e)).Synchronize())
}

func (c *cuContext) Elapsed(start, end Event) (time.Duration, error) {
	ms, err := object[cu.Event](uintptr(start)).Elapsed(object[cu.Event](uintptr(end)))
	return time.Duration(ms * float64(time.Millisecond)), cuError("cuEventElapsedTime", err)
}

// Launch passes every parameter as 8 bytes, since cu reads that many; the
// driver takes as many as the kernel declares.
func (c *cuContext) Launch(f Function, cfg LaunchConfig, args ...Arg) error {
	values := make([]uint64, len(args))
	pointers := make([]unsafe.Pointer, len(args))
	for i, a := range args {
		values[i] = a.Bits
		pointers[i] = unsafe.Pointer(&values[i])
	}
	return cuError("cuLaunchKernel", object[cu.Function](uintptr(f)).Launch(
		int(cfg.Grid.X), int(cfg.Grid.Y), int(cfg.Grid.Z), int(cfg.Block.X), int(cfg.Block.Y), int(cfg.Block.Z),
		int(cfg.Shared), object[cu.Stream](uintptr(cfg.Stream)), pointers))
}

func (c *cuContext) BeginCapture(Stream) error            { return lacks("cuStreamBeginCapture") }
func (c *cuContext) EndCapture(Stream) (Graph, error)     { return 0, lacks("cuStreamEndCapture") }
func (c *cuContext) Instantiate(Graph) (GraphExec, error) { return 0, lacks("cuGraphInstantiate") }
func (c *cuContext) LaunchGraph(GraphExec, Stream) error  { return lacks("cuGraphLaunch") }
func (c *cuContext) DestroyGraph(Graph) error             { return lacks("cuGraphDestroy") }
func (c *cuContext) DestroyGraphExec(GraphExec) error     { return lacks("cuGraphExecDestroy") }
