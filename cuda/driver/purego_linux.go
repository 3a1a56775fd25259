//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// libraryName is the driver's library; the kernel driver's package brings it.
const libraryName = "libcuda.so.1"

// Open loads the driver and initializes it.
func Open() (Driver, error) { return open(libraryName) }

// open loads the driver from a path, which tests choose.
func open(path string) (Driver, error) {
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		if strings.Contains(err.Error(), "No such file") {
			return nil, fmt.Errorf("cuda: %w: %s not found", ErrUnavailable, path)
		}
		return nil, fmt.Errorf("cuda: %w: %s does not load: %w", ErrUnavailable, path, err)
	}
	l := &library{}
	for _, s := range l.symbols() {
		a, err := purego.Dlsym(h, s.name)
		if err != nil {
			return nil, fmt.Errorf("cuda: %w: %s lacks %s; install a driver for CUDA 11.4 or newer", ErrUnavailable, path, s.name)
		}
		*s.fn = function{addr: a, name: strings.TrimSuffix(s.name, "_v2")}
	}
	if err := l.call(&l.init, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	return l, nil
}

// function is an entry of the library.
type function struct {
	addr uintptr
	name string // without the version
}

// library is the loaded driver. It implements Driver.
type library struct {
	init, errorName, errorString, driverVersion                  function
	deviceCount, deviceGet, deviceName, deviceMemory, deviceAttr function
	retain, release, setCurrent, ctxSync                         function
	moduleLoad, moduleUnload, moduleFunction, funcAttr, setAttr  function
	memInfo, alloc, free, allocHost, freeHost                    function
	htod, dtoh, htodAsync, dtohAsync, dtodAsync, set8, set32     function
	streamNew, streamDestroy, streamSync, streamWait             function
	eventNew, eventDestroy, eventRecord, eventQuery, eventSync   function
	eventElapsed, launch                                         function
	capture, endCapture, instantiate, graphLaunch, graphDestroy  function
	execDestroy                                                  function
}

// symbol ties an entry to the name and version under which it is exported.
type symbol struct {
	fn   *function
	name string
}

// symbols lists every entry. The versioned names are those that cuda.h has
// meant since CUDA 3.2; the plain ones take other types.
func (l *library) symbols() []symbol {
	return []symbol{
		{&l.init, "cuInit"},
		{&l.errorName, "cuGetErrorName"},
		{&l.errorString, "cuGetErrorString"},
		{&l.driverVersion, "cuDriverGetVersion"},
		{&l.deviceCount, "cuDeviceGetCount"},
		{&l.deviceGet, "cuDeviceGet"},
		{&l.deviceName, "cuDeviceGetName"},
		{&l.deviceMemory, "cuDeviceTotalMem_v2"},
		{&l.deviceAttr, "cuDeviceGetAttribute"},
		{&l.retain, "cuDevicePrimaryCtxRetain"},
		{&l.release, "cuDevicePrimaryCtxRelease_v2"},
		{&l.setCurrent, "cuCtxSetCurrent"},
		{&l.ctxSync, "cuCtxSynchronize"},
		{&l.moduleLoad, "cuModuleLoadDataEx"},
		{&l.moduleUnload, "cuModuleUnload"},
		{&l.moduleFunction, "cuModuleGetFunction"},
		{&l.funcAttr, "cuFuncGetAttribute"},
		{&l.setAttr, "cuFuncSetAttribute"},
		{&l.memInfo, "cuMemGetInfo_v2"},
		{&l.alloc, "cuMemAlloc_v2"},
		{&l.free, "cuMemFree_v2"},
		{&l.allocHost, "cuMemAllocHost_v2"},
		{&l.freeHost, "cuMemFreeHost"},
		{&l.htod, "cuMemcpyHtoD_v2"},
		{&l.dtoh, "cuMemcpyDtoH_v2"},
		{&l.htodAsync, "cuMemcpyHtoDAsync_v2"},
		{&l.dtohAsync, "cuMemcpyDtoHAsync_v2"},
		{&l.dtodAsync, "cuMemcpyDtoDAsync_v2"},
		{&l.set8, "cuMemsetD8Async"},
		{&l.set32, "cuMemsetD32Async"},
		{&l.streamNew, "cuStreamCreate"},
		{&l.streamDestroy, "cuStreamDestroy_v2"},
		{&l.streamSync, "cuStreamSynchronize"},
		{&l.streamWait, "cuStreamWaitEvent"},
		{&l.eventNew, "cuEventCreate"},
		{&l.eventDestroy, "cuEventDestroy_v2"},
		{&l.eventRecord, "cuEventRecord"},
		{&l.eventQuery, "cuEventQuery"},
		{&l.eventSync, "cuEventSynchronize"},
		{&l.eventElapsed, "cuEventElapsedTime"},
		{&l.launch, "cuLaunchKernel"},
		{&l.capture, "cuStreamBeginCapture_v2"},
		{&l.endCapture, "cuStreamEndCapture"},
		{&l.instantiate, "cuGraphInstantiateWithFlags"},
		{&l.graphLaunch, "cuGraphLaunch"},
		{&l.graphDestroy, "cuGraphDestroy"},
		{&l.execDestroy, "cuGraphExecDestroy"},
	}
}

// call calls an entry and turns its result into an error. What the arguments
// point to must be pinned by the caller.
func (l *library) call(f *function, args ...uintptr) error {
	r, _, _ := purego.SyscallN(f.addr, args...)
	if Result(int32(r)) == Success {
		return nil
	}
	return l.errorOf(f.name, Result(int32(r)))
}

// errorOf asks the driver for the name and the text of a result.
func (l *library) errorOf(call string, r Result) *Error {
	e := NewError(call, r, nil)
	if s := l.text(&l.errorName, r); s != "" {
		e.Name = s
	}
	if s := l.text(&l.errorString, r); s != "" {
		e.Text = s
	}
	return e
}

// text calls cuGetErrorName or cuGetErrorString.
func (l *library) text(f *function, r Result) string {
	var pin runtime.Pinner
	defer pin.Unpin()
	p := new(*byte)
	pin.Pin(p)
	if code, _, _ := purego.SyscallN(f.addr, uintptr(r), uintptr(unsafe.Pointer(p))); int32(code) != 0 || *p == nil {
		return ""
	}
	return cString(*p)
}

// cString copies a string of C.
func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// out calls an entry whose first argument points to its result.
func out[T any](l *library, f *function, args ...uintptr) (T, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	v := new(T)
	pin.Pin(v)
	err := l.call(f, append([]uintptr{uintptr(unsafe.Pointer(v))}, args...)...)
	return *v, err
}

func (l *library) Version() (int, error) {
	v, err := out[int32](l, &l.driverVersion)
	return int(v), err
}

func (l *library) DeviceCount() (int, error) {
	n, err := out[int32](l, &l.deviceCount)
	return int(n), err
}

func (l *library) Device(ordinal int) (Device, error) {
	dev, err := out[int32](l, &l.deviceGet, uintptr(ordinal))
	if err != nil {
		return Device{}, err
	}
	d := Device{}
	if d.Name, err = l.name(dev); err != nil {
		return Device{}, err
	}
	mem, err := out[uint64](l, &l.deviceMemory, uintptr(dev))
	if err != nil {
		return Device{}, err
	}
	d.Memory = int64(mem)
	if d.Major, err = l.DeviceAttribute(ordinal, CapabilityMajor); err != nil {
		return Device{}, err
	}
	d.Minor, err = l.DeviceAttribute(ordinal, CapabilityMinor)
	return d, err
}

func (l *library) name(dev int32) (string, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	b := make([]byte, 256)
	pin.Pin(&b[0])
	if err := l.call(&l.deviceName, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)-1), uintptr(dev)); err != nil {
		return "", err
	}
	return cString(&b[0]), nil
}

func (l *library) DeviceAttribute(ordinal int, a DeviceAttribute) (int, error) {
	dev, err := out[int32](l, &l.deviceGet, uintptr(ordinal))
	if err != nil {
		return 0, err
	}
	v, err := out[int32](l, &l.deviceAttr, uintptr(a), uintptr(dev))
	return int(v), err
}

func (l *library) Context(ordinal int) (Context, error) {
	dev, err := out[int32](l, &l.deviceGet, uintptr(ordinal))
	if err != nil {
		return nil, err
	}
	h, err := out[uintptr](l, &l.retain, uintptr(dev))
	if err != nil {
		return nil, err
	}
	c := newContext(l, dev, h)
	if err := c.SetCurrent(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
