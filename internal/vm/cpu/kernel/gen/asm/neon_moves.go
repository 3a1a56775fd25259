package asm

import (
	"fmt"
	"math/bits"
	"strings"
)

// moves writes the kernels that walk over matrices.
func (w arm) moves() {
	w.columnSum()
	w.transpose()
	w.copyRuns()
	w.addSpread()
	w.noise()
}

// list is so many vectors, one behind the other, as one load has them:
// "[V4.S4, V5.S4]".
func list(first, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("V%d.S4", first+i))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// columnSum goes down strips of columns, each as wide as there are columns left:
// R3 and R4 are a strip in dst and src, R6 the columns left.
func (w arm) columnSum() {
	d := w.begin("columnSum")
	w.p("MOVD %s, R3\nMOVD %s, R4\nMOVD %s, R5", w.arg(d, "dst"), w.arg(d, "src"), w.arg(d, "rows"))
	w.p("MOVD %s, R6\nMOVD %s, R7\nMOVBU %s, R8\nLSL $2, R7, R7", w.arg(d, "cols"), w.arg(d, "ld"), w.arg(d, "accumulate"))
	for _, n := range []int{16, 8, 4, 3, 2, 1} {
		w.strip(n)
	}
	w.p("RET")
}

// strip sums the rows of n columns, as long as there are so many. Sums are from
// V0 on, the numbers of a row from V4 on.
func (w arm) strip(n int) {
	const row = 4
	vectors := max(n/4, 1)
	if n == 3 {
		vectors = 2
	}
	w.p("strip%[1]d:\nCMP $%[1]d, R6\nBLT narrower%[1]d", n)
	for i := range vectors {
		w.zero(fmt.Sprintf("V%d", i))
	}
	w.p("CBZ R8, fresh%d", n)
	w.loadColumns(n, "R3", 0)
	w.p("fresh%[1]d:\nMOVD R4, R10\nMOVD R5, R9\nCBZ R9, summed%[1]d\nrow%[1]d:", n)
	if n >= 4 {
		w.p("VLD1.P (R10)(R7), %s", list(row, vectors))
	} else {
		w.loadColumns(n, "R10", row)
		w.p("ADD R7, R10, R10")
	}
	for i := range vectors {
		sum := fmt.Sprintf("V%d", i)
		w.two("fadd", sum, sum, fmt.Sprintf("V%d", row+i))
	}
	w.p("SUBS $1, R9, R9\nBNE row%[1]d\nsummed%[1]d:", n)
	w.storeColumns(n, 0, "R3")
	w.p("ADD $%[1]d, R3, R3\nADD $%[1]d, R4, R4\nSUB $%[2]d, R6, R6\nJMP strip%[2]d\nnarrower%[2]d:", 4*n, n)
}

// loadColumns reads n numbers that lie together: whole vectors, or for three of
// them two numbers and one into a register of its own.
func (w arm) loadColumns(n int, pointer string, first int) {
	switch n {
	case 3:
		w.p("FMOVD (%[1]s), F%[2]d\nFMOVS 8(%[1]s), F%[3]d", pointer, first, first+1)
	case 2:
		w.p("FMOVD (%s), F%d", pointer, first)
	case 1:
		w.p("FMOVS (%s), F%d", pointer, first)
	default:
		w.p("VLD1 (%s), %s", pointer, list(first, n/4))
	}
}

// storeColumns writes n numbers, as loadColumns reads them.
func (w arm) storeColumns(n, first int, pointer string) {
	switch n {
	case 3:
		w.p("FMOVD F%[2]d, (%[1]s)\nFMOVS F%[3]d, 8(%[1]s)", pointer, first, first+1)
	case 2:
		w.p("FMOVD F%d, (%s)", first, pointer)
	case 1:
		w.p("FMOVS F%d, (%s)", first, pointer)
	default:
		w.p("VST1 %s, (%s)", list(first, n/4), pointer)
	}
}

// transpose takes so many rows of src together, 16, 4, 2 or 1, as there are left:
// 16 are a whole cache line of dst. R3 and R5 are where they begin in dst and in
// src, R7 the rows left; R9 goes right in src, R10 down in dst, R8 is the columns
// left, and R12 goes down in src.
func (w arm) transpose() {
	d := w.begin("transpose")
	w.p("MOVD %s, R3\nMOVD %s, R4\nMOVD %s, R5", w.arg(d, "dst"), w.arg(d, "ldd"), w.arg(d, "src"))
	w.p("MOVD %s, R6\nMOVD %s, R7\nMOVD %s, R11", w.arg(d, "lds"), w.arg(d, "rows"), w.arg(d, "cols"))
	w.p("LSL $2, R4, R4\nLSL $2, R6, R6")
	for _, rows := range []int{16, 4, 2, 1} {
		w.p("rows%[1]d:\nCMP $%[1]d, R7\nBLT fewer%[1]d", rows)
		w.p("MOVD R5, R9\nMOVD R3, R10\nSUBS $4, R11, R8\nBLT rest%[1]d\nfour%[1]d:\nMOVD R9, R12", rows)
		w.fourColumns(rows)
		w.p("ADD $16, R9, R9\nSUBS $4, R8, R8\nBGE four%[1]d\nrest%[1]d:\nADDS $4, R8, R8\nBEQ moved%[1]d", rows)
		w.p("one%d:\nMOVD R9, R12", rows)
		w.oneColumn(rows)
		w.p("ADD $4, R9, R9\nSUBS $1, R8, R8\nBNE one%[1]d\nmoved%[1]d:", rows)
		w.p("ADD $%d, R3, R3\nADD R6<<%d, R5, R5", 4*rows, bits.TrailingZeros(uint(rows)))
		w.p("SUB $%[1]d, R7, R7\nJMP rows%[1]d\nfewer%[1]d:", rows)
	}
	w.p("RET")
}

// fourColumns moves four columns of some rows. A row of dst is made of as many
// vectors as there are fours of rows; they lie in registers one behind the other.
func (w arm) fourColumns(rows int) {
	for r := range rows {
		w.p("VLD1.P (R12)(R6), [V%d.S4]", r)
	}
	switch rows {
	case 1:
		for c := range 4 {
			w.p("VST1.P V0.S[%d], (R10)(R4)", c)
		}
	case 2: // V2 has columns 0 and 2, V3 columns 1 and 3
		w.p("VTRN1 V1.S4, V0.S4, V2.S4\nVTRN2 V1.S4, V0.S4, V3.S4")
		for c := range 4 {
			w.p("VST1.P V%d.D[%d], (R10)(R4)", 2+c%2, c/2)
		}
	default:
		fours := rows / 4
		for r := 0; r < rows; r += 2 { // pairs of rows: columns 0 and 2, then 1 and 3
			w.p("VTRN1 V%[2]d.S4, V%[1]d.S4, V%[3]d.S4\nVTRN2 V%[2]d.S4, V%[1]d.S4, V%[4]d.S4", r, r+1, 16+r, 17+r)
		}
		for c := range 2 {
			for b := range fours {
				pair := 16 + 4*b + c
				w.p("VTRN1 V%[2]d.D2, V%[1]d.D2, V%[3]d.D2\nVTRN2 V%[2]d.D2, V%[1]d.D2, V%[4]d.D2", pair, pair+2, c*fours+b, (c+2)*fours+b)
			}
		}
		for c := range 4 {
			w.p("VST1.P %s, (R10)(R4)", list(c*fours, fours))
		}
	}
}

// oneColumn moves a column of some rows.
func (w arm) oneColumn(rows int) {
	for r := range rows {
		w.p("VLD1.P (R12)(R6), V%d.S[%d]", r/4, r%4)
	}
	from := map[int]string{16: list(0, 4), 4: list(0, 1), 2: "V0.D[0]", 1: "V0.S[0]"}[rows]
	w.p("VST1.P %s, (R10)(R4)", from)
}

// copyRuns goes over places and over the runs of each: R3 and R4 are a place in
// dst and src, R12 and R13 a run of it, R15 and R16 how far in the run. A run is
// whole cache lines and then the powers of two that its rest is made of.
func (w arm) copyRuns() {
	d := w.begin("copyRuns")
	w.p("MOVD %s, R3\nMOVD %s, R4\nMOVD %s, R5", w.arg(d, "dst"), w.arg(d, "src"), w.arg(d, "places"))
	w.p("MOVD %s, R6\nMOVD %s, R7", w.arg(d, "runs"), w.arg(d, "length"))
	w.p("MOVD %s, R8\nMOVD %s, R9", w.arg(d, "dstPlace"), w.arg(d, "dstRun"))
	w.p("MOVD %s, R10\nMOVD %s, R11", w.arg(d, "srcPlace"), w.arg(d, "srcRun"))
	w.p("LSL $2, R8, R8\nLSL $2, R9, R9\nLSL $2, R10, R10\nLSL $2, R11, R11")
	w.p("place:\nMOVD R3, R12\nMOVD R4, R13\nMOVD R6, R14")
	w.p("run:\nMOVD R12, R15\nMOVD R13, R16\nSUBS $16, R7, R17\nBLT rest\nline:")
	w.p("VLD1.P 64(R16), %[1]s\nVST1.P %[1]s, 64(R15)\nSUBS $16, R17, R17\nBGE line\nrest:", list(0, 4))
	for _, bit := range []int{3, 2, 1} {
		vectors := map[int]string{3: list(0, 2), 2: list(0, 1), 1: "[V0.S2]"}[bit]
		w.p("TBZ $%[1]d, R7, no%[2]d\nVLD1.P %[3]d(R16), %[4]s\nVST1.P %[4]s, %[3]d(R15)\nno%[2]d:", bit, 1<<bit, 4<<bit, vectors)
	}
	w.p("TBZ $0, R7, moved\nFMOVS (R16), F0\nFMOVS F0, (R15)\nmoved:")
	w.p("ADD R9, R12, R12\nADD R11, R13, R13\nSUBS $1, R14, R14\nBNE run")
	w.p("ADD R8, R3, R3\nADD R10, R4, R4\nSUBS $1, R5, R5\nBNE place\nRET")
}

// addSpread adds four numbers at once where they lie together or two apart. With
// those two apart it reads what is between, and writes it back as it was; what is
// behind the last one it leaves alone. R3 and R4 are a run in dst and src, R12 and
// R13 how far in it, R14 the numbers left.
func (w arm) addSpread() {
	d := w.begin("addSpread")
	w.p("MOVD %s, R3\nMOVD %s, R4\nMOVD %s, R5", w.arg(d, "dst"), w.arg(d, "src"), w.arg(d, "runs"))
	w.p("MOVD %s, R6\nMOVD %s, R7", w.arg(d, "length"), w.arg(d, "step"))
	w.p("MOVD %s, R8\nMOVD %s, R9", w.arg(d, "dstRun"), w.arg(d, "srcRun"))
	w.p("LSL $2, R7, R7\nLSL $2, R8, R8\nLSL $2, R9, R9")
	w.p("run:\nMOVD R3, R12\nMOVD R4, R13\nMOVD R6, R14\nCMP $4, R7\nBEQ step1\nCMP $8, R7\nBNE rest")
	w.p("step2:\nCMP $5, R14\nBLT rest\nVLD1.P 16(R13), [V0.S4]\nVLD2 (R12), [V1.S4, V2.S4]")
	w.two("fadd", "V1", "V1", "V0")
	w.p("VST2.P [V1.S4, V2.S4], 32(R12)\nSUB $4, R14, R14\nJMP step2")
	w.p("step1:\nCMP $4, R14\nBLT rest\nVLD1.P 16(R13), [V0.S4]\nVLD1 (R12), [V1.S4]")
	w.two("fadd", "V1", "V1", "V0")
	w.p("VST1.P [V1.S4], 16(R12)\nSUB $4, R14, R14\nJMP step1")
	w.p("rest:\nCBZ R14, added\nFMOVS.P 4(R13), F0\nFMOVS (R12), F1\nFADDS F0, F1, F1\nFMOVS F1, (R12)")
	w.p("ADD R7, R12, R12\nSUB $1, R14, R14\nJMP rest\nadded:")
	w.p("ADD R8, R3, R3\nADD R9, R4, R4\nSUBS $1, R5, R5\nBNE run\nRET")
}
