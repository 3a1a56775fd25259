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
// Rows may lie in groups and columns of A in runs, as the pixels do that a
// convolution takes together: row i is row i%Group of group i/Group, column k
// of A is column k%Run of run k/Run.
type Product struct {
	M, N, K int // C (M,N) = A (M,K) · B (K,N)

	A          []float32 // A(i,k) = A[i·RowA + k·ColA]
	RowA, ColA int       // any, 0 too: 1 and ld for a transposed A

	B   []float32 // B(k,j) = B[k·LdB + j]
	LdB int       // any, 0 too

	C   []float32 // C(i,j) = C[i·LdC + j]
	LdC int       // at least N

	Group          int // divides M; 0 is M: one group
	GroupA, GroupC int // from one group of rows to the next in A and in C
	Run            int // divides K; 0 is K: one run
	RunA           int // from one run of columns to the next in A

	Accumulate bool
	Bias       []float32 // (N) or nil
	ReLU       bool
	Y          []float32 // Y(i,j) = Y[i·LdY + j], or nil; not with ReLU
	LdY        int

	// Next is what the caller reads next, brought into the cache meanwhile, and
	// as many values NextGap and twice NextGap behind it, and of a transposed A
	// the rows that follow; or nil.
	Next    []float32
	NextGap int
}

// groups returns the rows of a group and the number of groups.
func (p *Product) groups() (size, count int) {
	if p.Group == 0 {
		return p.M, 1
	}
	return p.Group, p.M / p.Group
}

// runs returns the columns of a run and the number of runs.
func (p *Product) runs() (size, count int) {
	if p.Run == 0 {
		return p.K, 1
	}
	return p.Run, p.K / p.Run
}

// rowA and rowC are where row i begins, colA where column k lies in it.
func (p *Product) rowA(i int) int {
	size, _ := p.groups()
	return i/size*p.GroupA + i%size*p.RowA
}

func (p *Product) rowC(i int) int {
	size, _ := p.groups()
	return i/size*p.GroupC + i%size*p.LdC
}

func (p *Product) colA(k int) int {
	size, _ := p.runs()
	return k/size*p.RunA + k%size*p.ColA
}

// check panics as an index out of range does unless the slices hold all that
// the product touches.
func (p *Product) check() {
	if p.M < 0 || p.N < 0 || p.K < 0 || p.RowA < 0 || p.ColA < 0 || (p.LdC < p.N && p.M > 1) {
		panic(fmt.Sprintf("kernel: product (%d,%d)·(%d,%d) with strides of A %d and %d, leading dimension of C %d",
			p.M, p.K, p.K, p.N, p.RowA, p.ColA, p.LdC))
	}
	if min(p.Group, p.GroupA, p.GroupC, p.Run, p.RunA) < 0 || p.Group > 0 && p.M%p.Group != 0 || p.Run > 0 && p.K%p.Run != 0 {
		panic(fmt.Sprintf("kernel: product of %d rows in groups of %d, %d and %d apart, and %d columns in runs of %d, %d apart",
			p.M, p.Group, p.GroupA, p.GroupC, p.K, p.Run, p.RunA))
	}
	if p.M > 0 && p.K > 0 {
		_ = p.A[p.rowA(p.M-1)+p.colA(p.K-1)]
	}
	atLeast(p.B, extent(p.K, p.N, p.LdB))
	if p.M > 0 && p.N > 0 {
		_ = p.C[p.rowC(p.M-1)+p.N-1]
	}
	if p.Bias != nil {
		atLeast(p.Bias, p.N)
	}
	if p.Y != nil {
		atLeast(p.Y, extent(p.M, p.N, p.LdY))
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
//	for i := range M {
//		for j := range N {
//			c := Bias[j] + C[i*LdC+j]  // each where asked for
//			for k := range K {
//				c += A[i*RowA+k*ColA] * B[k*LdB+j]
//			}
//			C[i*LdC+j] = epilogue(c)
//		}
//	}
//
// with i*RowA, k*ColA and i*LdC as groups and runs have it.
func gemmGeneric(p *Product) {
	for i := range p.M {
		c := p.C[p.rowC(i):][:p.N]
		switch {
		case p.Bias != nil && p.Accumulate:
			addGeneric(c, p.Bias)
		case p.Bias != nil:
			copy(c, p.Bias)
		case !p.Accumulate:
			clear(c)
		}
		run, runs := p.runs()
		for r := 0; r < runs && run > 0; r++ {
			gemmRow(c, p, p.A[p.rowA(i)+r*p.RunA:], r*run, run)
		}
		if p.ReLU {
			reluGeneric(c, c, 0)
		}
		if p.Y != nil {
			reluGradGeneric(c, c, p.Y[i*p.LdY:i*p.LdY+p.N], 0)
		}
	}
}

// gemmRow adds a row of A, columns k to k+count, times B to c, four rows of B
// at a time.
func gemmRow(c []float32, p *Product, row []float32, k, count int) {
	n := p.N
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
