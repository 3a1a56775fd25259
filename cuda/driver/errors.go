package driver

import (
	"errors"
	"fmt"
	"os"
)

// ErrUnavailable is wrapped by every error of Open that means that this
// machine, system or build has no CUDA device to offer.
var ErrUnavailable = errors.New("no CUDA")

// ErrNotSupported is wrapped by errors of calls that an implementation lacks.
var ErrNotSupported = errors.New("not supported")

// NoGPU is the error of a driver that finds no GPU; call is the driver's
// function that said so.
func NoGPU(call string) error {
	hint := "check nvidia-smi and CUDA_VISIBLE_DEVICES"
	if value, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set {
		hint = fmt.Sprintf("CUDA_VISIBLE_DEVICES=%q may hide it; check nvidia-smi", value)
	}
	return fmt.Errorf("cuda: %w: the driver finds no GPU (%s: %w); %s", ErrUnavailable, call, NoDevice, hint)
}

// Result is a CUresult. It is an error, so that errors.Is(err, OutOfMemory)
// tests what the driver answered.
type Result int

// The results that callers test or that the simulator returns.
const (
	Success             Result = 0
	InvalidValue        Result = 1
	OutOfMemory         Result = 2
	NotInitialized      Result = 3
	StubLibrary         Result = 34
	NoDevice            Result = 100
	InvalidDevice       Result = 101
	InvalidImage        Result = 200
	InvalidContext      Result = 201
	NoBinary            Result = 209
	InvalidPTX          Result = 218
	InvalidHandle       Result = 400
	NotFound            Result = 500
	NotReady            Result = 600
	IllegalAddress      Result = 700
	OutOfResources      Result = 701
	MisalignedAddress   Result = 716
	LaunchFailed        Result = 719
	ResultNotSupported  Result = 801
	CaptureUnsupported  Result = 900
	CaptureInvalidated  Result = 901
	CaptureUnmatched    Result = 903
	CapturedEvent       Result = 907
	UnknownDriverResult Result = 999
)

// resultName returns the driver's name and text of a result, for
// implementations that cannot ask the driver.
func resultName(r Result) (name, text string) {
	switch r {
	case Success:
		return "CUDA_SUCCESS", "no error"
	case InvalidValue:
		return "CUDA_ERROR_INVALID_VALUE", "invalid argument"
	case OutOfMemory:
		return "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"
	case NotInitialized:
		return "CUDA_ERROR_NOT_INITIALIZED", "initialization error"
	case StubLibrary:
		return "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"
	case NoDevice:
		return "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"
	case InvalidDevice:
		return "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"
	case InvalidImage:
		return "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"
	case InvalidContext:
		return "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"
	case NoBinary:
		return "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"
	case InvalidPTX:
		return "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"
	case InvalidHandle:
		return "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"
	case NotFound:
		return "CUDA_ERROR_NOT_FOUND", "named symbol not found"
	case NotReady:
		return "CUDA_ERROR_NOT_READY", "device not ready"
	case IllegalAddress:
		return "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"
	case OutOfResources:
		return "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"
	case MisalignedAddress:
		return "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"
	case LaunchFailed:
		return "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"
	case ResultNotSupported:
		return "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"
	case CaptureUnsupported:
		return "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"
	case CaptureInvalidated:
		return "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"
	case CaptureUnmatched:
		return "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"
	case CapturedEvent:
		return "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"
	}
	return fmt.Sprintf("CUresult %d", int(r)), "unknown to this program"
}

// Error is the result's name, as in CUDA_ERROR_OUT_OF_MEMORY.
func (r Result) Error() string {
	name, _ := resultName(r)
	return name
}

// Error is a call that the driver refused.
type Error struct {
	Call   string // the driver's function, without its version: cuMemAlloc
	Result Result
	Name   string // CUDA_ERROR_OUT_OF_MEMORY
	Text   string // out of memory
	Detail error  // what else is known, such as the compiler's log; may be nil
}

// NewError fills an Error from the package's own table of results.
func NewError(call string, r Result, detail error) *Error {
	name, text := resultName(r)
	return &Error{Call: call, Result: r, Name: name, Text: text, Detail: detail}
}

// Error is such as
// "cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
func (e *Error) Error() string {
	s := fmt.Sprintf("cuda: %s: %s (%s)", e.Call, e.Name, e.Text)
	if e.Detail != nil {
		s += ": " + e.Detail.Error()
	}
	return s
}

// Unwrap returns the result, and the detail where there is one.
func (e *Error) Unwrap() []error {
	if e.Detail == nil {
		return []error{e.Result}
	}
	return []error{e.Result, e.Detail}
}
