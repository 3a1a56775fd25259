package kernel

import "unsafe"

// Products are added in blocks of about equal depth in K, so that a panel of
// B, a block deep and a tile wide, stays near while the rows of A go past it.
//
// Read in place, a panel stays in the first-level cache. Packed, it is fetched
// from the second-level cache, where a block of B and nearRows rows of the
// block of A lie; the rest of A's block is further out.
const (
	placeDepth = 256
	packDepth  = 384
	packRows   = 2048 // of A, at most
	nearRows   = 256
	packCols   = 768 // of B, a whole number of panels
)

// Scratch is the memory that [Set.Gemm] works in: made once for each goroutine
// that calls it. Its 4 MB are touched only by products too big to be read in
// place.
type Scratch struct {
	tile tile
	a    [packRows * packDepth]float32
	b    [packCols * packDepth]float32
}

// NewScratch returns memory for one goroutine's products.
func NewScratch() *Scratch { return new(Scratch) }

// tiles is a set's code for products.
type tiles struct {
	rows  int // of the biggest tile
	vecs  int // of the biggest tile, in its width
	lanes int // of a vector

	// full[r][v] computes tiles of r rows and v vectors; cut the same with
	// tile.tail lanes in the last vector.
	full, cut [9][4]func(t *tile)
	packed    func(t *tile) // the biggest tile from packed operands
}

// tile is what the assembly reads, by these names. Strides are in bytes.
type tile struct {
	a, b, c, y, bias          unsafe.Pointer
	rowA, colA, ldB, ldC, ldY uintptr
	k                         int
	count                     int     // tiles, one below the other
	stepA                     uintptr // from a tile's A to the next one's
	flags                     int
	tail                      int // lanes in the last vector

	atA, atC, atY uintptr // how far the assembly is; starts at 0
}

// Bits of tile.flags.
const (
	startC    = 1 << iota // start from C
	startBias             // start from the bias, or add it to C
	endReLU
	endY
	fetchC // prefetch C for the next tile
)

const float = 4 // bytes in a float32

// gemmInPlace computes a product from its operands as they lie. K is above 0.
func (s *Set) gemmInPlace(p *Product, scratch *Scratch) {
	c, t := s.tiles, &scratch.tile
	t.rowA, t.colA, t.ldB = uintptr(p.RowA)*float, uintptr(p.ColA)*float, uintptr(p.LdB)*float
	depth := blockDepth(p.K, placeDepth)
	for k := 0; k < p.K; k += depth {
		t.block(p, k, min(depth, p.K-k))
		for j := 0; j < p.N; {
			cols := c.columns(p.N - j)
			t.b = at(p.B, k*p.LdB+j)
			c.down(t, p, k, j, cols)
			j += cols
		}
	}
}

// packs tells whether a product is so big that reading it in place costs more
// than copying it, and has enough rows to share a copy of B.
func (p *Product) packs() bool {
	return p.M >= 64 && p.M*p.N*p.K >= 1<<26
}

// blockDepth splits k products into blocks of about equal depth.
func blockDepth(k, most int) int {
	blocks := (k + most - 1) / most
	return (k + blocks - 1) / blocks
}

// columns returns how many of n columns the next tiles take.
func (c *tiles) columns(n int) int {
	vecs := (n + c.lanes - 1) / c.lanes
	if vecs == c.vecs+1 {
		vecs = (vecs + 1) / 2 // two of equal width, not a wide and a narrow one
	}
	return min(n, min(vecs, c.vecs)*c.lanes)
}

// block sets what tiles share in columns k to k+kc of A.
func (t *tile) block(p *Product, k, kc int) {
	t.k, t.flags = kc, 0
	t.ldC, t.ldY = uintptr(p.LdC)*float, uintptr(p.LdY)*float
	if k > 0 || p.Accumulate {
		t.flags |= startC
	}
	if k == 0 && p.Bias != nil {
		t.flags |= startBias
	}
	if k+kc < p.K {
		return
	}
	if p.ReLU {
		t.flags |= endReLU
	}
	if p.Y != nil {
		t.flags |= endY
	}
}

// down computes all rows of columns j to j+cols.
func (c *tiles) down(t *tile, p *Product, k, j, cols int) {
	count, rest := p.M/c.rows, p.M%c.rows
	if count > 0 && 0 < rest && 2*rest < c.rows {
		count, rest = count-1, rest+c.rows // two of about equal height
	}
	i := 0
	run := func(rows, count int) {
		if rows == 0 || count == 0 {
			return
		}
		t.a = at(p.A, i*p.RowA+k*p.ColA)
		t.stepA = uintptr(rows) * t.rowA
		c.run(t, p, i, j, rows, cols, count)
		i += rows * count
	}
	run(c.rows, count)
	if rest > c.rows {
		run((rest+1)/2, 1)
		rest /= 2
	}
	run(rest, 1)
}

// run computes count tiles, one below the other, from row i and column j.
func (c *tiles) run(t *tile, p *Product, i, j, rows, cols, count int) {
	t.place(p, i, j, count)
	vecs := (cols + c.lanes - 1) / c.lanes
	t.tail = cols - (vecs-1)*c.lanes
	if t.tail == c.lanes {
		c.full[rows][vecs](t)
	} else {
		c.cut[rows][vecs](t)
	}
}

// place points t to row i and column j of C.
func (t *tile) place(p *Product, i, j, count int) {
	t.c = at(p.C, i*p.LdC+j)
	if t.flags&endY != 0 {
		t.y = at(p.Y, i*p.LdY+j)
	}
	if t.flags&startBias != 0 {
		t.bias = at(p.Bias, j)
	}
	t.count, t.atA, t.atC, t.atY = count, 0, 0, 0
}

// at is &s[i].
func at(s []float32, i int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), i*float)
}
