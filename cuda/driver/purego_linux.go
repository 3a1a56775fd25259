//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// load loads the driver's library from a path and initializes the driver. The
// library comes back beside the error where only the driver refused.
func load(path string) (*library, error) {
	if _, err := os.Stat(path); filepath.IsAbs(path) && err != nil {
		return nil, errNotThere
	}
	runtime.LockOSThread() // the loader keeps its reason for the thread that asked
	defer runtime.UnlockOSThread()
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		if strings.Contains(err.Error(), path+": cannot open shared object file: No such file") {
			return nil, errNotThere
		}
		return nil, fmt.Errorf("cuda: %w: %s does not load: %w", ErrUnavailable, path, err)
	}
	l := &library{}
	for _, s := range l.symbols() {
		a, err := purego.Dlsym(h, s.name)
		if err != nil && !s.optional {
			return nil, fmt.Errorf("cuda: %w: %s lacks %s; install a driver for CUDA 11.8 or newer", ErrUnavailable, path, s.name)
		}
		*s.fn = function{addr: a, name: strings.TrimSuffix(s.name, "_v2")}
	}
	switch err := l.call(&l.init, 0); {
	case errors.Is(err, NoDevice):
		return l, NoGPU(l.init.name)
	case err != nil:
		return l, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	return l, nil
}

// function is an entry of the library.
type function struct {
	addr uintptr // 0 where the library lacks it
	name string  // without the version
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
	fn       *function
	name     string
	optional bool // training goes without it, so only its call is an error
}

// symbols lists every entry. The versioned names are those that cuda.h has
// meant since CUDA 3.2; the plain ones take other types. A VM trains without
// the optional ones: without graphs it launches kernels one by one, and only
// sets that do not fit into the GPU's memory need page-locked memory.
func (l *library) symbols() []symbol {
	return []symbol{
		{fn: &l.init, name: "cuInit"},
		{fn: &l.errorName, name: "cuGetErrorName", optional: true},
		{fn: &l.errorString, name: "cuGetErrorString", optional: true},
		{fn: &l.driverVersion, name: "cuDriverGetVersion"},
		{fn: &l.deviceCount, name: "cuDeviceGetCount"},
		{fn: &l.deviceGet, name: "cuDeviceGet"},
		{fn: &l.deviceName, name: "cuDeviceGetName"},
		{fn: &l.deviceMemory, name: "cuDeviceTotalMem_v2"},
		{fn: &l.deviceAttr, name: "cuDeviceGetAttribute"},
		{fn: &l.retain, name: "cuDevicePrimaryCtxRetain"},
		{fn: &l.release, name: "cuDevicePrimaryCtxRelease_v2"},
		{fn: &l.setCurrent, name: "cuCtxSetCurrent"},
		{fn: &l.ctxSync, name: "cuCtxSynchronize"},
		{fn: &l.moduleLoad, name: "cuModuleLoadDataEx"},
		{fn: &l.moduleUnload, name: "cuModuleUnload"},
		{fn: &l.moduleFunction, name: "cuModuleGetFunction"},
		{fn: &l.funcAttr, name: "cuFuncGetAttribute", optional: true},
		{fn: &l.setAttr, name: "cuFuncSetAttribute", optional: true},
		{fn: &l.memInfo, name: "cuMemGetInfo_v2"},
		{fn: &l.alloc, name: "cuMemAlloc_v2"},
		{fn: &l.free, name: "cuMemFree_v2"},
		{fn: &l.allocHost, name: "cuMemAllocHost_v2", optional: true},
		{fn: &l.freeHost, name: "cuMemFreeHost", optional: true},
		{fn: &l.htod, name: "cuMemcpyHtoD_v2"},
		{fn: &l.dtoh, name: "cuMemcpyDtoH_v2"},
		{fn: &l.htodAsync, name: "cuMemcpyHtoDAsync_v2", optional: true},
		{fn: &l.dtohAsync, name: "cuMemcpyDtoHAsync_v2", optional: true},
		{fn: &l.dtodAsync, name: "cuMemcpyDtoDAsync_v2", optional: true},
		{fn: &l.set8, name: "cuMemsetD8Async", optional: true},
		{fn: &l.set32, name: "cuMemsetD32Async"},
		{fn: &l.streamNew, name: "cuStreamCreate"},
		{fn: &l.streamDestroy, name: "cuStreamDestroy_v2"},
		{fn: &l.streamSync, name: "cuStreamSynchronize"},
		{fn: &l.streamWait, name: "cuStreamWaitEvent", optional: true},
		{fn: &l.eventNew, name: "cuEventCreate"},
		{fn: &l.eventDestroy, name: "cuEventDestroy_v2"},
		{fn: &l.eventRecord, name: "cuEventRecord"},
		{fn: &l.eventQuery, name: "cuEventQuery", optional: true},
		{fn: &l.eventSync, name: "cuEventSynchronize"},
		{fn: &l.eventElapsed, name: "cuEventElapsedTime", optional: true},
		{fn: &l.launch, name: "cuLaunchKernel"},
		{fn: &l.capture, name: "cuStreamBeginCapture_v2", optional: true},
		{fn: &l.endCapture, name: "cuStreamEndCapture", optional: true},
		{fn: &l.instantiate, name: "cuGraphInstantiateWithFlags", optional: true},
		{fn: &l.graphLaunch, name: "cuGraphLaunch", optional: true},
		{fn: &l.graphDestroy, name: "cuGraphDestroy", optional: true},
		{fn: &l.execDestroy, name: "cuGraphExecDestroy", optional: true},
	}
}

// call calls an entry and turns its result into an error. What the arguments
// point to must be pinned by the caller.
func (l *library) call(f *function, args ...uintptr) error {
	if f.addr == 0 {
		return fmt.Errorf("cuda: %s: %w by this driver's library", f.name, ErrNotSupported)
	}
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
	if f.addr == 0 {
		return ""
	}
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
