// Package driver is the part of the CUDA driver API that a training VM needs:
// devices, a context, modules, memory, streams, events, launches and graphs.
//
// The default build finds libcuda.so.1 at run time and needs neither a CUDA
// toolkit nor cgo. With -tags cu the same interface runs over gorgonia.org/cu.
// With -tags cpu there is no CUDA in the binary and Open says so. The package
// cuda/internal/ptxsim implements the interface for tests on machines without a GPU.
//
// Names follow the driver API: a ptr is a device address, sizes are in bytes.
package driver

import (
	"math"
	"runtime"
	"time"
)

// Handles name objects of the driver. Zero is no object, except that Stream 0
// is the default stream.
type (
	// DevicePtr is an address in a device's global memory.
	DevicePtr uint64
	// Module is a loaded PTX or cubin image.
	Module uintptr
	// Function is a kernel of a module.
	Function uintptr
	// Stream is a queue of work that runs in order.
	Stream uintptr
	// Event marks a place in a stream.
	Event uintptr
	// Graph is captured work.
	Graph uintptr
	// GraphExec is a graph made ready to launch.
	GraphExec uintptr
)

// Driver is an opened CUDA driver.
type Driver interface {
	// Version is the CUDA version that the driver supports, 11080 for 11.8.
	Version() (int, error)

	// DeviceCount is the number of devices that the process may use.
	DeviceCount() (int, error)

	// Device describes device ordinal, counted from 0.
	Device(ordinal int) (Device, error)

	// DeviceAttribute returns one of the driver's numbers about a device.
	DeviceAttribute(ordinal int, a DeviceAttribute) (int, error)

	// Context retains the device's primary context and makes it current on
	// the calling OS thread. See Do.
	Context(ordinal int) (Context, error)
}

// Context is a device's primary context. Its methods are called from one
// goroutine at a time, on an OS thread where it is current: inside Do, or
// after runtime.LockOSThread and SetCurrent.
type Context interface {
	// SetCurrent makes the context current on the calling OS thread.
	SetCurrent() error

	// Synchronize waits for all work on the device.
	Synchronize() error

	// MemInfo returns the free and the total global memory.
	MemInfo() (free, total int64, err error)

	// LoadModule compiles PTX, or takes a cubin as it is. Where the driver's
	// compiler refuses the PTX, the error carries its log.
	LoadModule(image []byte) (Module, error)

	// UnloadModule frees a module and its functions.
	UnloadModule(m Module) error

	// Function finds a kernel by its name in the PTX.
	Function(m Module, name string) (Function, error)

	// FunctionAttribute returns one of the driver's numbers about a kernel.
	FunctionAttribute(f Function, a FunctionAttribute) (int, error)

	// SetFunctionAttribute sets FunctionMaxDynamicShared; the driver refuses
	// to set the others.
	SetFunctionAttribute(f Function, a FunctionAttribute, value int) error

	// Alloc allocates global memory, aligned to 256 bytes, its content
	// undefined.
	Alloc(bytes int64) (DevicePtr, error)

	// Free waits for the device and frees what Alloc returned.
	Free(p DevicePtr) error

	// AllocHost allocates page-locked host memory for the copies below.
	AllocHost(bytes int) ([]byte, error)

	// FreeHost frees what AllocHost returned.
	FreeHost(b []byte) error

	// CopyToDevice and CopyToHost copy len(src), len(dst) bytes and wait.
	// They are not ordered with work in streams: synchronize first.
	CopyToDevice(dst DevicePtr, src []byte) error
	CopyToHost(dst []byte, src DevicePtr) error

	// The Async copies queue the copy. The slice must lie in memory from
	// AllocHost and stay untouched until the stream is synchronized.
	CopyToDeviceAsync(dst DevicePtr, src []byte, s Stream) error
	CopyToHostAsync(dst []byte, src DevicePtr, s Stream) error

	// CopyDeviceAsync queues a copy inside the device.
	CopyDeviceAsync(dst, src DevicePtr, bytes int64, s Stream) error

	// Memset8Async and Memset32Async queue a fill with n bytes, n words.
	Memset8Async(dst DevicePtr, value uint8, n int64, s Stream) error
	Memset32Async(dst DevicePtr, value uint32, n int64, s Stream) error

	// NewStream makes a stream that does not wait for the default stream.
	NewStream() (Stream, error)
	DestroyStream(s Stream) error

	// SyncStream waits for all work in a stream.
	SyncStream(s Stream) error

	// WaitEvent makes work queued later in s wait for e as last recorded.
	WaitEvent(s Stream, e Event) error

	// NewEvent makes an event, with or without a clock.
	NewEvent(timing bool) (Event, error)
	DestroyEvent(e Event) error

	// RecordEvent puts the event at the stream's end.
	RecordEvent(e Event, s Stream) error

	// EventDone reports without waiting whether the event was reached.
	EventDone(e Event) (bool, error)

	// SyncEvent waits for the event.
	SyncEvent(e Event) error

	// Elapsed is the time between two reached events with clocks.
	Elapsed(start, end Event) (time.Duration, error)

	// Launch queues a kernel. args are its parameters in order and of
	// exactly its types' sizes.
	Launch(f Function, cfg LaunchConfig, args ...Arg) error

	// BeginCapture records what is queued into s instead of running it,
	// until EndCapture returns it as a graph. Calls that wait, allocate or
	// copy at once are illegal meanwhile and spoil the capture.
	BeginCapture(s Stream) error
	EndCapture(s Stream) (Graph, error)

	// Instantiate makes a graph ready to launch; the graph stays its own.
	Instantiate(g Graph) (GraphExec, error)

	// LaunchGraph queues the whole graph.
	LaunchGraph(x GraphExec, s Stream) error
	DestroyGraph(g Graph) error
	DestroyGraphExec(x GraphExec) error

	// Close releases the primary context. All its objects go with it.
	Close() error
}

// Place is somewhere that Open looked for the driver's library.
type Place struct {
	Path string // a bare file name: wherever the system's loader looks
	Err  error  // why it is not used; nil where it is
	CUDA int    // as Driver.Version, of a library that loads; 0: unknown
}

// Do runs f on a locked OS thread where c is current.
func Do(c Context, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.SetCurrent(); err != nil {
		return err
	}
	return f()
}

// Device describes a device.
type Device struct {
	Name         string
	Memory       int64 // bytes of global memory
	Major, Minor int   // compute capability
}

// DeviceAttribute numbers what the driver knows about a device.
type DeviceAttribute int

// The attributes of devices, numbered as CUdevice_attribute.
const (
	MaxThreadsPerBlock DeviceAttribute = 1
	MaxBlockX          DeviceAttribute = 2
	MaxBlockY          DeviceAttribute = 3
	MaxBlockZ          DeviceAttribute = 4
	MaxGridX           DeviceAttribute = 5
	MaxGridY           DeviceAttribute = 6
	MaxGridZ           DeviceAttribute = 7
	SharedPerBlock     DeviceAttribute = 8  // bytes, without opting in
	WarpSize           DeviceAttribute = 10 // lanes
	RegistersPerBlock  DeviceAttribute = 12
	ClockRate          DeviceAttribute = 13 // kHz
	Multiprocessors    DeviceAttribute = 16
	MemoryClockRate    DeviceAttribute = 36 // kHz
	MemoryBusWidth     DeviceAttribute = 37 // bits
	L2Cache            DeviceAttribute = 38 // bytes
	ThreadsPerSM       DeviceAttribute = 39
	CapabilityMajor    DeviceAttribute = 75
	CapabilityMinor    DeviceAttribute = 76
	SharedPerSM        DeviceAttribute = 81 // bytes
	SharedOptin        DeviceAttribute = 97 // bytes a block may opt in to
)

// FunctionAttribute numbers what the driver knows about a kernel.
type FunctionAttribute int

// The attributes of kernels, numbered as CUfunction_attribute.
const (
	FunctionMaxThreads FunctionAttribute = 0 // per block
	FunctionShared     FunctionAttribute = 1 // bytes, static
	FunctionLocal      FunctionAttribute = 3 // bytes a thread
	FunctionRegisters  FunctionAttribute = 4 // a thread
	// FunctionMaxDynamicShared is the dynamic shared memory, in bytes, that a
	// launch may ask for. More than 48 KiB in all must be asked for here.
	FunctionMaxDynamicShared FunctionAttribute = 8
)

// Dim3 counts blocks in a grid or threads in a block.
type Dim3 struct{ X, Y, Z uint32 }

// LaunchConfig says how a kernel is launched.
type LaunchConfig struct {
	Grid   Dim3 // blocks
	Block  Dim3 // threads
	Shared uint32
	Stream Stream
}

// Arg is one parameter of a kernel.
type Arg struct {
	// Bits holds the value in its low bytes.
	Bits uint64
	// Size is the parameter's size: 1, 2, 4 or 8 bytes.
	Size int
}

// Ptr passes a device address.
func Ptr(p DevicePtr) Arg { return Arg{Bits: uint64(p), Size: 8} }

// Int32 passes an int.
func Int32(v int32) Arg { return Arg{Bits: uint64(uint32(v)), Size: 4} }

// Uint32 passes an unsigned int.
func Uint32(v uint32) Arg { return Arg{Bits: uint64(v), Size: 4} }

// Float32 passes a float.
func Float32(v float32) Arg { return Arg{Bits: uint64(math.Float32bits(v)), Size: 4} }

// Int64 passes a long long.
func Int64(v int64) Arg { return Arg{Bits: uint64(v), Size: 8} }

// Uint64 passes an unsigned long long.
func Uint64(v uint64) Arg { return Arg{Bits: v, Size: 8} }

// Float64 passes a double.
func Float64(v float64) Arg { return Arg{Bits: math.Float64bits(v), Size: 8} }
