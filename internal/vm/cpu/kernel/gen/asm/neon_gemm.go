package asm

import "fmt"

// gemm writes the tiles of products: for each number of rows and of vectors one
// function, and another one for a last vector that is cut, where that takes
// other instructions.
//
// The tiles prefetch nothing: tile.next, tile.panel and fetchC are hints.
func (w arm) gemm() {
	const rows, vecs = 6, 4 // 24 sums, 6 of A, 2 of B: 32 registers
	for r := 1; r <= rows; r++ {
		for v := 1; v <= vecs; v++ {
			w.tile(r, v, false)
			if v < 3 {
				w.tile(r, v, true)
			}
		}
	}
	w.tileTable(rows, vecs, w.tileName(rows, vecs, false), func(r, v int, cut bool) string {
		if r > rows {
			return ""
		}
		return w.tileName(r, v, cut && v < 3)
	})
}

func (w arm) tileName(rows, vecs int, cut bool) string {
	kind := ""
	if cut {
		kind = "Cut"
	}
	return fmt.Sprintf("gemm%dx%d%s%s", rows, vecs, kind, w.name)
}

// Registers of a tile. R10 to R12 point into B, C, Y or the bias, R13 to R17 and
// R19 into A; R7, R8 and R21 are for a few instructions each, and R7 and R8 count
// columns of A and runs.
const (
	tileOf, tileFlags = "R0", "R1"
	colA, ldB, ldC    = "R2", "R3", "R4"
	atPiece1          = "R5" // bytes from a tile's first column to where its second piece starts
	atPiece2          = "R6" // and its third
	columnsLeft       = "R7"
	runsLeft          = "R8"
	jumpA             = "R9"
	tileC             = "R20"
)

// neonTile is one function for tiles.
type neonTile struct {
	arm
	rows, vecs int
	pieces     []piece
}

// piece is what one instruction moves of a row of B, C, Y or the bias: whole
// vectors from vec, one or two; or for 0 of them a lane of the only vector.
type piece struct{ vec, vectors, lane int }

// tilePieces returns the pieces of a tile's rows.
//
// There are no masks, and nothing behind a row's last column is touched. Where
// the last vector is cut, the last piece starts so far before its place that it
// ends at the last column, and up to three columns are in two vectors. Both have
// the same sums, because C is read before any of it is written. So tiles of three
// or four vectors, whose last piece has a pointer of its own, are the same
// function, cut or not. Three columns or fewer are three lanes of one vector, of
// which some may be the same column.
func tilePieces(vecs int, cut bool) []piece {
	switch {
	case vecs > 2:
		return []piece{{vectors: 2}, {vec: 2, vectors: vecs - 2}}
	case !cut:
		return []piece{{vectors: vecs}}
	case vecs == 2:
		return []piece{{vectors: 1}, {vec: 1, vectors: 1}}
	default:
		return []piece{{lane: 0}, {lane: 1}, {lane: 2}}
	}
}

func (w arm) tile(rows, vecs int, cut bool) {
	c := neonTile{arm: w, rows: rows, vecs: vecs, pieces: tilePieces(vecs, cut)}
	name := w.tileName(rows, vecs, cut)
	fmt.Fprintf(&w.stubs, "\n// %s computes gemmGeneric's loop over k for tiles of %d by %d.\n//\n//go:noescape\nfunc %s(t *tile)\n",
		name, rows, vecs*w.lanes, name)
	fmt.Fprintf(&w.text, "\n// func %s(t *tile)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	w.p("MOVD t+0(FP), %s", tileOf)
	for _, f := range [][2]string{{"colA", colA}, {"ldB", ldB}, {"ldC", ldC}, {"jumpA", jumpA}} {
		c.field(f[0], f[1])
	}
	c.placePieces()
	w.p("next:")
	c.field("flags", tileFlags)
	c.start()
	c.products()
	c.epilogue()
	c.store()
	for _, f := range []string{"A", "C", "Y"} {
		c.field("step"+f, "R7")
		c.field("at"+f, "R8")
		w.p("ADD R7, R8, R8\nMOVD R8, tile_at%s(%s)", f, tileOf)
	}
	c.field("count", "R7")
	w.p("SUBS $1, R7, R7\nMOVD R7, tile_count(%s)\nBNE next\nRET", tileOf)
}

// field loads a field of the tile.
func (c neonTile) field(name, register string) { c.p("MOVD tile_%s(%s), %s", name, tileOf, register) }

// placePieces computes where pieces start that do not start with the tile.
func (c neonTile) placePieces() {
	if len(c.pieces) == 1 {
		return
	}
	c.field("tail", "R7")
	if len(c.pieces) == 3 { // columns 0, at most 1, and tail-1
		c.p("SUB $1, R7, R7\nLSL $2, R7, %s\nCMP $0, R7\nCSET NE, R7\nLSL $2, R7, %s", atPiece2, atPiece1)
		return
	}
	// The last piece ends tail columns behind the last vector's start.
	c.p("LSL $2, R7, %s", atPiece1)
	if start := c.bytes() * (c.vecs - 1 - c.pieces[1].vectors); start > 0 {
		c.p("ADD $%d, %[2]s, %[2]s", start, atPiece1)
	}
}

func (c neonTile) sum(row, vec int) string { return c.register(row*c.vecs + vec) }

// spare returns a register that is no sum's.
func (c neonTile) spare(i int) string { return c.register(c.rows*c.vecs + i) }

func (c neonTile) register(i int) string { return fmt.Sprintf("%s%d", c.reg, i) }

// point points to the pieces of a row, from a register with its address.
func (c neonTile) point(base string) {
	for i := range c.pieces {
		if i == 0 {
			c.p("MOVD %s, %s", base, piecePointer(0))
		} else {
			c.p("ADD %s, %s, %s", []string{atPiece1, atPiece2}[i-1], base, piecePointer(i))
		}
	}
}

func piecePointer(i int) string { return []string{"R10", "R11", "R12"}[i] }

// load reads piece i of a row, of which reg returns vectors' registers, and moves
// its pointer on to the next row, step bytes further.
func (c neonTile) load(i int, step string, reg func(vec int) string) {
	p := c.pieces[i]
	name, to := "VLD1.P", fmt.Sprintf("[%s.S4]", reg(p.vec))
	switch {
	case p.vectors == 2:
		to = fmt.Sprintf("[%s.S4, %s.S4]", reg(p.vec), reg(p.vec+1))
	case p.vectors == 0 && p.lane == 0: // the lanes that no piece loads have numbers too
		name = "VLD1R.P"
	case p.vectors == 0:
		to = fmt.Sprintf("%s.S[%d]", reg(p.vec), p.lane)
	}
	c.p("%s (%s)(%s), %s", name, piecePointer(i), step, to)
}

// start sets the sums to the values that they start from.
func (c neonTile) start() {
	c.field("c", tileC)
	c.field("atC", "R7")
	c.p("ADD R7, %[1]s, %[1]s\nTST $const_startC, %[2]s\nBEQ fresh", tileC, tileFlags)
	c.point(tileC)
	for r := range c.rows {
		for i := range c.pieces {
			c.load(i, ldC, func(vec int) string { return c.sum(r, vec) })
		}
	}
	c.p("TST $const_startBias, %s\nBEQ started", tileFlags)
	c.loadBias(c.spare)
	for v := range c.vecs {
		for r := range c.rows {
			c.two("fadd", c.sum(r, v), c.sum(r, v), c.spare(v))
		}
	}
	c.p("B started\nfresh:\nTST $const_startBias, %s\nBEQ zero", tileFlags)
	c.loadBias(func(vec int) string { return c.sum(0, vec) })
	for v := range c.vecs {
		for r := 1; r < c.rows; r++ {
			c.p("VMOV %s.B16, %s.B16", c.sum(0, v), c.sum(r, v))
		}
	}
	c.p("B started\nzero:")
	for i := range c.rows * c.vecs {
		c.zero(c.register(i))
	}
	c.p("started:")
}

// loadBias reads the bias.
func (c neonTile) loadBias(reg func(vec int) string) {
	c.field("bias", "R7")
	c.point("R7")
	for i := range c.pieces {
		c.load(i, ldC, reg) // there is no next row
	}
}

// epilogue applies a ReLU or a ReLU's gradient. Zeros replace what a comparison
// finds, which for a NaN is nothing; a ReLU by a maximum would take the sign of
// -0, which other sets keep.
func (c neonTile) epilogue() {
	zero, mask := c.spare(0), c.spare(1)
	y := func(vec int) string { return c.spare(2 + vec) }
	c.p("TST $(const_endReLU|const_endY), %s\nBEQ finished", tileFlags)
	c.zero(zero)
	c.p("TST $const_endReLU, %s\nBEQ gradient", tileFlags)
	for i := range c.rows * c.vecs {
		c.two("fcmgt", mask, zero, c.register(i))
		c.p("VBIT %s.B16, %s.B16, %s.B16", mask, zero, c.register(i))
	}
	c.p("gradient:\nTST $const_endY, %s\nBEQ finished", tileFlags)
	c.field("y", "R7")
	c.field("atY", "R8")
	c.p("ADD R8, R7, R7")
	c.field("ldY", "R8")
	c.point("R7")
	for r := range c.rows {
		for i := range c.pieces {
			c.load(i, "R8", y)
		}
		for v := range c.vecs {
			c.two("fcmge", y(v), zero, y(v))
			c.p("VBIT %s.B16, %s.B16, %s.B16", y(v), zero, c.sum(r, v))
		}
	}
	c.p("finished:")
}

// store writes the sums to C.
func (c neonTile) store() {
	c.point(tileC)
	for r := range c.rows {
		for i, p := range c.pieces {
			from := fmt.Sprintf("[%s.S4]", c.sum(r, p.vec))
			switch p.vectors {
			case 2:
				from = fmt.Sprintf("[%s.S4, %s.S4]", c.sum(r, p.vec), c.sum(r, p.vec+1))
			case 0:
				from = fmt.Sprintf("%s.S[%d]", c.sum(r, p.vec), p.lane)
			}
			c.p("VST1.P %s, (%s)(%s)", from, piecePointer(i), ldC)
		}
	}
}
