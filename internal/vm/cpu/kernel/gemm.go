package kernel

import "fmt"

// Product is C = epilogue(start + A·B) with the start
//
//	0, plus C where Accumulate, plus Bias where there is one
//
// and the epilogue
//
//	ReLU:     max(x, 0)
//	Y != nil: 0 where Y ≤ 0, else x: the gradient of a ReLU whose output is Y
//
// A NaN passes both. C must not overlap A, B, Bias or Y.
//
// A product may have its rows in groups and the columns of A in runs, as the
// pixels lie that a convolution takes together: M rows in each group and K
// columns in each run, then. Where a row of one group lies over the same row of
// another in C, they accumulate one after the other.
type Product struct {
	M, N, K int // C (M,N) = A (M,K) · B (K,N)

	A          []float32 // A(i,k) = A[i·RowA + k·ColA]
	RowA, ColA int       // any, 0 too: 1 and ld for a transposed A

	B   []float32 // B(k,j) = B[k·LdB + j]
	LdB int       // any, 0 too

	C   []float32 // C(i,j) = C[i·LdC + j]
	LdC int       // at least N

	Groups         int // 0 is 1
	GroupA, GroupC int // from one group to the next in A and in C
	Runs           int // 0 is 1; B has Runs·K rows
	RunA           int // from one run to the next in A

	Accumulate bool
	Bias       []float32 // (N) or nil
	ReLU       bool
	Y          []float32 // Y(i,j) = Y[i·LdY + j], i over all groups, or nil; not with ReLU
	LdY        int

	// Next is what the caller reads next, brought into the cache meanwhile, and
	// as many values NextGap and twice NextGap behind it, and of a transposed A
	// the rows that follow; or nil.
	Next    []float32
	NextGap int
}

// groups and runs are how many there are.
func (p *Product) groups() int { return max(1, p.Groups) }
func (p *Product) runs() int   { return max(1, p.Runs) }

// check panics as an index out of range does unless the slices hold all that
// the product touches.
func (p *Product) check() {
	groups, runs := p.groups(), p.runs()
	if min(p.M, p.N, p.K, p.RowA, p.ColA, p.Groups, p.GroupA, p.GroupC, p.Runs, p.RunA) < 0 || (p.LdC < p.N && p.M > 1) {
		panic(fmt.Sprintf("kernel: %d·%d products (%d,%d)·(%d,%d) with strides of A %d and %d, %d and %d, of C %d and %d",
			groups, runs, p.M, p.K, p.K, p.N, p.RowA, p.ColA, p.GroupA, p.RunA, p.LdC, p.GroupC))
	}
	if p.M == 0 || p.N == 0 {
		return
	}
	if p.K > 0 {
		_ = p.A[(groups-1)*p.GroupA+(p.M-1)*p.RowA+(runs-1)*p.RunA+(p.K-1)*p.ColA]
	}
	_ = p.C[(groups-1)*p.GroupC+(p.M-1)*p.LdC+p.N-1]
	atLeast(p.B, extent(runs*p.K, p.N, p.LdB))
	if p.Bias != nil {
		atLeast(p.Bias, p.N)
	}
	if p.Y != nil {
		atLeast(p.Y, extent(groups*p.M, p.N, p.LdY))
	}
}

// Gemm computes a product.
//
// An element of C is one chain of K multiply-adds, k rising, from its start
// value: its bits do not depend on its place, nor on how a caller shares out
// rows and columns, nor on where it splits K over calls that accumulate. The
// SIMD sets fuse each multiply-add and have the same bits; the generic one
// rounds the product first.
func (s *Set) Gemm(p *Product, scratch *Scratch) {
	p.check()
	if p.M == 0 || p.N == 0 {
		return
	}
	switch {
	case s.tiles == nil || p.K == 0:
		gemmGeneric(p)
	case p.packs():
		s.gemmPacked(p, scratch)
	default:
		s.gemmInPlace(p, scratch)
	}
}

// gemmGeneric is
//
//	for g, i, j := range Groups, M, N {
//		c := Bias[j] + C[g*GroupC+i*LdC+j]  // each where asked for
//		for r, k := range Runs, K {
//			c += A[g*GroupA+i*RowA+r*RunA+k*ColA] * B[(r*K+k)*LdB+j]
//		}
//		C[g*GroupC+i*LdC+j] = epilogue(c)
//	}
func gemmGeneric(p *Product) {
	for g := range p.groups() {
		for i := range p.M {
			c := p.C[g*p.GroupC+i*p.LdC:][:p.N]
			switch {
			case p.Bias != nil && p.Accumulate:
				addGeneric(c, p.Bias)
			case p.Bias != nil:
				copy(c, p.Bias)
			case !p.Accumulate:
				clear(c)
			}
			for r := 0; r < p.runs() && p.K > 0; r++ {
				gemmRow(c, p, p.A[g*p.GroupA+i*p.RowA+r*p.RunA:], r*p.K)
			}
			if p.ReLU {
				reluGeneric(c, c, 0)
			}
			if p.Y != nil {
				reluGradGeneric(c, c, p.Y[(g*p.M+i)*p.LdY:][:p.N], 0)
			}
		}
	}
}

// gemmRow adds a run of a row of A times B from row k to c, four rows of B at a
// time.
func gemmRow(c []float32, p *Product, row []float32, k int) {
	n, count := p.N, p.K
	b := func(q int) []float32 { return p.B[(k+q)*p.LdB:][:n] }
	q := 0
	for ; q+4 <= count; q += 4 {
		a0, a1, a2, a3 := row[q*p.ColA], row[(q+1)*p.ColA], row[(q+2)*p.ColA], row[(q+3)*p.ColA]
		b0, b1, b2, b3 := b(q), b(q+1), b(q+2), b(q+3)
		for j, v := range c {
			v += float32(a0 * b0[j])
			v += float32(a1 * b1[j])
			v += float32(a2 * b2[j])
			c[j] = v + float32(a3*b3[j])
		}
	}
	for ; q < count; q++ {
		a0 := row[q*p.ColA]
		for j, v := range b(q) {
			c[j] += float32(a0 * v)
		}
	}
}
