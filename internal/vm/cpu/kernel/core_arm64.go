package kernel

import "runtime"

// FlushDenormals makes the calling thread take denormal numbers as zero; see
// the one of amd64. The zero has the number's sign.
func FlushDenormals() (restore func()) {
	const flushToZero = 1 << 24 // operands and results both
	old := loadFPCR()
	storeFPCR(old | flushToZero)
	return func() { storeFPCR(old) }
}

// loadFPCR returns the register that controls floating-point arithmetic.
func loadFPCR() uint64

// storeFPCR sets it.
func storeFPCR(v uint64)

// Processor is the kind of processor: its architecture. The maker is no part of
// it: the architecture defines each instruction that kernels use to the bit, the
// estimates of roots and quotients too.
func Processor() string { return runtime.GOARCH }

// Prefetch asks for bytes that will be read soon to be brought into the cache.
//
//go:noescape
func Prefetch(p []byte)
