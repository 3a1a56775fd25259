package asm

import (
	"fmt"
	"strings"
)

// gemm writes the tiles of products: for each number of rows and of vectors
// one function, and another one whose last vector is cut.
func (w x86) gemm() {
	rows, vecs := 8, 3 // 24 sums, 3 of B, 4 of A: 31 of 32 registers
	if !w.wide() {
		rows, vecs = 6, 2 // 12 sums, 2 of B, 1 of A, 1 for the mask: 16
	}
	for r := 1; r <= rows; r++ {
		for v := 1; v <= vecs; v++ {
			w.tile(tileCode{rows: r, most: rows, vecs: v})
			w.tile(tileCode{rows: r, most: rows, vecs: v, cut: true})
		}
	}
	high := rows
	if w.wide() { // three groups of three rows, see tiles.three
		high = 9
		for v := 1; v <= 2; v++ {
			w.tile(tileCode{rows: 9, most: rows, vecs: v})
			w.tile(tileCode{rows: 9, most: rows, vecs: v, cut: true})
		}
	}
	packed := tileCode{rows: rows, most: rows, vecs: vecs, packed: true}
	w.tile(packed)
	w.tileTable(rows, vecs, w.tileName(packed), func(r, v int, cut bool) string {
		if r > high || (r > rows && v > 2) {
			return ""
		}
		return w.tileName(tileCode{rows: r, vecs: v, cut: cut})
	})
}

// tileCode is one function for tiles.
type tileCode struct {
	x86
	rows, vecs int
	most       int  // rows of the biggest tile
	cut        bool // the last vector is masked
	packed     bool // A and B are copies, see gemmPacked
}

func (w x86) tileName(c tileCode) string {
	kind := ""
	switch {
	case c.cut:
		kind = "Cut"
	case c.packed:
		kind = "Packed"
	}
	return fmt.Sprintf("gemm%dx%d%s%s", c.rows, c.vecs, kind, w.name)
}

func (w x86) tile(c tileCode) {
	c.x86 = w
	name := w.tileName(c)
	fmt.Fprintf(&w.stubs, "\n// %s computes gemmGeneric's loop over k for tiles of %d by %d.\n//\n//go:noescape\nfunc %s(t *tile)\n",
		name, c.rows, c.vecs*w.lanes, name)
	fmt.Fprintf(&w.text, "\n// func %s(t *tile)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	c.p(`MOVQ t+0(FP), DI
		MOVQ tile_rowA(DI), R9
		MOVQ tile_colA(DI), R10
		MOVQ tile_ldB(DI), R13
		MOVQ tile_ldC(DI), R15
		MOVQ tile_tail(DI), CX`)
	switch {
	case !c.cut:
	case w.wide():
		c.p(`MOVL $1, AX
			SHLL CX, AX
			DECL AX
			KMOVW AX, K1`)
	default:
		c.p(`LEAQ lanemask<>+32(SB), AX
			SHLQ $2, CX
			SUBQ CX, AX
			VMOVUPS (AX), Y15`)
	}
	c.p("next:\nMOVQ tile_flags(DI), AX")
	c.start()
	if c.packed {
		c.packedProducts()
	} else {
		c.products()
	}
	c.epilogue()
	c.store()
	c.p(`MOVQ tile_stepA(DI), AX
		ADDQ AX, tile_atA(DI)
		MOVQ tile_stepC(DI), AX
		ADDQ AX, tile_atC(DI)
		MOVQ tile_stepY(DI), AX
		ADDQ AX, tile_atY(DI)
		DECQ tile_count(DI)
		JNZ next
		VZEROUPPER
		RET`)
}

func (c tileCode) sum(row, vec int) string { return fmt.Sprintf("%s%d", c.reg, row*c.vecs+vec) }

func (c tileCode) b(vec int) string { return fmt.Sprintf("%s%d", c.reg, c.rows*c.vecs+vec) }

// a returns the register for a value of A, several in turn where there are.
func (c tileCode) a(row int) string {
	first := c.rows*c.vecs + c.vecs
	spare := c.regs - first
	if !c.wide() && c.cut {
		spare-- // the mask
	}
	return fmt.Sprintf("%s%d", c.reg, first+row%min(spare, 4))
}

// spare returns a register that the tile needs only while it adds products.
func (c tileCode) spare(i int) string { return fmt.Sprintf("%s%d", c.reg, c.rows*c.vecs+i) }

// load loads vector vec at a pointer into dst.
func (c tileCode) load(pointer string, vec int, dst string) {
	switch masked := c.cut && vec == c.vecs-1; {
	case masked && c.wide():
		c.p("VMOVUPS.Z %d(%s), K1, %s", vec*c.bytes(), pointer, dst)
	case masked:
		c.p("VMASKMOVPS %d(%s), Y15, %s", vec*c.bytes(), pointer, dst)
	default:
		c.p("VMOVUPS %d(%s), %s", vec*c.bytes(), pointer, dst)
	}
}

// start sets the sums to the values that they start from.
func (c tileCode) start() {
	c.p("MOVQ tile_c(DI), DX\nADDQ tile_atC(DI), DX")
	c.prefetch()
	c.p("TESTQ $const_startC, AX\nJZ fresh\nMOVQ DX, SI")
	for r := range c.rows {
		for v := range c.vecs {
			c.load("SI", v, c.sum(r, v))
		}
		if r < c.rows-1 {
			c.p("ADDQ R15, SI")
		}
	}
	c.p("TESTQ $const_startBias, AX\nJZ started\nMOVQ tile_bias(DI), SI")
	for v := range c.vecs {
		c.load("SI", v, c.spare(0))
		for r := range c.rows {
			c.p("VADDPS %s, %s, %s", c.spare(0), c.sum(r, v), c.sum(r, v))
		}
	}
	c.p("JMP started\nfresh:\nTESTQ $const_startBias, AX\nJZ zero\nMOVQ tile_bias(DI), SI")
	for v := range c.vecs {
		c.load("SI", v, c.sum(0, v))
		for r := 1; r < c.rows; r++ {
			c.p("VMOVAPS %s, %s", c.sum(0, v), c.sum(r, v))
		}
	}
	c.p("JMP started\nzero:")
	for r := range c.rows {
		for v := range c.vecs {
			c.zero(c.sum(r, v))
		}
	}
	c.p("started:")
}

func (c tileCode) zero(reg string) {
	if c.wide() {
		c.p("VPXORD %s, %s, %s", reg, reg, reg)
	} else {
		c.p("VXORPS %s, %s, %s", reg, reg, reg)
	}
}

// prefetch touches the next tile's values in C.
func (c tileCode) prefetch() {
	c.p("TESTQ $const_fetchC, AX\nJZ fetched")
	c.p("MOVQ tile_stepC(DI), SI\nADDQ DX, SI")
	for r := range c.rows {
		for at := 0; at < c.vecs*c.bytes(); at += 64 {
			c.p("PREFETCHT0 %d(SI)", at)
		}
		if r < c.rows-1 {
			c.p("ADDQ R15, SI")
		}
	}
	c.p("fetched:")
}

// prefetchW asks for a line to be written, by an instruction that Go's assembler
// does not know. Read for reading, a line that another core has too must be
// taken from it when it is written, while the stores behind it wait.
func (w x86) prefetchW(operand string, code ...byte) {
	var bytes []string
	for _, b := range code {
		bytes = append(bytes, fmt.Sprintf("BYTE $0x%02x", b))
	}
	w.p("%s // PREFETCHW %s", strings.Join(bytes, "; "), operand)
}

// products adds A·B: one column of A and one row of B at a time. R8, R11 and
// R12 point to every third row of A; SI counts runs, CX columns of one. The
// biggest tiles have three loops: one fetches tile.next, one tile.panel, and
// one nothing.
func (c tileCode) products() {
	pointers := []string{"R8", "R11", "R12"}[:(c.rows+2)/3]
	c.p(`MOVQ tile_k(DI), CX
		MOVQ tile_a(DI), R8
		ADDQ tile_atA(DI), R8
		MOVQ tile_thirdA(DI), R14`)
	for i := 1; i < len(pointers); i++ {
		c.p("LEAQ (%s)(R14*1), %s", pointers[i-1], pointers[i])
	}
	c.p("MOVQ tile_b(DI), BX\nMOVQ tile_runs(DI), SI\nMOVQ tile_jumpA(DI), R14")
	if c.rows == c.most {
		c.p("CMPQ tile_next(DI), $0\nJNE next1\nCMPQ tile_panel(DI), $0\nJNE panel1")
	}
	c.loop("plain", pointers, func() {})
	if c.rows < c.most {
		return
	}
	c.p("JMP multiplied\nnext1:\nMOVQ tile_next(DI), AX\nMOVQ tile_nextGap(DI), R15")
	c.loop("next", pointers, func() {
		c.p("PREFETCHT0 64(R8)") // the rows of a transposed A that follow
		c.prefetchW("(AX)", 0x0f, 0x0d, 0x08)
		c.prefetchW("(AX)(R15*1)", 0x42, 0x0f, 0x0d, 0x0c, 0x38)
		c.prefetchW("(AX)(R15*2)", 0x42, 0x0f, 0x0d, 0x0c, 0x78)
		c.p("ADDQ tile_nextStep(DI), AX")
	})
	c.p("MOVQ AX, tile_next(DI)\nMOVQ tile_ldC(DI), R15\nJMP fetched1\npanel1:\nMOVQ tile_panel(DI), AX")
	c.loop("panel", pointers, func() {
		for at := 0; at < c.vecs*c.bytes(); at += 64 {
			c.p("PREFETCHT1 %d(AX)", at)
		}
		c.p("ADDQ R13, AX")
	})
	c.p("MOVQ $0, tile_panel(DI)\nfetched1:\nMOVQ tile_flags(DI), AX\nmultiplied:")
}

// loop is the loop over runs and the columns of each.
func (c tileCode) loop(name string, pointers []string, fetch func()) {
	c.p("PCALIGN $32\n%sColumn:", name)
	for v := range c.vecs {
		c.load("BX", v, c.b(v))
	}
	c.p("ADDQ R13, BX")
	fetch()
	for r := range c.rows {
		at := [3]string{"(%s)", "(%s)(R9*1)", "(%s)(R9*2)"}[r%3]
		c.p("VBROADCASTSS "+at+", %s", pointers[r/3], c.a(r))
		for v := range c.vecs {
			c.p("VFMADD231PS %s, %s, %s", c.b(v), c.a(r), c.sum(r, v))
		}
	}
	for _, r := range pointers {
		c.p("ADDQ R10, %s", r)
	}
	c.p("DECQ CX\nJNZ %[1]sColumn\nDECQ SI\nJZ %[1]sEnd", name)
	for _, r := range pointers {
		c.p("ADDQ R14, %s", r)
	}
	c.p("MOVQ tile_k(DI), CX\nJMP %[1]sColumn\n%[1]sEnd:", name)
}

// packedProducts is products for copies: one column of a tile of A after the
// other, one row of a panel of B after the other. The panel is in the
// second-level cache, so rows are fetched some rounds ahead.
func (c tileCode) packedProducts() {
	const ahead = 16
	rowA, rowB := 4*c.rows, c.vecs*c.bytes()
	c.p(`MOVQ tile_k(DI), CX
		MOVQ tile_a(DI), R8
		ADDQ tile_atA(DI), R8
		MOVQ tile_b(DI), BX
		PCALIGN $32
		multiply:`)
	for v := range c.vecs {
		c.load("BX", v, c.b(v))
	}
	for line := 0; line < rowB; line += 64 {
		c.p("PREFETCHT0 %d(BX)", ahead*rowB+line)
	}
	for r := range c.rows {
		c.p("VBROADCASTSS %d(R8), %s", 4*r, c.a(r))
		for v := range c.vecs {
			c.p("VFMADD231PS %s, %s, %s", c.b(v), c.a(r), c.sum(r, v))
		}
	}
	c.p("ADDQ $%d, R8\nADDQ $%d, BX\nDECQ CX\nJNZ multiply", rowA, rowB)
}

// epilogue applies a ReLU or a ReLU's gradient.
func (c tileCode) epilogue() {
	zero, y := c.spare(0), c.spare(1)
	c.p("TESTQ $(const_endReLU|const_endY), AX\nJZ finished")
	c.zero(zero)
	c.p("TESTQ $const_endReLU, AX\nJZ gradient")
	for r := range c.rows {
		for v := range c.vecs {
			// Of max's operands, the one written first comes out for a NaN.
			c.p("VMAXPS %s, %s, %s", c.sum(r, v), zero, c.sum(r, v))
		}
	}
	c.p("gradient:\nTESTQ $const_endY, AX\nJZ finished\nMOVQ tile_y(DI), SI\nADDQ tile_atY(DI), SI\nMOVQ tile_ldY(DI), CX")
	for r := range c.rows {
		for v := range c.vecs {
			c.load("SI", v, y)
			if c.wide() { // predicate 6: not less or equal, true for a NaN
				c.p("VCMPPS $6, %s, %s, K2", zero, y)
				c.p("VMOVAPS.Z %s, K2, %s", c.sum(r, v), c.sum(r, v))
			} else {
				c.p("VCMPPS $6, %s, %s, %s", zero, y, y)
				c.p("VANDPS %s, %s, %s", y, c.sum(r, v), c.sum(r, v))
			}
		}
		if r < c.rows-1 {
			c.p("ADDQ CX, SI")
		}
	}
	c.p("finished:")
}

// store writes the sums to C.
func (c tileCode) store() {
	for r := range c.rows {
		for v := range c.vecs {
			switch masked := c.cut && v == c.vecs-1; {
			case masked && c.wide():
				c.p("VMOVUPS %s, K1, %d(DX)", c.sum(r, v), v*c.bytes())
			case masked:
				c.p("VMASKMOVPS %s, Y15, %d(DX)", c.sum(r, v), v*c.bytes())
			default:
				c.p("VMOVUPS %s, %d(DX)", c.sum(r, v), v*c.bytes())
			}
		}
		if r < c.rows-1 {
			c.p("ADDQ R15, DX")
		}
	}
}
