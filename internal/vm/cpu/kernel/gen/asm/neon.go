package asm

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// arm writes the kernels of NEON.
//
// Vector registers are called V0 to V31, general ones R0 to R17 and R19 to R26:
// R18 is the system's, R27 the assembler's, R28 Go's. Where Go's assembler wants
// another letter for a vector register (F0 for FMOVQ), it is written as("F", r).
type arm struct{ *writer }

// number is the number of a register.
func (w arm) number(register string) uint32 {
	n, err := strconv.ParseUint(register[1:], 10, 5)
	if err != nil {
		w.fail("register %q", register)
	}
	return uint32(n)
}

// word writes an instruction that Go's assembler does not know, with its
// mnemonic beside it, which the package's test has assembled.
func (w arm) word(code uint32, format string, args ...any) {
	w.p("WORD $0x%08x // %s", code, fmt.Sprintf(format, args...))
}

// form is the code of an instruction without its registers, and what its
// mnemonic says of the lanes of the result and of the operands.
type form struct {
	code     uint32
	to, from string
}

// Instructions of one vector, and of two: of floats where nothing else is said.
var (
	oneVector = map[string]form{
		"fsqrt": {0x6ea1f800, "4s", "4s"}, "frintn": {0x4e218800, "4s", "4s"}, // to the nearest whole number
		"frsqrte": {0x6ea1d800, "4s", "4s"}, "frecpe": {0x4ea1d800, "4s", "4s"}, // 8 bits of 1/√x and of 1/x
		"fcvtns": {0x4e21a800, "4s", "4s"},                                     // to the nearest integer
		"scvtf":  {0x4e21d800, "4s", "4s"},                                     // from integers
		"fcvtl":  {0x0e617800, "2d", "2s"}, "fcvtl2": {0x4e617800, "2d", "4s"}, // to float64, the lower lanes and the upper ones
		"mvn": {0x6e205800, "16b", "16b"},
	}
	twoVectors = map[string]form{
		"fadd": {0x4e20d400, "4s", "4s"}, "fsub": {0x4ea0d400, "4s", "4s"}, "fmul": {0x6e20dc00, "4s", "4s"}, "fdiv": {0x6e20fc00, "4s", "4s"},
		"fmax": {0x4e20f400, "4s", "4s"}, "fmin": {0x4ea0f400, "4s", "4s"}, // a NaN of either operand comes out
		"fcmgt": {0x6ea0e400, "4s", "4s"}, "fcmge": {0x6e20e400, "4s", "4s"}, // false for a NaN
		"cmhi":    {0x6ea03400, "4s", "4s"},                                     // of integers without a sign
		"frsqrts": {0x4ea0fc00, "4s", "4s"}, "frecps": {0x4e20fc00, "4s", "4s"}, // steps of Newton's method: (3−ab)/2 and 2−ab
		"bic":   {0x4e601c00, "16b", "16b"},                                   // a and not b
		"umull": {0x2ea0c000, "2d", "2s"}, "umull2": {0x6ea0c000, "2d", "4s"}, // whole products of integers, the lower lanes and the upper ones
	}
)

// one writes dst = name(a), two dst = name(a, b).
func (w arm) one(name, dst, a string) {
	f, ok := oneVector[name]
	if !ok {
		w.fail("no instruction %s of one vector", name)
	}
	d, n := w.number(dst), w.number(a)
	w.word(f.code|n<<5|d, "%s v%d.%s, v%d.%s", name, d, f.to, n, f.from)
}

func (w arm) two(name, dst, a, b string) {
	f, ok := twoVectors[name]
	if !ok {
		w.fail("no instruction %s of two vectors", name)
	}
	d, n, m := w.number(dst), w.number(a), w.number(b)
	w.word(f.code|m<<16|n<<5|d, "%s v%d.%s, v%d.%s, v%d.%s", name, d, f.to, n, f.from, m, f.from)
}

// addDoubles writes dst = a + b of float64.
func (w arm) addDoubles(dst, a, b string) {
	d, n, m := w.number(dst), w.number(a), w.number(b)
	w.word(0x4e60d400|m<<16|n<<5|d, "fadd v%d.2d, v%d.2d, v%d.2d", d, n, m)
}

// addPair adds the two float64 of a vector.
func (w arm) addPair(dst, a string) {
	d, n := w.number(dst), w.number(a)
	w.word(0x7e70d800|n<<5|d, "faddp d%d, v%d.2d", d, n)
}

// mulAddLane writes sum += a · (lane of b in every lane).
func (w arm) mulAddLane(sum, a, b string, lane int) {
	d, n, m := w.number(sum), w.number(a), w.number(b)
	low, high := uint32(lane)&1, uint32(lane)>>1
	w.word(0x4f801000|low<<21|m<<16|high<<11|n<<5|d, "fmla v%d.4s, v%d.4s, v%d.s[%d]", d, n, m, lane)
}

// shiftRight shifts integers with their signs.
func (w arm) shiftRight(dst, a string, by int) {
	d, n := w.number(dst), w.number(a)
	w.word(0x4f000400|uint32(64-by)<<16|n<<5|d, "sshr v%d.4s, v%d.4s, #%d", d, n, by)
}

// loadAt and storeAt move a vector at a pointer and an offset in bytes.
func (w arm) loadAt(dst, pointer, offset string) {
	d, n, m := w.number(dst), w.number(pointer), w.number(offset)
	w.word(0x3ce06800|m<<16|n<<5|d, "ldr q%d, [x%d, x%d]", d, n, m)
}

func (w arm) storeAt(src, pointer, offset string) {
	d, n, m := w.number(src), w.number(pointer), w.number(offset)
	w.word(0x3ca06800|m<<16|n<<5|d, "str q%d, [x%d, x%d]", d, n, m)
}

// zero clears a vector.
func (w arm) zero(reg string) { w.p("VEOR %[1]s.B16, %[1]s.B16, %[1]s.B16", reg) }

// loadPart reads the first lanes of a vector, as many as the count in a
// register says, from 1 to 3; the others become 0. It writes over R16. name
// makes its labels the function's only ones.
func (w arm) loadPart(name, pointer, count, dst string) {
	w.p("TBZ $1, %s, %sOne\nFMOVD (%s), %s", count, name, pointer, as("F", dst))
	w.p("TBZ $0, %[1]s, %[2]sRead\nADD $8, %[3]s, R16\nVLD1 (R16), %[4]s.S[2]\nJMP %[2]sRead", count, name, pointer, dst)
	w.p("%[1]sOne:\nFMOVS (%[2]s), %[3]s\n%[1]sRead:", name, pointer, as("F", dst))
}

// storePart writes the first lanes, as loadPart reads them.
func (w arm) storePart(name, src, pointer, count string) {
	w.p("TBZ $1, %s, %sOne\nFMOVD %s, (%s)", count, name, as("F", src), pointer)
	w.p("TBZ $0, %[1]s, %[2]sWritten\nADD $8, %[3]s, R16\nVST1 %[4]s.S[2], (R16)\nJMP %[2]sWritten", count, name, pointer, src)
	w.p("%[1]sOne:\nFMOVS %[3]s, (%[2]s)\n%[1]sWritten:", name, pointer, as("F", src))
}

// data is a table of vectors, one behind the other.
func (w arm) data() string {
	var b bytes.Buffer
	b.WriteString("\n// Four lanes on, four off: masks for the first n lanes lie 4n bytes before the middle.\n")
	words(&b, "lanemask", append(slices.Repeat([]uint32{math.MaxUint32}, 4), make([]uint32, 4)...))
	b.WriteString("\n// A bit for each lane.\n")
	words(&b, "lanebits", []uint32{1, 2, 4, 8})
	b.WriteString("\n// Constants, each in four lanes.\n")
	var all []uint32
	for _, name := range w.names {
		all = append(all, slices.Repeat([]uint32{w.bits[name]}, w.lanes)...)
	}
	words(&b, "constants", all)
	return b.String()
}

// offset is where a constant lies in the table.
func (w arm) offset(name string) int { return w.bytes() * slices.Index(w.names, name) }
