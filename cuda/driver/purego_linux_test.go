//go:build linux && (amd64 || arm64) && !cpu && !cu

package driver

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// fake is a libcuda that notes its calls.
type fake struct {
	t      *testing.T
	path   string
	handle uintptr
}

// built has the fake libraries that were compiled, by their defines.
var built = map[string][]byte{}

// build compiles testdata/fakecuda.c with defines. Each test has a file of its
// own, for the loader knows libraries by their files.
func build(t *testing.T, defines ...string) *fake {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		if compiler, err = exec.LookPath("gcc"); err != nil {
			t.Skip("no C compiler here to build the fake driver with")
		}
	}
	f := &fake{t: t, path: filepath.Join(t.TempDir(), libraryName)}
	name := strings.Join(defines, " ")
	if image, ok := built[name]; ok {
		if err := os.WriteFile(f.path, image, 0o755); err != nil {
			t.Fatal(err)
		}
		return f
	}
	args := append([]string{"-shared", "-fPIC", "-O1", "-o", f.path, "testdata/fakecuda.c"}, defines...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if built[name], err = os.ReadFile(f.path); err != nil {
		t.Fatal(err)
	}
	return f
}

// symbol finds one of the fake's own functions.
func (f *fake) symbol(name string) uintptr {
	f.t.Helper()
	if f.handle == 0 {
		h, err := purego.Dlopen(f.path, purego.RTLD_NOW)
		if err != nil {
			f.t.Fatal(err)
		}
		f.handle = h
	}
	a, err := purego.Dlsym(f.handle, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// notes returns the calls since the last time.
func (f *fake) notes() string {
	f.t.Helper()
	var notes func() string
	purego.RegisterFunc(&notes, f.symbol("fake_notes"))
	s := notes()
	purego.SyscallN(f.symbol("fake_clear"))
	return strings.TrimSpace(s)
}

// fail makes a call of the driver return a result.
func (f *fake) fail(name string, r Result) {
	f.t.Helper()
	var fail func(string, int32)
	purego.RegisterFunc(&fail, f.symbol("fake_fail"))
	fail(name, int32(r))
}

// context opens the fake's device 1.
func (f *fake) context() Context {
	f.t.Helper()
	d, _, err := search([]string{f.path})
	if err != nil {
		f.t.Fatal(err)
	}
	c, err := d.Context(1)
	if err != nil {
		f.t.Fatal(err)
	}
	f.notes()
	return c
}

func TestMissingLibrary(t *testing.T) {
	paths := []string{"libcuda-that-is-not-here.so.1", filepath.Join(t.TempDir(), libraryName)}
	_, tried, err := search(paths)
	if !errors.Is(err, ErrUnavailable) || err.Error() != "cuda: no CUDA: libcuda-that-is-not-here.so.1 not found" {
		t.Errorf("got %v", err)
	}
	for i, p := range tried {
		if p.Path != paths[i] || !errors.Is(p.Err, errNotThere) {
			t.Errorf("place %d: got %+v", i, p)
		}
	}
}

// TestLoadReason: the loader's reason is that of the thread that asked, also
// where goroutines change threads all the time.
func TestLoadReason(t *testing.T) {
	broken := filepath.Join(t.TempDir(), libraryName)
	if err := os.WriteFile(broken, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 500 {
				if _, err := load(broken); err == nil || !strings.Contains(err.Error(), "does not load: "+broken+": ") {
					t.Errorf("got %v, want the reason too", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestSearch goes on behind what is no driver, and stops at a driver that
// answers.
func TestSearch(t *testing.T) {
	broken := filepath.Join(t.TempDir(), libraryName)
	if err := os.WriteFile(broken, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), libraryName)
	good, old, stub, none := build(t).path, build(t, "-DFAKE_OLD").path, build(t, "-DFAKE_INIT=34").path, build(t, "-DFAKE_INIT=100").path
	for _, tt := range []struct {
		name  string
		paths []string
		tried int
		want  string // in the error; "": it opens
	}{
		{name: "the first", paths: []string{good, old}, tried: 1},
		{name: "behind nothing", paths: []string{nowhere, good}, tried: 2},
		{name: "behind a broken one", paths: []string{broken, good}, tried: 2},
		{name: "behind an old one", paths: []string{old, good}, tried: 2},
		{name: "behind a stub", paths: []string{stub, good}, tried: 2},
		{name: "hidden", paths: []string{none, good}, tried: 1, want: "finds no GPU"},
		{name: "broken", paths: []string{broken, nowhere}, tried: 2, want: broken + " does not load"},
		{name: "old", paths: []string{nowhere, old, broken}, tried: 3, want: "lacks cuDevicePrimaryCtxRelease_v2; install a driver for CUDA 11.8"},
		{name: "stub", paths: []string{stub, nowhere}, tried: 2, want: "CUDA_ERROR_STUB_LIBRARY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, tried, err := search(tt.paths)
			if len(tried) != tt.tried {
				t.Errorf("tried %+v, want %d", tried, tt.tried)
			}
			if last := tried[len(tried)-1]; (tt.want == "" || tt.name == "hidden") && last.CUDA != 12040 {
				t.Errorf("got CUDA %d, want 12040", last.CUDA)
			}
			if tt.want == "" {
				if err != nil || l == nil || tried[len(tried)-1].Err != nil {
					t.Errorf("got %v, tried %+v", err, tried)
				}
				return
			}
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
}

// TestNoDevice has the driver say that every GPU is hidden, as real ones do
// when they are initialized.
func TestNoDevice(t *testing.T) {
	path := build(t, "-DFAKE_INIT=100").path
	for value, want := range map[string]string{
		"-1": `cuda: no CUDA: the driver finds no GPU (cuInit: CUDA_ERROR_NO_DEVICE); CUDA_VISIBLE_DEVICES="-1" may hide it; check nvidia-smi`,
		"":   `cuda: no CUDA: the driver finds no GPU (cuInit: CUDA_ERROR_NO_DEVICE); CUDA_VISIBLE_DEVICES="" may hide it; check nvidia-smi`,
	} {
		t.Setenv("CUDA_VISIBLE_DEVICES", value)
		_, _, err := search([]string{path})
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, NoDevice) || err.Error() != want {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestOptionalSymbols opens a library that lacks all that training goes
// without.
func TestOptionalSymbols(t *testing.T) {
	f := build(t, "-DFAKE_BARE")
	c := f.context()
	for _, tt := range []struct {
		name string
		call func() error
	}{
		{name: "cuFuncGetAttribute", call: func() error { return expect(c.FunctionAttribute(1, FunctionRegisters))(0) }},
		{name: "cuFuncSetAttribute", call: func() error { return c.SetFunctionAttribute(1, FunctionMaxDynamicShared, 1) }},
		{name: "cuMemAllocHost", call: func() error { _, err := c.AllocHost(4); return err }},
		{name: "cuMemcpyDtoDAsync", call: func() error { return c.CopyDeviceAsync(1, 2, 3, 0) }},
		{name: "cuMemsetD8Async", call: func() error { return c.Memset8Async(1, 2, 3, 0) }},
		{name: "cuEventQuery", call: func() error { return expect(c.EventDone(1))(false) }},
		{name: "cuEventElapsedTime", call: func() error { return expect(c.Elapsed(1, 2))(0) }},
		{name: "cuStreamWaitEvent", call: func() error { return c.WaitEvent(1, 2) }},
		{name: "cuStreamBeginCapture", call: func() error { return c.BeginCapture(1) }},
		{name: "cuGraphLaunch", call: func() error { return c.LaunchGraph(1, 2) }},
	} {
		err := tt.call()
		if want := "cuda: " + tt.name + ": not supported by this driver's library"; !errors.Is(err, ErrNotSupported) || err.Error() != want {
			t.Errorf("%s: want %q, got %v", tt.name, want, err)
		}
	}
	// A call that is there still works, and its error has the name of our own table.
	f.fail("cuMemAlloc_v2", OutOfMemory)
	if _, err := c.Alloc(1); !errors.Is(err, OutOfMemory) || !strings.Contains(err.Error(), "CUDA_ERROR_OUT_OF_MEMORY") {
		t.Errorf("got %v", err)
	}
}

// TestDroppedContexts collects contexts that nobody closed: that is a leak of
// theirs, not the end of the process.
func TestDroppedContexts(t *testing.T) {
	f := build(t)
	for range 100 {
		c := f.context()
		if err := c.Launch(1, LaunchConfig{}, Ptr(1), Int32(2), Float32(3), Float64(4)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		runtime.GC()
	}
}

// TestArgsAreUsedAgain holds that contexts that are closed give back what a
// launch needs, and launch no more.
func TestArgsAreUsedAgain(t *testing.T) {
	f := build(t)
	pooled := func() int {
		argPool.Lock()
		defer argPool.Unlock()
		return len(argPool.free)
	}
	c := f.context()
	before := pooled()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := pooled(); got != before+1 {
		t.Errorf("%d buffers before, %d after", before, got)
	}
	if err := c.Launch(1, LaunchConfig{}); !errors.Is(err, InvalidContext) {
		t.Errorf("a launch in a closed context: got %v", err)
	}
	f.context()
	if got := pooled(); got != before {
		t.Errorf("%d buffers before, %d after", before, got)
	}
}

func TestDevice(t *testing.T) {
	f := build(t)
	l, _, err := search([]string{f.path})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := l.Version(); v != 12040 || err != nil {
		t.Errorf("version: got %d, %v", v, err)
	}
	if n, err := l.DeviceCount(); n != 2 || err != nil {
		t.Errorf("devices: got %d, %v", n, err)
	}
	if d, err := l.Device(1); d != (Device{Name: "Fake GPU 11", Memory: 1 << 37, Major: 9}) || err != nil {
		t.Errorf("device: got %+v, %v", d, err)
	}
	if v, err := l.DeviceAttribute(1, SharedOptin); v != 1097 || err != nil {
		t.Errorf("attribute: got %d, %v", v, err)
	}
}

// TestCalls checks what reaches the library, call by call.
func TestCalls(t *testing.T) {
	f := build(t)
	c := f.context()
	host, err := c.AllocHost(4)
	if err != nil {
		t.Fatal(err)
	}
	copy(host, "host")
	f.notes()
	const p, s = DevicePtr(0x7f0000001000), Stream(0x57)
	tests := []struct {
		name string
		call func() error
		want string
	}{
		{name: "SetCurrent", call: c.SetCurrent, want: "cuCtxSetCurrent c0ffee"},
		{name: "Synchronize", call: c.Synchronize, want: "cuCtxSynchronize"},
		{name: "MemInfo", call: func() error { return second(value(c.MemInfo())) }, want: "cuMemGetInfo_v2"},
		{name: "LoadModule", call: func() error { return expect(c.LoadModule([]byte("ptx")))(0x30d) }, want: "cuModuleLoadDataEx ptx 2"},
		{name: "Function", call: func() error { return expect(c.Function(0x30d, "gemm"))(0xf0) }, want: "cuModuleGetFunction 30d gemm"},
		{name: "FunctionAttribute", call: func() error { return expect(c.FunctionAttribute(0xf0, FunctionRegisters))(54) }, want: "cuFuncGetAttribute 4 f0"},
		{name: "SetFunctionAttribute", call: func() error { return c.SetFunctionAttribute(0xf0, FunctionMaxDynamicShared, 99<<10) }, want: "cuFuncSetAttribute f0 8 101376"},
		{name: "Alloc", call: func() error { return expect(c.Alloc(5 << 30))(0x7f1234567800) }, want: "cuMemAlloc_v2 5368709120"},
		{name: "Free", call: func() error { return c.Free(p) }, want: "cuMemFree_v2 7f0000001000"},
		{name: "CopyToDevice", call: func() error { return c.CopyToDevice(p, []byte("hello")) }, want: "cuMemcpyHtoD_v2 7f0000001000 hello"},
		{name: "CopyToDeviceAsync", call: func() error { return c.CopyToDeviceAsync(p, host, s) }, want: "cuMemcpyHtoDAsync_v2 7f0000001000 host 57"},
		{name: "CopyDeviceAsync", call: func() error { return c.CopyDeviceAsync(p, p+4096, 6<<30, s) }, want: "cuMemcpyDtoDAsync_v2 7f0000001000 7f0000002000 6442450944 57"},
		{name: "Memset8Async", call: func() error { return c.Memset8Async(p, 255, 3, s) }, want: "cuMemsetD8Async 7f0000001000 255 3 57"},
		{name: "Memset32Async", call: func() error { return c.Memset32Async(p, 1<<31, 3, s) }, want: "cuMemsetD32Async 7f0000001000 2147483648 3 57"},
		{name: "NewStream", call: func() error { return expect(c.NewStream())(s) }, want: "cuStreamCreate 1"},
		{name: "SyncStream", call: func() error { return c.SyncStream(s) }, want: "cuStreamSynchronize 57"},
		{name: "NewEvent", call: func() error { return expect(c.NewEvent(true))(0xe0) }, want: "cuEventCreate 0"},
		{name: "NewEvent without clock", call: func() error { return expect(c.NewEvent(false))(0xe2) }, want: "cuEventCreate 2"},
		{name: "RecordEvent", call: func() error { return c.RecordEvent(0xe0, s) }, want: "cuEventRecord e0 57"},
		{name: "WaitEvent", call: func() error { return c.WaitEvent(s, 0xe0) }, want: "cuStreamWaitEvent 57 e0 0"},
		{name: "EventDone", call: func() error { return expect(c.EventDone(0xe0))(true) }, want: "cuEventQuery e0"},
		{name: "SyncEvent", call: func() error { return c.SyncEvent(0xe0) }, want: "cuEventSynchronize e0"},
		{name: "Elapsed", call: func() error { return expect(c.Elapsed(0xe0, 0xe1))(1500 * time.Microsecond) }, want: "cuEventElapsedTime e0 e1"},
		{name: "Launch", call: func() error {
			return c.Launch(0xf0, LaunchConfig{Grid: Dim3{X: 1, Y: 2, Z: 3}, Block: Dim3{X: 4, Y: 5, Z: 6}, Shared: 7, Stream: s},
				Ptr(p), Int32(-8), Float32(1.5), Float64(-2.5))
		}, want: "cuLaunchKernel f0 1,2,3 4,5,6 7 57 | 7f0000001000 -8 1.5 -2.5 0"},
		{name: "BeginCapture", call: func() error { return c.BeginCapture(s) }, want: "cuStreamBeginCapture_v2 57 1"},
		{name: "EndCapture", call: func() error { return expect(c.EndCapture(s))(0x9a) }, want: "cuStreamEndCapture 57"},
		{name: "Instantiate", call: func() error { return expect(c.Instantiate(0x9a))(0xe8ec) }, want: "cuGraphInstantiateWithFlags 9a 0"},
		{name: "LaunchGraph", call: func() error { return c.LaunchGraph(0xe8ec, s) }, want: "cuGraphLaunch e8ec 57"},
		{name: "DestroyGraphExec", call: func() error { return c.DestroyGraphExec(0xe8ec) }, want: "cuGraphExecDestroy e8ec"},
		{name: "DestroyGraph", call: func() error { return c.DestroyGraph(0x9a) }, want: "cuGraphDestroy 9a"},
		{name: "DestroyEvent", call: func() error { return c.DestroyEvent(0xe0) }, want: "cuEventDestroy_v2 e0"},
		{name: "DestroyStream", call: func() error { return c.DestroyStream(s) }, want: "cuStreamDestroy_v2 57"},
		{name: "UnloadModule", call: func() error { return c.UnloadModule(0x30d) }, want: "cuModuleUnload 30d"},
		{name: "FreeHost", call: func() error { return c.FreeHost(host) }, want: "cuMemFreeHost"},
		{name: "Close", call: c.Close, want: "cuDevicePrimaryCtxRelease_v2 11"},
	}
	for _, tt := range tests {
		if err := tt.call(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := f.notes(); got != tt.want {
			t.Errorf("%s: want the call %q, got %q", tt.name, tt.want, got)
		}
	}
}

// expect returns a function that compares a call's result.
func expect[T comparable](got T, err error) func(want T) error {
	return func(want T) error {
		if err == nil && got != want {
			return errors.New("wrong result")
		}
		return err
	}
}

// value and second check MemInfo's results.
func value(free, total int64, err error) ([2]int64, error) { return [2]int64{free, total}, err }

func second(got [2]int64, err error) error { return expect(got, err)([2]int64{1 << 36, 1 << 37}) }

func TestCopiesToHost(t *testing.T) {
	f := build(t)
	c := f.context()
	b := make([]byte, 5)
	if err := c.CopyToHost(b, 0x1000); err != nil || string(b) != "xxxxx" {
		t.Errorf("got %q, %v", b, err)
	}
	host, err := c.AllocHost(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CopyToHostAsync(host, 0x1000, 0x57); err != nil || string(host) != "yyy" {
		t.Errorf("got %q, %v", host, err)
	}
	if want := "cuMemcpyDtoH_v2 1000 5\ncuMemAllocHost_v2 3\ncuMemcpyDtoHAsync_v2 1000 3 57"; f.notes() != want {
		t.Errorf("want the calls %q", want)
	}
	if err := c.FreeHost(host); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	f := build(t)
	c := f.context()
	f.fail("cuMemAlloc_v2", OutOfMemory)
	_, err := c.Alloc(1)
	if want := "cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"; !errors.Is(err, OutOfMemory) || err.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
	f.fail("cuMemFree_v2", 777)
	if err, want := c.Free(1), "cuda: cuMemFree: CUDA_ERROR_FROM_THE_FUTURE (not yet known)"; err == nil || err.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
	f.fail("cuModuleLoadDataEx", InvalidPTX)
	_, err = c.LoadModule([]byte("bad"))
	if want := "cuda: cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (a PTX JIT compilation failed): compiler's log:\nptxas: line 3 is wrong"; !errors.Is(err, InvalidPTX) || err.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
	f.fail("cuModuleGetFunction", NotFound)
	_, err = c.Function(1, "nosuch")
	if !errors.Is(err, NotFound) || !strings.HasSuffix(err.Error(), `kernel "nosuch"`) {
		t.Errorf("got %v", err)
	}
	f.fail("cuEventQuery", NotReady)
	if done, err := c.EventDone(1); done || err != nil {
		t.Errorf("an event that is not reached: got %v, %v", done, err)
	}
	if err := c.Launch(1, LaunchConfig{}, make([]Arg, maxArgs+1)...); !errors.Is(err, InvalidValue) {
		t.Errorf("too many parameters: got %v", err)
	}
	if _, err := c.LoadModule(nil); !errors.Is(err, InvalidImage) {
		t.Errorf("an empty image: got %v", err)
	}
}

func TestDo(t *testing.T) {
	f := build(t)
	c := f.context()
	wrong := errors.New("wrong")
	if err := Do(c, func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	f.fail("cuCtxSetCurrent", InvalidContext)
	if err := Do(c, func() error { return nil }); !errors.Is(err, InvalidContext) {
		t.Errorf("got %v", err)
	}
}

func TestLaunchAllocatesLittle(t *testing.T) {
	f := build(t)
	c := f.context()
	args := []Arg{Ptr(1), Int32(2), Float32(3), Float64(4)}
	forget := f.symbol("fake_clear")
	n := testing.AllocsPerRun(100, func() {
		purego.SyscallN(forget)
		if err := c.Launch(1, LaunchConfig{}, args...); err != nil {
			t.Fatal(err)
		}
	})
	if n > 2 {
		t.Errorf("a launch allocates %v times", n)
	}
}

// TestArgSizes holds the sizes that the simulator and the driver rely on.
func TestArgSizes(t *testing.T) {
	for _, tt := range []struct {
		arg  Arg
		size uintptr
		bits uint64
	}{
		{arg: Ptr(1 << 40), size: unsafe.Sizeof(DevicePtr(0)), bits: 1 << 40},
		{arg: Int32(-1), size: 4, bits: 1<<32 - 1},
		{arg: Uint32(7), size: 4, bits: 7},
		{arg: Float32(1), size: 4, bits: 0x3f800000},
		{arg: Int64(-1), size: 8, bits: 1<<64 - 1},
		{arg: Uint64(9), size: 8, bits: 9},
		{arg: Float64(1), size: 8, bits: 0x3ff0000000000000},
	} {
		if tt.arg.Size != int(tt.size) || tt.arg.Bits != tt.bits {
			t.Errorf("got %+v, want %d bytes %#x", tt.arg, tt.size, tt.bits)
		}
	}
}
