package kernel

import "fmt"

// Add adds: dst += a.
func (s *Set) Add(dst, a []float32) {
	atLeast(a, len(dst))
	s.add(dst, a)
}

// Sub subtracts: dst -= a.
func (s *Set) Sub(dst, a []float32) {
	atLeast(a, len(dst))
	s.sub(dst, a)
}

// Mul multiplies: dst *= a.
func (s *Set) Mul(dst, a []float32) {
	atLeast(a, len(dst))
	s.mul(dst, a)
}

// AddMul adds a product: dst += a·b, two roundings.
func (s *Set) AddMul(dst, a, b []float32) {
	atLeast(a, len(dst))
	atLeast(b, len(dst))
	s.addMul(dst, a, b)
}

// Follow moves an average after values: dst = x + decay·(dst − x), three
// roundings.
func (s *Set) Follow(dst, x []float32, decay float32) {
	atLeast(x, len(dst))
	s.follow(dst, x, decay)
}

// Clamp keeps values in a range: dst = min(max(x, low), high).
func (s *Set) Clamp(dst, x []float32, low, high float32) {
	atLeast(x, len(dst))
	s.clamp(dst, x, low, high)
}

// Scale multiplies: dst *= factor.
func (s *Set) Scale(dst []float32, factor float32) { s.scale(dst, factor) }

// Sum adds in float64, in an order that depends on len(x) only.
func (s *Set) Sum(x []float32) float64 { return s.sum(x) }

// ColumnSum adds up the rows of src (rows,cols) in their order, onto dst
// (cols) or onto zero. A column's sum does not depend on the others, nor on
// how the rows are shared out over calls that accumulate. dst must not overlap
// src.
func (s *Set) ColumnSum(dst, src []float32, rows, cols, ld int, accumulate bool) {
	atLeast(src, extent(rows, cols, ld))
	atLeast(dst, cols)
	s.columnSum(dst, src, rows, cols, ld, accumulate)
}

// Transpose writes src (rows,cols) as dst (cols,rows): dst[j·ldd+i] =
// src[i·lds+j]. dst must not overlap src.
func (s *Set) Transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	atLeast(src, extent(rows, cols, lds))
	atLeast(dst, extent(cols, rows, ldd))
	s.transpose(dst, ldd, src, lds, rows, cols)
}

// DecodeBytes turns bytes into numbers: dst[i] = src[i]·factor + offset, two
// roundings.
func (s *Set) DecodeBytes(dst []float32, src []byte, factor, offset float32) {
	if len(dst) > 0 {
		_ = src[len(dst)-1]
	}
	s.decodeBytes(dst, src, factor, offset)
}

// Runs is a way of walking over two arrays in step: Places places, each of
// Runs runs of Length values that lie together. Place and run i, r begin at
// i·DstPlace + r·DstRun in dst and at i·SrcPlace + r·SrcRun in src.
type Runs struct {
	Places, Runs, Length int
	DstPlace, DstRun     int
	SrcPlace, SrcRun     int
}

// CopyRuns copies runs, as from an image into a wider one. The slices must not
// overlap.
func (s *Set) CopyRuns(dst, src []float32, r Runs) {
	if r.Places <= 0 || r.Runs <= 0 || r.Length <= 0 {
		return
	}
	if min(r.DstPlace, r.DstRun, r.SrcPlace, r.SrcRun) < 0 {
		panic(fmt.Sprintf("kernel: runs with a negative stride: %+v", r))
	}
	atLeast(dst, (r.Places-1)*r.DstPlace+(r.Runs-1)*r.DstRun+r.Length)
	atLeast(src, (r.Places-1)*r.SrcPlace+(r.Runs-1)*r.SrcRun+r.Length)
	s.copyRuns(dst, src, r.Places, r.Runs, r.Length, r.DstPlace, r.DstRun, r.SrcPlace, r.SrcRun)
}

// AddSpread adds rows of src to every Step-th value of rows of dst, which do
// not overlap: dst[r·dstRun + j·step] += src[r·srcRun + j] for r < runs and
// j < length. The slices must not overlap, and nobody else may write what lies
// between those values meanwhile: it may be read and written back as it was.
func (s *Set) AddSpread(dst, src []float32, runs, length, step, dstRun, srcRun int) {
	if runs <= 0 || length <= 0 {
		return
	}
	if step <= 0 || min(dstRun, srcRun) < 0 {
		panic(fmt.Sprintf("kernel: %d runs %d and %d apart, spread by steps of %d", runs, dstRun, srcRun, step))
	}
	atLeast(dst, (runs-1)*dstRun+(length-1)*step+1)
	atLeast(src, (runs-1)*srcRun+length)
	s.addSpread(dst, src, runs, length, step, dstRun, srcRun)
}
