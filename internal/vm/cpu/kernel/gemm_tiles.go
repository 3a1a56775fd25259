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
	// tile.tail lanes in the last vector. Both may be one function: tile.tail is
	// always set.
	full, cut [10][5]func(t *tile)
	packed    func(t *tile) // the biggest tile from packed operands
}

// tile is what the assembly reads, by these names. Strides are in bytes.
type tile struct {
	a, b, c, y, bias          unsafe.Pointer
	rowA, colA, ldB, ldC, ldY uintptr
	thirdA                    uintptr // from a row of A to the third one below it
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
	runs := p.runs()
	t.jumpA = uintptr(p.RunA-p.K*p.ColA) * float
	if p.K < placeDepth { // whole runs
		depth := blockDepth(runs, placeDepth/p.K)
		for r := 0; r < runs; r += depth {
			t.runs = min(depth, runs-r)
			s.tiles.depth(t, p, r, 0, p.K)
		}
		return
	}
	t.runs = 1
	depth := blockDepth(p.K, placeDepth)
	for r := range runs {
		for k := 0; k < p.K; k += depth {
			s.tiles.depth(t, p, r, k, min(depth, p.K-k))
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
	columns := high * wide * p.groups() * p.K * p.runs()
	t.next, t.nextGap = uintptr(at(p.Next, 0)), uintptr(p.NextGap)*float
	t.nextStep = uintptr(min(cacheLine, (len(p.Next)*float+columns-1)/columns))
}

// fetchPanel has the next tile fetch the panel of B behind the one at row k and
// column j, where B is so big that it is not near already.
func (t *tile) fetchPanel(p *Product, k, j int) {
	const near = 1 << 14 // floats
	t.panel = 0
	rows := p.runs() * p.K
	if rows*p.N <= near {
		return
	}
	if j == p.N {
		k, j = k+t.k*t.runs, 0
	}
	if k < rows {
		t.panel = uintptr(at(p.B, k*p.LdB+j))
	}
}

// depth adds t.runs runs of kc columns of A, from column k of run r. Groups
// that overlap in C are whole before the next one: the order of the sums must
// not depend on the width of tiles.
func (c *tiles) depth(t *tile, p *Product, r, k, kc int) {
	row := r*p.K + k // of B
	t.block(p, row, kc)
	groups := p.groups()
	together := groups
	if p.GroupC < p.N && c.columns(p.N) < p.N {
		together = 1
	}
	for g := 0; g < groups; g += together {
		for j := 0; j < p.N; {
			cols := c.columns(p.N - j)
			t.b = at(p.B, row*p.LdB+j)
			t.fetchPanel(p, row, j+cols)
			c.down(t, p, place{g: g, groups: together, a: r*p.RunA + k*p.ColA, j: j, cols: cols})
			j += cols
		}
	}
}

// packs tells whether a product is so big that reading it in place costs more
// than copying it, and has enough rows to share a copy of B.
func (p *Product) packs() bool {
	return p.M >= 64 && p.M*p.N*p.K >= 1<<26 && p.groups() == 1 && p.runs() == 1
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

// block sets what tiles share in t.runs runs of kc columns of A, the ones that
// meet B from row k.
func (t *tile) block(p *Product, k, kc int) {
	t.k, t.flags = kc, 0
	t.ldC, t.ldY, t.thirdA = uintptr(p.LdC)*float, uintptr(p.LdY)*float, 3*t.rowA
	if k > 0 || p.Accumulate {
		t.flags |= startC
	}
	if k == 0 && p.Bias != nil {
		t.flags |= startBias
	}
	if k+t.runs*kc < p.runs()*p.K {
		return
	}
	if p.ReLU {
		t.flags |= endReLU
	}
	if p.Y != nil {
		t.flags |= endY
	}
}

// place is where tiles are: columns j to j+cols of some groups from g, row i of
// each, and how far the columns of A are in its rows.
type place struct{ g, groups, i, a, j, cols int }

// down computes all rows of some groups, of each one so many tiles of full
// height, and the rest.
func (c *tiles) down(t *tile, p *Product, at place) {
	if c.three(t, p, at) {
		return
	}
	count, rest := p.M/c.rows, p.M%c.rows
	if count > 0 && 0 < rest && 2*rest < c.rows {
		count, rest = count-1, rest+c.rows // two of about equal height
	}
	if count > 0 {
		c.stack(t, p, at, c.rows, count)
		at.i = c.rows * count
	}
	if rest > c.rows {
		c.stack(t, p, at, (rest+1)/2, 1)
		at.i += (rest + 1) / 2
		rest /= 2
	}
	if rest > 0 {
		c.stack(t, p, at, rest, 1)
	}
}

// three computes three groups of three rows in one tile, where there is one: the
// gradient of a 3×3 kernel for one channel. Sums of three rows alone would wait
// for one another.
func (c *tiles) three(t *tile, p *Product, at place) bool {
	if p.M != 3 || at.groups != 3 || p.GroupC != 3*p.LdC || c.full[9][(at.cols+c.lanes-1)/c.lanes] == nil {
		return false
	}
	t.thirdA = uintptr(p.GroupA) * float
	t.a = p.from(at)
	c.run(t, p, at, 9, 1)
	return true
}

// stack computes count tiles, one below the other, in each group. Single tiles
// of several groups are one call.
func (c *tiles) stack(t *tile, p *Product, at place, rows, count int) {
	t.stepA, t.stepC, t.stepY = uintptr(rows)*t.rowA, uintptr(rows)*t.ldC, uintptr(rows)*t.ldY
	groups := at.groups
	if count == 1 && groups > 1 {
		t.stepA, t.stepC, t.stepY = uintptr(p.GroupA)*float, uintptr(p.GroupC)*float, uintptr(p.M)*t.ldY
		count, groups = groups, 1
	}
	for range groups {
		t.a = p.from(at)
		c.run(t, p, at, rows, count)
		at.g++
	}
}

// from is where a place's row of A is.
func (p *Product) from(l place) unsafe.Pointer {
	return at(p.A, l.g*p.GroupA+l.i*p.RowA+l.a)
}

// run computes count tiles, t's steps apart, from a place.
func (c *tiles) run(t *tile, p *Product, from place, rows, count int) {
	t.place(p, from, count)
	vecs := (from.cols + c.lanes - 1) / c.lanes
	t.tail = from.cols - (vecs-1)*c.lanes
	if t.tail == c.lanes {
		c.full[rows][vecs](t)
	} else {
		c.cut[rows][vecs](t)
	}
}

// place points t to a place in C.
func (t *tile) place(p *Product, from place, count int) {
	t.c = at(p.C, from.g*p.GroupC+from.i*p.LdC+from.j)
	if t.flags&endY != 0 {
		t.y = at(p.Y, (from.g*p.M+from.i)*p.LdY+from.j)
	}
	if t.flags&startBias != 0 {
		t.bias = at(p.Bias, from.j)
	}
	t.count, t.atA, t.atC, t.atY = count, 0, 0, 0
}

// at is &s[i].
func at(s []float32, i int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), i*float)
}
