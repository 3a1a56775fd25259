package kernel

import (
	"encoding/binary"
	"runtime"
	"strings"
)

// FlushDenormals makes the calling thread take denormal numbers, those below
// 1.2e-38, as zero, operands and results both, until restore is called. The
// goroutine must be locked to its thread meanwhile.
//
// Adam's moments decay into denormals wherever a gradient has become zero, as
// behind a dead unit or a pixel that never changes, and stay there; arithmetic
// with them is some hundred times slower. To a step they are nothing beside
// epsilon.
func FlushDenormals() (restore func()) {
	const flushToZero, denormalsAreZero = 1 << 15, 1 << 6
	old := loadMXCSR()
	storeMXCSR(old | flushToZero | denormalsAreZero)
	return func() { storeMXCSR(old) }
}

// loadMXCSR returns the register that controls floating-point arithmetic.
func loadMXCSR() uint32

// storeMXCSR sets it.
func storeMXCSR(v uint32)

// Processor is the kind of processor: its architecture and its maker.
func Processor() string {
	b, d, c := cpuid()
	var maker []byte
	for _, part := range []uint32{b, d, c} {
		maker = binary.LittleEndian.AppendUint32(maker, part)
	}
	return runtime.GOARCH + " " + strings.ToValidUTF8(string(maker), "?")
}

// cpuid returns the maker's name, which the instruction of that name has in these
// registers, in this order.
func cpuid() (bx, dx, cx uint32)

// Prefetch asks for bytes that will be read soon to be brought into the cache.
//
//go:noescape
func Prefetch(p []byte)
