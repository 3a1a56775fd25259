package asm

import (
	"bytes"
	"math"
	"slices"
)

// x86 writes the kernels of AVX-512 and of AVX2.
type x86 struct{ *writer }

// symbol is the operand of a constant.
func symbol(name string) string { return name + "<>(SB)" }

// memory is the operand of a number in memory.
func (w x86) memory(bits uint32) string { return symbol(w.constant(bits)) }

// data has a constant once for AVX-512, else a whole vector of it.
func (w x86) data() string {
	var b bytes.Buffer
	if !w.wide() {
		b.WriteString("\n// Eight lanes on, eight off: masks for the first n lanes lie 4n bytes before the middle.\n")
		words(&b, "lanemask", append(slices.Repeat([]uint32{math.MaxUint32}, 8), make([]uint32, 8)...))
		b.WriteString("\n// A bit for each lane.\n")
		words(&b, "lanebits", []uint32{1, 2, 4, 8, 16, 32, 64, 128})
	}
	if len(w.names) > 0 {
		b.WriteString("\n// Constants, named by their bits.\n")
	}
	for _, name := range w.names {
		n := 1
		if !w.wide() {
			n = w.lanes
		}
		words(&b, name, slices.Repeat([]uint32{w.bits[name]}, n))
	}
	return b.String()
}
