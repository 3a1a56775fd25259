package asm

import (
	"fmt"
	"strings"
)

// moves writes the kernels that walk over matrices.
func (w x86) moves() {
	w.columnSum()
	w.transpose()
	w.runs()
	w.noise()
}

// columnSum goes down strips of columns, four vectors wide, then one.
func (w x86) columnSum() {
	d := w.begin("columnSum")
	w.p("MOVQ %s, DI\nMOVQ %s, SI", w.arg(d, "dst"), w.arg(d, "src"))
	w.p("MOVQ %s, R8\nMOVQ %s, R9\nMOVQ %s, R10", w.arg(d, "rows"), w.arg(d, "cols"), w.arg(d, "ld"))
	w.p("MOVBLZX %s, R11\nSHLQ $2, R10", w.arg(d, "accumulate"))
	w.p("SUBQ $%d, R9\nJLT narrow\nwide:", 4*w.lanes)
	w.strip("wide", 4, false)
	w.p("SUBQ $%d, R9\nJGE wide\nnarrow:\nADDQ $%d, R9\nvector:\nCMPQ R9, $%d\nJLT rest", 4*w.lanes, 4*w.lanes, w.lanes)
	w.strip("vector", 1, false)
	w.p("SUBQ $%d, R9\nJMP vector\nrest:\nTESTQ R9, R9\nJZ done\nMOVQ R9, CX", w.lanes)
	w.maskCX("K1", "Y15")
	w.strip("rest", 1, true)
	w.p("done:\nVZEROUPPER\nRET")
}

// strip sums the rows of n vectors and goes on to the next columns.
func (w x86) strip(name string, n int, masked bool) {
	reg := func(i int) string { return fmt.Sprintf("%s%d", w.reg, i) }
	for i := range n {
		w.p("VXORPS %[1]s, %[1]s, %[1]s", reg(i))
	}
	w.p("TESTQ R11, R11\nJZ %sFresh", name)
	for i := range n {
		w.vectorLoad(fmt.Sprintf("%d(DI)", i*w.bytes()), reg(i), masked)
	}
	w.p("%[1]sFresh:\nMOVQ R8, CX\nMOVQ SI, DX\nTESTQ CX, CX\nJZ %[1]sSummed\n%[1]sRow:", name)
	for i := range n {
		at := fmt.Sprintf("%d(DX)", i*w.bytes())
		if masked {
			w.vectorLoad(at, reg(n), true)
			at = reg(n)
		}
		w.p("VADDPS %s, %s, %s", at, reg(i), reg(i))
	}
	w.p("ADDQ R10, DX\nDECQ CX\nJNZ %[1]sRow\n%[1]sSummed:", name)
	for i := range n {
		w.vectorStore(reg(i), fmt.Sprintf("%d(DI)", i*w.bytes()), masked)
	}
	w.p("ADDQ $%d, DI\nADDQ $%d, SI", n*w.bytes(), n*w.bytes())
}

// maskCX makes a mask of the first CX lanes, in a mask register or for AVX2 in
// a vector.
func (w x86) maskCX(mask, vector string) {
	if w.wide() {
		w.p("MOVL $1, DX\nSHLL CX, DX\nDECL DX\nKMOVW DX, %s", mask)
		return
	}
	w.p("LEAQ lanemask<>+32(SB), DX\nSHLQ $2, CX\nSUBQ CX, DX\nVMOVUPS (DX), %s", vector)
}

// vectorLoad and vectorStore use K1, or for AVX2 Y15, where they are masked.
func (w x86) vectorLoad(at, reg string, masked bool) {
	switch {
	case masked && w.wide():
		w.p("VMOVUPS.Z %s, K1, %s", at, reg)
	case masked:
		w.p("VMASKMOVPS %s, Y15, %s", at, reg)
	default:
		w.p("VMOVUPS %s, %s", at, reg)
	}
}

func (w x86) vectorStore(reg, at string, masked bool) {
	switch {
	case masked && w.wide():
		w.p("VMOVUPS %s, K1, %s", reg, at)
	case masked:
		w.p("VMASKMOVPS %s, Y15, %s", reg, at)
	default:
		w.p("VMOVUPS %s, %s", reg, at)
	}
}

// transpose goes over square blocks, as many rows and columns as a vector has
// lanes: SI and DI walk down src and right in dst, BX and R8 right in src and
// down in dst.
func (w x86) transpose() {
	d := w.begin("transpose")
	w.p("MOVQ %s, DI\nMOVQ %s, R9\nMOVQ %s, SI", w.arg(d, "dst"), w.arg(d, "ldd"), w.arg(d, "src"))
	w.p("MOVQ %s, R10\nMOVQ %s, R11\nMOVQ %s, R12", w.arg(d, "lds"), w.arg(d, "rows"), w.arg(d, "cols"))
	w.p("SHLQ $2, R9\nSHLQ $2, R10\nTESTQ R12, R12\nJZ done\nTESTQ R11, R11\nJZ done")
	w.p("down:\nMOVQ SI, BX\nMOVQ DI, R8\nMOVQ R12, R13")
	w.p("right:\nMOVQ BX, AX\nMOVQ R8, DX\nCMPQ R11, $%[1]d\nJLT part\nCMPQ R13, $%[1]d\nJLT part", w.lanes)
	w.block(false)
	w.p("JMP moved\npart:")
	w.block(true)
	w.p("moved:\nADDQ $%d, BX\nMOVQ R9, CX\nSHLQ $%d, CX\nADDQ CX, R8", w.bytes(), w.log2())
	w.p("SUBQ $%d, R13\nJGT right", w.lanes)
	w.p("ADDQ $%d, DI\nMOVQ R10, CX\nSHLQ $%d, CX\nADDQ CX, SI", w.bytes(), w.log2())
	w.p("SUBQ $%d, R11\nJGT down\ndone:\nVZEROUPPER\nRET", w.lanes)
}

func (w x86) log2() int {
	if w.wide() {
		return 4
	}
	return 3
}

// block moves one block, of which only R11 rows and R13 columns where it is
// part of one.
func (w x86) block(part bool) {
	reg := func(i int) string { return fmt.Sprintf("%s%d", w.reg, i) }
	n := w.lanes
	if part {
		w.clampCX("R13", "columns")
		w.maskCX("K1", "Y15")
	}
	for i := range n {
		if part && i > 0 {
			w.p("CMPQ R11, $%d\nJLE loaded", i)
		}
		w.vectorLoad("(AX)", reg(i), part)
		w.p("ADDQ R10, AX")
	}
	if part {
		w.p("loaded:")
	}
	first := 0
	if w.wide() {
		w.shuffle16()
	} else {
		w.shuffle8()
		first = 8
	}
	if part {
		w.clampCX("R11", "rows")
		w.maskCX("K1", "Y7")
		w.p("MOVQ R8, DX")
	}
	for i := range n {
		if part && i > 0 {
			w.p("CMPQ R13, $%d\nJLE moved", i)
		}
		switch {
		case part && w.wide():
			w.p("VMOVUPS %s, K1, (DX)", reg(first+i))
		case part:
			w.p("VMASKMOVPS %s, Y7, (DX)", reg(first+i))
		default:
			w.p("VMOVUPS %s, (DX)", reg(first+i))
			w.prefetchW("64(DX)", 0x0f, 0x0d, 0x4a, 64)
		}
		w.p("ADDQ R9, DX")
	}
}

// clampCX sets CX to a counter, at most a vector's lanes.
func (w x86) clampCX(counter, label string) {
	w.p("MOVQ %[1]s, CX\nCMPQ CX, $%[2]d\nJLE %[3]s\nMOVQ $%[2]d, CX\n%[3]s:", counter, w.lanes, label)
}

// shuffle16 transposes Z0 to Z15 in place.
func (w x86) shuffle16() {
	p := func(format string, r ...any) { w.p(strings.ReplaceAll(format, "Z", "Z%d"), r...) }
	for i := 0; i < 16; i += 2 { // pairs of rows
		p("VUNPCKLPS Z, Z, Z", i+1, i, 16+i)
		p("VUNPCKHPS Z, Z, Z", i+1, i, 17+i)
	}
	for i := 0; i < 16; i += 4 { // Z(i+c): columns c, c+4, c+8, c+12 of four rows
		p("VUNPCKLPD Z, Z, Z", 18+i, 16+i, i)
		p("VUNPCKHPD Z, Z, Z", 18+i, 16+i, i+1)
		p("VUNPCKLPD Z, Z, Z", 19+i, 17+i, i+2)
		p("VUNPCKHPD Z, Z, Z", 19+i, 17+i, i+3)
	}
	for c := range 4 { // eight rows: columns c and c+8, then c+4 and c+12
		p("VSHUFF32X4 $0x88, Z, Z, Z", 4+c, c, 16+c)
		p("VSHUFF32X4 $0xdd, Z, Z, Z", 4+c, c, 20+c)
		p("VSHUFF32X4 $0x88, Z, Z, Z", 12+c, 8+c, 24+c)
		p("VSHUFF32X4 $0xdd, Z, Z, Z", 12+c, 8+c, 28+c)
	}
	for c := range 4 {
		p("VSHUFF32X4 $0x88, Z, Z, Z", 24+c, 16+c, c)
		p("VSHUFF32X4 $0x88, Z, Z, Z", 28+c, 20+c, 4+c)
		p("VSHUFF32X4 $0xdd, Z, Z, Z", 24+c, 16+c, 8+c)
		p("VSHUFF32X4 $0xdd, Z, Z, Z", 28+c, 20+c, 12+c)
	}
}

// shuffle8 transposes Y0 to Y7 into Y8 to Y15.
func (w x86) shuffle8() {
	p := func(format string, r ...any) { w.p(strings.ReplaceAll(format, "Y", "Y%d"), r...) }
	for i := 0; i < 8; i += 2 { // pairs of rows
		p("VUNPCKLPS Y, Y, Y", i+1, i, 8+i)
		p("VUNPCKHPS Y, Y, Y", i+1, i, 9+i)
	}
	for i := 0; i < 8; i += 4 { // Y(i+c): columns c and c+4 of four rows
		p("VUNPCKLPD Y, Y, Y", 10+i, 8+i, i)
		p("VUNPCKHPD Y, Y, Y", 10+i, 8+i, i+1)
		p("VUNPCKLPD Y, Y, Y", 11+i, 9+i, i+2)
		p("VUNPCKHPD Y, Y, Y", 11+i, 9+i, i+3)
	}
	for c := range 4 {
		p("VPERM2F128 $0x20, Y, Y, Y", 4+c, c, 8+c)
		p("VPERM2F128 $0x31, Y, Y, Y", 4+c, c, 12+c)
	}
}
