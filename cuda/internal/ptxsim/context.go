package ptxsim

import (
	"errors"
	"fmt"
	"unsafe"

	"aegis/cuda/driver"
)

// context implements driver.Context. It guards nothing against use from
// several goroutines at once, as the interface says.
type context struct {
	system  *system
	options Options
	mem     *memory
	sticky  *driver.Error // a fault; every later call returns it
	closed  bool
	next    uintptr // the next handle
	seq     uint64  // see race.go

	modules   map[driver.Module]*loaded
	functions map[driver.Function]*kernel
	streams   map[driver.Stream]*stream
	order     []*stream // as they were made
	events    map[driver.Event]*event
	graphs    map[driver.Graph]*graph
	execs     map[driver.GraphExec]*graph
	host      map[unsafe.Pointer][]byte
	capturing *stream
}

// loaded is a module in use.
type loaded struct {
	globals []*alloc
	kernels map[string]driver.Function
}

func newContext(s *system) *context {
	c := &context{
		system: s, options: s.options, mem: newMemory(s.options.Memory), next: 1,
		modules: map[driver.Module]*loaded{}, functions: map[driver.Function]*kernel{},
		streams: map[driver.Stream]*stream{}, events: map[driver.Event]*event{},
		graphs: map[driver.Graph]*graph{}, execs: map[driver.GraphExec]*graph{}, host: map[unsafe.Pointer][]byte{},
	}
	c.addStream(0)
	return c
}

// handle returns a new handle.
func (c *context) handle() uintptr {
	c.next++
	return c.next
}

// begin is the start of every call: it fails after a fault or Close.
func (c *context) begin(call string) error {
	if c.closed {
		return driver.NewError(call, driver.InvalidContext, errors.New("ptxsim: the context is closed"))
	}
	if c.sticky != nil {
		e := *c.sticky
		e.Call = call
		return &e
	}
	return nil
}

// waits is the start of every call that a capture forbids; it spoils the
// capture.
func (c *context) waits(call string) error {
	if err := c.begin(call); err != nil {
		return err
	}
	if c.capturing != nil {
		c.capturing.capture.invalid = true
		return driver.NewError(call, driver.CaptureUnsupported, errors.New("ptxsim: the call is illegal while a stream is captured"))
	}
	return nil
}

// invalid is an error of a wrong argument.
func invalid(call, format string, args ...any) error {
	return driver.NewError(call, driver.InvalidValue, fmt.Errorf("ptxsim: "+format, args...))
}

// unknown is an error of a wrong handle.
func unknown(call, what string) error {
	return driver.NewError(call, driver.InvalidHandle, fmt.Errorf("ptxsim: unknown %s", what))
}

func (c *context) SetCurrent() error {
	if c.closed {
		return driver.NewError("cuCtxSetCurrent", driver.InvalidContext, errors.New("ptxsim: the context is closed"))
	}
	return nil
}

func (c *context) Synchronize() error {
	if err := c.waits("cuCtxSynchronize"); err != nil {
		return err
	}
	return c.drainAll("cuCtxSynchronize")
}

func (c *context) MemInfo() (free, total int64, err error) {
	return c.mem.limit - c.mem.used, c.mem.limit, c.begin("cuMemGetInfo")
}

func (c *context) LoadModule(image []byte) (driver.Module, error) {
	const call = "cuModuleLoadDataEx"
	if err := c.waits(call); err != nil {
		return 0, err
	}
	m, err := c.system.parse(image)
	if err != nil {
		return 0, driver.NewError(call, driver.InvalidPTX, err)
	}
	l := &loaded{kernels: map[string]driver.Function{}}
	globals := map[string]uint64{}
	for _, v := range m.globals {
		if v.scope == ".shared" {
			continue
		}
		a := c.mem.alloc(int64(v.size))
		if a == nil {
			return 0, driver.NewError(call, driver.OutOfMemory, nil)
		}
		clear(a.data)
		copy(a.data, v.init)
		a.set, a.readOnly = nil, v.scope == ".const"
		globals[v.name] = a.base
		l.globals = append(l.globals, a)
	}
	var failed error
	for _, name := range m.order {
		k, err := compile(m, name, globals)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		f := driver.Function(c.handle())
		c.functions[f], l.kernels[name] = k, f
	}
	if failed != nil {
		return 0, driver.NewError(call, driver.InvalidPTX, failed)
	}
	h := driver.Module(c.handle())
	c.modules[h] = l
	return h, nil
}

func (c *context) UnloadModule(m driver.Module) error {
	const call = "cuModuleUnload"
	if err := c.waits(call); err != nil {
		return err
	}
	l := c.modules[m]
	if l == nil {
		return unknown(call, "module")
	}
	if err := c.drainAll(call); err != nil {
		return err
	}
	for _, f := range l.kernels {
		delete(c.functions, f)
	}
	for _, a := range l.globals {
		c.mem.free(a.base)
	}
	delete(c.modules, m)
	return nil
}

func (c *context) Function(m driver.Module, name string) (driver.Function, error) {
	const call = "cuModuleGetFunction"
	if err := c.begin(call); err != nil {
		return 0, err
	}
	l := c.modules[m]
	if l == nil {
		return 0, unknown(call, "module")
	}
	f, ok := l.kernels[name]
	if !ok {
		return 0, driver.NewError(call, driver.NotFound, fmt.Errorf("ptxsim: kernel %q", name))
	}
	return f, nil
}

func (c *context) FunctionAttribute(f driver.Function, a driver.FunctionAttribute) (int, error) {
	const call = "cuFuncGetAttribute"
	k := c.functions[f]
	if err := c.begin(call); err != nil || k == nil {
		return 0, errors.Join(err, unknown(call, "function"))
	}
	switch a {
	case driver.FunctionMaxThreads:
		return k.maxThreads, nil
	case driver.FunctionShared:
		return k.shared, nil
	case driver.FunctionLocal:
		return k.localSize, nil
	case driver.FunctionRegisters:
		return min(k.n32-len(k.consts32)+2*(k.n64-len(k.consts64)), 255), nil
	case driver.FunctionMaxDynamicShared:
		return k.maxDynamic, nil
	}
	return 0, invalid(call, "attribute %d is not simulated", a)
}

func (c *context) SetFunctionAttribute(f driver.Function, a driver.FunctionAttribute, value int) error {
	const call = "cuFuncSetAttribute"
	if err := c.begin(call); err != nil {
		return err
	}
	k := c.functions[f]
	switch {
	case k == nil:
		return unknown(call, "function")
	case a != driver.FunctionMaxDynamicShared:
		return invalid(call, "attribute %d cannot be set", a)
	case value < 0 || value+k.shared > c.options.SharedOptin:
		return invalid(call, "kernel %s: %d bytes of dynamic and %d of static shared memory, want at most %d", k.name, value, k.shared, c.options.SharedOptin)
	}
	k.maxDynamic = value
	return nil
}

func (c *context) Alloc(bytes int64) (driver.DevicePtr, error) {
	const call = "cuMemAlloc"
	if err := c.waits(call); err != nil {
		return 0, err
	}
	if bytes <= 0 {
		return 0, invalid(call, "%d bytes", bytes)
	}
	a := c.mem.alloc(bytes)
	if a == nil {
		return 0, driver.NewError(call, driver.OutOfMemory, fmt.Errorf("ptxsim: want %d bytes, %d of %d are used", bytes, c.mem.used, c.mem.limit))
	}
	return driver.DevicePtr(a.base), nil
}

func (c *context) Free(p driver.DevicePtr) error {
	const call = "cuMemFree"
	if err := c.waits(call); err != nil {
		return err
	}
	if err := c.drainAll(call); err != nil {
		return err
	}
	if p != 0 && !c.mem.free(uint64(p)) {
		return invalid(call, "%#x is not what Alloc returned", uint64(p))
	}
	return nil
}

func (c *context) AllocHost(bytes int) ([]byte, error) {
	const call = "cuMemAllocHost"
	if err := c.waits(call); err != nil {
		return nil, err
	}
	if bytes <= 0 {
		return nil, invalid(call, "%d bytes", bytes)
	}
	b := make([]byte, bytes)
	c.host[unsafe.Pointer(&b[0])] = b
	return b, nil
}

func (c *context) FreeHost(b []byte) error {
	const call = "cuMemFreeHost"
	if err := c.waits(call); err != nil {
		return err
	}
	if err := c.drainAll(call); err != nil {
		return err
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if c.host[p] == nil {
		return invalid(call, "the slice is not what AllocHost returned")
	}
	delete(c.host, p)
	return nil
}

// pinned reports whether a slice lies in memory from AllocHost.
func (c *context) pinned(b []byte) bool {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	for start, h := range c.host {
		if s := uintptr(start); p >= s && p+uintptr(len(b)) <= s+uintptr(len(h)) {
			return true
		}
	}
	return len(b) == 0
}

func (c *context) CopyToDevice(dst driver.DevicePtr, src []byte) error {
	const call = "cuMemcpyHtoD"
	if err := c.waits(call); err != nil {
		return err
	}
	if err := c.drain(call, c.streams[0]); err != nil {
		return err
	}
	return c.toDevice(call, dst, src)
}

func (c *context) CopyToHost(dst []byte, src driver.DevicePtr) error {
	const call = "cuMemcpyDtoH"
	if err := c.waits(call); err != nil {
		return err
	}
	if err := c.drain(call, c.streams[0]); err != nil {
		return err
	}
	return c.toHost(call, dst, src)
}

func (c *context) toDevice(call string, dst driver.DevicePtr, src []byte) error {
	a, off, err := c.writable(call, dst, int64(len(src)))
	if err != nil {
		return err
	}
	copy(a.data[off:], src)
	a.written(off, uint64(len(src)))
	return nil
}

func (c *context) toHost(call string, dst []byte, src driver.DevicePtr) error {
	a, off, err := c.mem.span(uint64(src), int64(len(dst)))
	if err != nil {
		return invalid(call, "read of %w", err)
	}
	copy(dst, a.data[off:])
	return nil
}

// writable finds the bytes that a copy or fill writes.
func (c *context) writable(call string, dst driver.DevicePtr, n int64) (*alloc, uint64, error) {
	a, off, err := c.mem.span(uint64(dst), n)
	if err != nil {
		return nil, 0, invalid(call, "write of %w", err)
	}
	return a, off, nil
}

func (c *context) Close() error {
	if err := c.waits("cuDevicePrimaryCtxRelease"); err != nil && c.sticky == nil {
		return err
	}
	c.closed = true
	return nil
}
