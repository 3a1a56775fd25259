//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// The driver's constants that the calls below pass.
const (
	streamNonBlocking  = 1 // CU_STREAM_NON_BLOCKING
	eventTiming        = 0 // CU_EVENT_DEFAULT
	eventNoTiming      = 2 // CU_EVENT_DISABLE_TIMING
	captureThreadLocal = 1 // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
	jitErrorLog        = 5 // CU_JIT_ERROR_LOG_BUFFER
	jitErrorLogSize    = 6 // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
	jitLogBytes        = 16 << 10
)

// context implements Context.
type context struct {
	l      *library
	dev    int32
	handle uintptr

	args *argBuffer // of Launch, so that it allocates nothing; nil once closed
}

func newContext(l *library, dev int32, handle uintptr) *context {
	return &context{l: l, dev: dev, handle: handle, args: takeArgs()}
}

func (c *context) SetCurrent() error  { return c.l.call(&c.l.setCurrent, c.handle) }
func (c *context) Synchronize() error { return c.l.call(&c.l.ctxSync) }

func (c *context) Close() error {
	if c.args != nil {
		giveArgs(c.args)
		c.args = nil
	}
	return c.l.call(&c.l.release, uintptr(c.dev))
}

func (c *context) MemInfo() (free, total int64, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	v := new([2]uint64)
	pin.Pin(v)
	err = c.l.call(&c.l.memInfo, uintptr(unsafe.Pointer(&v[0])), uintptr(unsafe.Pointer(&v[1])))
	return int64(v[0]), int64(v[1]), err
}

func (c *context) LoadModule(image []byte) (Module, error) {
	if len(image) == 0 {
		return 0, NewError("cuModuleLoadDataEx", InvalidImage, errors.New("the image is empty"))
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	text := append(append([]byte(nil), image...), 0) // PTX must end with a zero byte
	log := make([]byte, jitLogBytes)
	options := &[2]uint32{jitErrorLog, jitErrorLogSize}
	values := &[2]uintptr{uintptr(unsafe.Pointer(&log[0])), jitLogBytes}
	pin.Pin(&text[0])
	pin.Pin(&log[0])
	pin.Pin(options)
	pin.Pin(values)
	m, err := out[uintptr](c.l, &c.l.moduleLoad, uintptr(unsafe.Pointer(&text[0])),
		uintptr(len(options)), uintptr(unsafe.Pointer(options)), uintptr(unsafe.Pointer(values)))
	if err == nil {
		return Module(m), nil
	}
	var e *Error
	if s := strings.TrimSpace(strings.TrimRight(string(log), "\x00")); s != "" && errors.As(err, &e) {
		e.Detail = fmt.Errorf("compiler's log:\n%s", s)
	}
	return 0, err
}

func (c *context) UnloadModule(m Module) error { return c.l.call(&c.l.moduleUnload, uintptr(m)) }

func (c *context) Function(m Module, name string) (Function, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	b := append([]byte(name), 0)
	pin.Pin(&b[0])
	f, err := out[uintptr](c.l, &c.l.moduleFunction, uintptr(m), uintptr(unsafe.Pointer(&b[0])))
	if e, ok := errors.AsType[*Error](err); ok {
		e.Detail = fmt.Errorf("kernel %q", name)
	}
	return Function(f), err
}

func (c *context) FunctionAttribute(f Function, a FunctionAttribute) (int, error) {
	v, err := out[int32](c.l, &c.l.funcAttr, uintptr(a), uintptr(f))
	return int(v), err
}

func (c *context) SetFunctionAttribute(f Function, a FunctionAttribute, value int) error {
	return c.l.call(&c.l.setAttr, uintptr(f), uintptr(a), uintptr(value))
}

func (c *context) Alloc(bytes int64) (DevicePtr, error) {
	p, err := out[uint64](c.l, &c.l.alloc, uintptr(bytes))
	return DevicePtr(p), err
}

func (c *context) Free(p DevicePtr) error { return c.l.call(&c.l.free, uintptr(p)) }

func (c *context) AllocHost(bytes int) ([]byte, error) {
	p, err := out[unsafe.Pointer](c.l, &c.l.allocHost, uintptr(bytes))
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), bytes), nil
}

func (c *context) FreeHost(b []byte) error {
	return c.l.call(&c.l.freeHost, uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

func (c *context) CopyToDevice(dst DevicePtr, src []byte) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	return c.l.call(&c.l.htod, uintptr(dst), address(&pin, src), uintptr(len(src)))
}

func (c *context) CopyToHost(dst []byte, src DevicePtr) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	return c.l.call(&c.l.dtoh, address(&pin, dst), uintptr(src), uintptr(len(dst)))
}

// address pins a slice and returns where it is.
func address(pin *runtime.Pinner, b []byte) uintptr {
	if len(b) == 0 {
		return 0
	}
	pin.Pin(&b[0])
	return uintptr(unsafe.Pointer(&b[0]))
}

func (c *context) CopyToDeviceAsync(dst DevicePtr, src []byte, s Stream) error {
	return c.l.call(&c.l.htodAsync, uintptr(dst), uintptr(unsafe.Pointer(unsafe.SliceData(src))), uintptr(len(src)), uintptr(s))
}

func (c *context) CopyToHostAsync(dst []byte, src DevicePtr, s Stream) error {
	return c.l.call(&c.l.dtohAsync, uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(src), uintptr(len(dst)), uintptr(s))
}

func (c *context) CopyDeviceAsync(dst, src DevicePtr, bytes int64, s Stream) error {
	return c.l.call(&c.l.dtodAsync, uintptr(dst), uintptr(src), uintptr(bytes), uintptr(s))
}

func (c *context) Memset8Async(dst DevicePtr, value uint8, n int64, s Stream) error {
	return c.l.call(&c.l.set8, uintptr(dst), uintptr(value), uintptr(n), uintptr(s))
}

func (c *context) Memset32Async(dst DevicePtr, value uint32, n int64, s Stream) error {
	return c.l.call(&c.l.set32, uintptr(dst), uintptr(value), uintptr(n), uintptr(s))
}

func (c *context) NewStream() (Stream, error) {
	s, err := out[uintptr](c.l, &c.l.streamNew, streamNonBlocking)
	return Stream(s), err
}

func (c *context) DestroyStream(s Stream) error { return c.l.call(&c.l.streamDestroy, uintptr(s)) }
func (c *context) SyncStream(s Stream) error    { return c.l.call(&c.l.streamSync, uintptr(s)) }

func (c *context) WaitEvent(s Stream, e Event) error {
	return c.l.call(&c.l.streamWait, uintptr(s), uintptr(e), 0)
}

func (c *context) NewEvent(timing bool) (Event, error) {
	flags := uintptr(eventNoTiming)
	if timing {
		flags = eventTiming
	}
	e, err := out[uintptr](c.l, &c.l.eventNew, flags)
	return Event(e), err
}

func (c *context) DestroyEvent(e Event) error { return c.l.call(&c.l.eventDestroy, uintptr(e)) }

func (c *context) RecordEvent(e Event, s Stream) error {
	return c.l.call(&c.l.eventRecord, uintptr(e), uintptr(s))
}

func (c *context) EventDone(e Event) (bool, error) {
	err := c.l.call(&c.l.eventQuery, uintptr(e))
	if errors.Is(err, NotReady) {
		return false, nil
	}
	return err == nil, err
}

func (c *context) SyncEvent(e Event) error { return c.l.call(&c.l.eventSync, uintptr(e)) }

func (c *context) Elapsed(start, end Event) (time.Duration, error) {
	ms, err := out[float32](c.l, &c.l.eventElapsed, uintptr(start), uintptr(end))
	return time.Duration(float64(ms) * float64(time.Millisecond)), err
}

func (c *context) Launch(f Function, cfg LaunchConfig, args ...Arg) error {
	if len(args) > maxArgs {
		return NewError(c.l.launch.name, InvalidValue, fmt.Errorf("%d parameters, want at most %d", len(args), maxArgs))
	}
	if c.args == nil {
		return NewError(c.l.launch.name, InvalidContext, errors.New("the context is closed"))
	}
	for i, a := range args {
		c.args.values[i] = a.Bits
	}
	return c.l.call(&c.l.launch, uintptr(f),
		uintptr(cfg.Grid.X), uintptr(cfg.Grid.Y), uintptr(cfg.Grid.Z),
		uintptr(cfg.Block.X), uintptr(cfg.Block.Y), uintptr(cfg.Block.Z),
		uintptr(cfg.Shared), uintptr(cfg.Stream), uintptr(unsafe.Pointer(&c.args.pointers)), 0)
}

func (c *context) BeginCapture(s Stream) error {
	return c.l.call(&c.l.capture, uintptr(s), captureThreadLocal)
}

func (c *context) EndCapture(s Stream) (Graph, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	g := new(uintptr)
	pin.Pin(g)
	err := c.l.call(&c.l.endCapture, uintptr(s), uintptr(unsafe.Pointer(g)))
	return Graph(*g), err
}

func (c *context) Instantiate(g Graph) (GraphExec, error) {
	x, err := out[uintptr](c.l, &c.l.instantiate, uintptr(g), 0)
	return GraphExec(x), err
}

func (c *context) LaunchGraph(x GraphExec, s Stream) error {
	return c.l.call(&c.l.graphLaunch, uintptr(x), uintptr(s))
}

func (c *context) DestroyGraph(g Graph) error { return c.l.call(&c.l.graphDestroy, uintptr(g)) }

func (c *context) DestroyGraphExec(x GraphExec) error {
	return c.l.call(&c.l.execDestroy, uintptr(x))
}
