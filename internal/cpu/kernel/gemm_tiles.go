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
	k, runs                   int     // columns of A: runs of k
	jumpA                     uintptr // from behind a run to the next one
	count                     int     // tiles, one after the other
	stepA, stepC, stepY       uintptr // from one to the next
	flags                     int
	tail                      int // lanes in the last vector

	// What to prefetch with each column of A, 0 for nothing; addresses that may
	// lead behind an array. panel is a panel of B, for one tile.
	next, nextStep, nextGap uintptr
	panel                   uintptr

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

const (
	float     = 4  // bytes in a float32
	cacheLine = 64 // bytes that a prefetch brings in
)

// gemmInPlace computes a product from its operands as they lie. K is above 0.
func (s *Set) gemmInPlace(p *Product, scratch *Scratch) {
	t := &scratch.tile
	t.rowA, t.colA, t.ldB = uintptr(p.RowA)*float, uintptr(p.ColA)*float, uintptr(p.LdB)*float
	t.fetchNext(p, s.tiles)
	run, runs := p.runs()
	t.jumpA = uintptr(p.RunA-run*p.ColA) * float
	if run < placeDepth { // whole runs
		depth := blockDepth(runs, placeDepth/run)
		for r := 0; r < runs; r += depth {
			t.runs = min(depth, runs-r)
			s.tiles.depth(t, p, r*run, run)
		}
		return
	}
	t.runs = 1
	depth := blockDepth(run, placeDepth)
	for k := 0; k < p.K; k += run {
		for q := 0; q < run; q += depth {
			s.tiles.depth(t, p, k+q, min(depth, run-q))
		}
	}
}

// fetchNext has the columns of a product's tiles fetch p.Next, each as much of
// it as brings all of it in by the end.
func (t *tile) fetchNext(p *Product, c *tiles) {
	t.next = 0
	if len(p.Next) == 0 {
		return
	}
	high, wide := (p.M+c.rows-1)/c.rows, (p.N+c.vecs*c.lanes-1)/(c.vecs*c.lanes)
	columns := high * wide * p.K
	t.next, t.nextGap = uintptr(at(p.Next, 0)), uintptr(p.NextGap)*float
	t.nextStep = uintptr(min(cacheLine, (len(p.Next)*float+columns-1)/columns))
}

// fetchPanel has the next tile fetch the panel of B behind the one at row k and
// column j, where B is so big that it is not near already.
func (t *tile) fetchPanel(p *Product, k, j int) {
	const near = 1 << 14 // floats
	t.panel = 0
	if p.K*p.N <= near {
		return
	}
	if j == p.N {
		k, j = k+t.k*t.runs, 0
	}
	if k < p.K {
		t.panel = uintptr(at(p.B, k*p.LdB+j))
	}
}

// depth adds t.runs runs of kc columns of A, from column k. Groups that
// overlap in C are whole before the next one: the order of the sums must not
// depend on the width of tiles.
func (c *tiles) depth(t *tile, p *Product, k, kc int) {
	t.block(p, k, kc)
	_, groups := p.groups()
	together := groups
	if p.GroupC < p.N && c.columns(p.N) < p.N {
		together = 1
	}
	for g := 0; g < groups; g += together {
		for j := 0; j < p.N; {
			cols := c.columns(p.N - j)
			t.b = at(p.B, k*p.LdB+j)
			t.fetchPanel(p, k, j+cols)
			c.down(t, p, g, together, k, j, cols)
			j += cols
		}
	}
}

// packs tells whether a product is so big that reading it in place costs more
// than copying it, and has enough rows to share a copy of B.
func (p *Product) packs() bool {
	return p.M >= 64 && p.M*p.N*p.K >= 1<<26 && p.Group == 0 && p.Run == 0
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

// block sets what tiles share in t.runs runs of kc columns of A from column k.
func (t *tile) block(p *Product, k, kc int) {
	t.k, t.flags = kc, 0
	t.ldC, t.ldY = uintptr(p.LdC)*float, uintptr(p.LdY)*float
	if k > 0 || p.Accumulate {
		t.flags |= startC
	}
	if k == 0 && p.Bias != nil {
		t.flags |= startBias
	}
	if k+t.runs*kc < p.K {
		return
	}
	if p.ReLU {
		t.flags |= endReLU
	}
	if p.Y != nil {
		t.flags |= endY
	}
}

// down computes columns j to j+cols of some groups of rows, of each one so
// many tiles of full height, and the rest.
func (c *tiles) down(t *tile, p *Product, g, groups, k, j, cols int) {
	size, _ := p.groups()
	count, rest := size/c.rows, size%c.rows
	if count > 0 && 0 < rest && 2*rest < c.rows {
		count, rest = count-1, rest+c.rows // two of about equal height
	}
	row := g * size
	stack := func(rows, count int) {
		if rows > 0 && count > 0 {
			c.stack(t, p, row, groups, k, j, rows, cols, count)
		}
		row += rows * count
	}
	stack(c.rows, count)
	if rest > c.rows {
		stack((rest+1)/2, 1)
		rest /= 2
	}
	stack(rest, 1)
}

// stack computes count tiles, one below the other, in each of some groups,
// from a row of the first one. Single tiles of several groups are one call.
func (c *tiles) stack(t *tile, p *Product, row, groups, k, j, rows, cols, count int) {
	size, _ := p.groups()
	t.stepA, t.stepC, t.stepY = uintptr(rows)*t.rowA, uintptr(rows)*t.ldC, uintptr(rows)*t.ldY
	if count == 1 && groups > 1 {
		t.stepA, t.stepC, t.stepY = uintptr(p.GroupA)*float, uintptr(p.GroupC)*float, uintptr(size)*t.ldY
		count, groups = groups, 1
	}
	for range groups {
		t.a = at(p.A, p.rowA(row)+p.colA(k))
		c.run(t, p, row, j, rows, cols, count)
		row += size
	}
}

// run computes count tiles, t's steps apart, from row i and column j.
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
	t.c = at(p.C, p.rowC(i)+j)
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
