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
type Product struct {
	M, N, K int // C (M,N) = A (M,K) · B (K,N)

	A          []float32 // A(i,k) = A[i·RowA + k·ColA]
	RowA, ColA int       // any, 0 too: 1 and ld for a transposed A

	B   []float32 // B(k,j) = B[k·LdB + j]
	LdB int       // any, 0 too

	C   []float32 // C(i,j) = C[i·LdC + j]
	LdC int       // at least N

	Accumulate bool
	Bias       []float32 // (N) or nil
	ReLU       bool
	Y          []float32 // Y(i,j) = Y[i·LdY + j], or nil; not with ReLU
	LdY        int
}

// check panics as an index out of range does unless the slices hold all that
// the product touches.
func (p *Product) check() {
	if p.M < 0 || p.N < 0 || p.K < 0 || p.RowA < 0 || p.ColA < 0 || (p.LdC < p.N && p.M > 1) {
		panic(fmt.Sprintf("kernel: product (%d,%d)·(%d,%d) with strides of A %d and %d, leading dimension of C %d",
			p.M, p.K, p.K, p.N, p.RowA, p.ColA, p.LdC))
	}
	if p.M > 0 && p.K > 0 {
		_ = p.A[(p.M-1)*p.RowA+(p.K-1)*p.ColA]
	}
	atLeast(p.B, extent(p.K, p.N, p.LdB))
	atLeast(p.C, extent(p.M, p.N, p.LdC))
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
func gemmGeneric(p *Product) {
	for i := range p.M {
		c := p.C[i*p.LdC : i*p.LdC+p.N]
		switch {
		case p.Bias != nil && p.Accumulate:
			addGeneric(c, p.Bias)
		case p.Bias != nil:
			copy(c, p.Bias)
		case !p.Accumulate:
			clear(c)
		}
		gemmRow(c, p, i)
		if p.ReLU {
			reluGeneric(c, c, 0)
		}
		if p.Y != nil {
			reluGradGeneric(c, c, p.Y[i*p.LdY:i*p.LdY+p.N], 0)
		}
	}
}

// gemmRow adds row i of A·B to c, four rows of B at a time.
func gemmRow(c []float32, p *Product, i int) {
	k, n := 0, p.N
	a := func(k int) float32 { return p.A[i*p.RowA+k*p.ColA] }
	b := func(k int) []float32 { return p.B[k*p.LdB : k*p.LdB+n] }
	for ; k+4 <= p.K; k += 4 {
		a0, a1, a2, a3 := a(k), a(k+1), a(k+2), a(k+3)
		b0, b1, b2, b3 := b(k), b(k+1), b(k+2), b(k+3)
		for j, v := range c {
			v += float32(a0 * b0[j])
			v += float32(a1 * b1[j])
			v += float32(a2 * b2[j])
			c[j] = v + float32(a3*b3[j])
		}
	}
	for ; k < p.K; k++ {
		a0 := a(k)
		for j, v := range b(k) {
			c[j] += float32(a0 * v)
		}
	}
}
