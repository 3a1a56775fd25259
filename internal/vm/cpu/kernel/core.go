//go:build !amd64 && !arm64

package kernel

import "runtime"

// Processor is the kind of processor: its architecture.
func Processor() string { return runtime.GOARCH }

// FlushDenormals does nothing here; see the one of amd64.
func FlushDenormals() (restore func()) { return func() {} }

// Prefetch does nothing here; see the one of amd64.
func Prefetch([]byte) {}
