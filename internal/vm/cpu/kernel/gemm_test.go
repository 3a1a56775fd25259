package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// product is a random Product between guards, with what it should give.
type product struct {
	Product
	buffers []*buffer
	c       *buffer
	want    []float64 // for each place of C, NaN where nothing is written
	bound   []float64 // of the error
}

// newProduct makes operands with strides; option's bits choose what a Product
// can do.
func newProduct(r *rand.Rand, m, n, k, option int) *product {
	p := &product{Product: Product{M: m, N: n, K: k}}
	matrix := func(rows, cols, ld int) []float32 {
		b := newBuffer(max(0, extent(rows, cols, ld)), r.IntN(4))
		fill(b.data, normal32, r)
		p.buffers = append(p.buffers, b)
		return b.data
	}
	pad := func(n int) int { return n + option%3*r.IntN(5) }
	vector := func(n int) []float32 { return matrix(1, n, n) }
	switch option % 4 {
	case 0: // transposed
		p.RowA, p.ColA = 1, pad(m)
		p.A = matrix(k, m, p.ColA)
	case 1: // neither rows nor columns lie together
		p.RowA, p.ColA = 2*pad(k), 2
		p.A = matrix(m, 2*k, p.RowA)
	default:
		p.RowA, p.ColA = pad(k), 1
		p.A = matrix(m, k, p.RowA)
	}
	p.LdB, p.LdC = pad(n), pad(n)
	p.B = matrix(k, n, p.LdB)
	p.C = matrix(m, n, p.LdC)
	p.c = p.buffers[len(p.buffers)-1]
	p.Accumulate = option&4 != 0
	p.epilogue(option, vector)
	if p.Next = p.B; r.IntN(2) == 0 {
		p.Next, p.NextGap = p.C, r.IntN(100)
	}
	p.exact()
	return p
}

// newWalk is newProduct with rows in groups and columns of A in runs, as a
// convolution has them; what groups see of A overlaps, and with option 64 what
// they add to C does.
func newWalk(r *rand.Rand, group, groups, run, runs, n, option int) *product {
	p := &product{Product: Product{M: group, N: n, K: run, Groups: groups, Runs: runs}}
	matrix := func(size int) []float32 {
		b := newBuffer(size, r.IntN(4))
		fill(b.data, normal32, r)
		p.buffers = append(p.buffers, b)
		return b.data
	}
	p.RowA, p.ColA, p.GroupA, p.RunA = r.IntN(5), r.IntN(3), r.IntN(30), r.IntN(30)
	p.LdB = n + r.IntN(3)
	p.LdC = n + r.IntN(3)
	p.GroupC = group*p.LdC + r.IntN(2)*r.IntN(3)
	p.Accumulate = option&4 != 0
	if option&64 != 0 {
		p.LdC, p.GroupC, p.Accumulate = groups*n, r.IntN(n+1), true
	}
	p.A = matrix(p.atA(groups-1, group-1, runs-1, run-1) + 1)
	p.B = matrix(extent(runs*run, n, p.LdB))
	p.C = matrix((groups-1)*p.GroupC + (group-1)*p.LdC + n)
	p.c = p.buffers[len(p.buffers)-1]
	if option&64 == 0 {
		p.epilogue(option, matrix)
	}
	p.exact()
	return p
}

// atA is where a value of A lies.
func (p *product) atA(g, i, r, k int) int { return g*p.GroupA + i*p.RowA + r*p.RunA + k*p.ColA }

// epilogue adds a bias and a ReLU or its gradient, as option's bits say.
func (p *product) epilogue(option int, matrix func(size int) []float32) {
	if option&8 != 0 {
		p.Bias = matrix(p.N)
	}
	switch option >> 4 % 3 {
	case 1:
		p.ReLU = true
	case 2:
		p.LdY = p.N + option%3
		p.Y = matrix(extent(p.groups()*p.M, p.N, p.LdY))
	}
}

// exact computes the product in float64: what is added to a place of C, group
// by group, and how far a result may be off.
func (p *product) exact() {
	p.want, p.bound = make([]float64, len(p.C)), make([]float64, len(p.C))
	begun := make([]bool, len(p.C))
	for row := range p.groups() * p.M {
		g, i := row/p.M, row%p.M
		for j := range p.N {
			at := g*p.GroupC + i*p.LdC + j
			if !begun[at] {
				begun[at] = true
				p.begin(at, j)
			}
			for k := range p.runs() * p.K {
				t := float64(p.A[p.atA(g, i, k/p.K, k%p.K)]) * float64(p.B[k*p.LdB+j])
				p.want[at], p.bound[at] = p.want[at]+t, p.bound[at]+math.Abs(t)
			}
			if (p.ReLU && p.want[at] < 0) || (p.Y != nil && p.Y[row*p.LdY+j] <= 0) {
				p.want[at] = 0
			}
		}
	}
	for at, b := range begun {
		p.bound[at] *= float64(p.groups()*p.runs()*p.K+2) * 0x1p-24
		if !b {
			p.want[at] = math.NaN() // not written
		}
	}
}

// begin sets a place of C, in column j, to what it starts from.
func (p *product) begin(at, j int) {
	if p.Accumulate {
		p.want[at] = float64(p.C[at])
	}
	if p.Bias != nil {
		p.want[at] += float64(p.Bias[j])
	}
	p.bound[at] = math.Abs(p.want[at])
}

// check compares the result, and that nothing else was written.
func (p *product) check(t *testing.T, before []float32, what string) {
	t.Helper()
	for _, b := range p.buffers {
		b.check(t, what)
	}
	for at, got := range p.C {
		switch want := p.want[at]; {
		case want != want && got != before[at]:
			t.Fatalf("%s: wrote between rows, at %d", what, at)
		case want == want && !near(float64(got), want, 0, p.bound[at]):
			t.Fatalf("%s: C[%d]: got %v, want %v within %.2g", what, at, got, want, p.bound[at])
		}
	}
}

// gemms are the ways through which a set multiplies, whatever the size; those
// with tiles never meet K = 0, copies no groups or runs.
func gemms(s *Set, p *Product) map[string]func(p *Product, scratch *Scratch) {
	ways := map[string]func(p *Product, scratch *Scratch){"Gemm": s.Gemm}
	if s.tiles != nil && p.K > 0 {
		ways["InPlace"] = s.gemmInPlace
		if p.groups() == 1 && p.runs() == 1 {
			ways["Packed"] = s.gemmPacked
		}
	}
	return ways
}

// TestGemm holds products of many shapes to float64, with all options. All
// sets with tiles must give the same bits, whichever way they take.
func TestGemm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var cases [][3]int
	for n := 1; n <= 70; n++ { // every tail in each direction
		cases = append(cases, [3]int{1 + r.IntN(20), n, r.IntN(30)}, [3]int{n, 1 + r.IntN(50), r.IntN(30)}, [3]int{1 + r.IntN(9), 1 + r.IntN(50), n})
	}
	cases = append(cases, [3]int{5, 7, 0}, [3]int{33, 50, 600}, [3]int{3, 100, 513}, [3]int{270, 790, 390}, [3]int{2053, 20, 20})
	scratch := NewScratch()
	for i, c := range cases {
		newProduct(r, c[0], c[1], c[2], r.IntN(48)).testSets(t, scratch, fmt.Sprintf("case %d, %v", i, c))
	}
}

// TestGemmWalk does the same with groups and runs.
func TestGemmWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	scratch := NewScratch()
	cases := [][5]int{{7, 7, 48, 3, 32}, {14, 14, 3, 3, 16}, {3, 3, 14, 14, 16}, {48, 3, 7, 7, 32}, {5, 4, 300, 2, 50}, {2, 3, 100, 7, 33}, {30, 2, 4, 2, 9}}
	for n := 1; n <= 30; n++ {
		cases = append(cases, [5]int{n, 1 + r.IntN(4), 1 + r.IntN(9), 1 + r.IntN(4), 1 + r.IntN(60)})
	}
	for i, c := range cases {
		for _, option := range []int{r.IntN(48), r.IntN(48), 64} {
			what := fmt.Sprintf("case %d, %v, option %d", i, c, option)
			newWalk(r, c[0], c[1], c[2], c[3], c[4], option).testSets(t, scratch, what)
		}
	}
}

// testSets runs a product on every set, in every way.
func (p *product) testSets(t *testing.T, scratch *Scratch, what string) {
	t.Helper()
	before := slices.Clone(p.C)
	var bits []float32
	for _, s := range Sets() {
		for way, gemm := range gemms(s, &p.Product) {
			what := fmt.Sprintf("%s, %s %s", what, s.Name, way)
			copy(p.c.data, before)
			gemm(&p.Product, scratch)
			p.check(t, before, what)
			if s.tiles == nil || p.K == 0 {
				continue
			}
			if bits == nil {
				bits = slices.Clone(p.C)
			}
			if !slices.Equal(bits, p.C) {
				t.Fatalf("%s: other bits than another set or way", what)
			}
		}
	}
}

// TestGemmSplit shares a product out by rows, columns and K at arbitrary
// places: the bits must stay.
func TestGemmSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	scratch := NewScratch()
	for i := range 60 {
		m, n, k := 1+r.IntN(60), 1+r.IntN(130), 1+r.IntN(300)
		if i == 0 {
			m, n, k = 300, 800, 400 // packed
		}
		p := newProduct(r, m, n, k, r.IntN(48))
		before := slices.Clone(p.C)
		for _, s := range Sets() {
			copy(p.C, before)
			s.Gemm(&p.Product, scratch)
			whole := slices.Clone(p.C)
			copy(p.C, before)
			ms, ns, ks := cuts(r, m), cuts(r, n), cuts(r, k)
			for a := range len(ms) - 1 {
				for b := range len(ns) - 1 {
					for c := range len(ks) - 1 {
						q := p.part(ms[a], ms[a+1], ns[b], ns[b+1], ks[c], ks[c+1])
						s.Gemm(&q, scratch)
					}
				}
			}
			if !slices.Equal(whole, p.C) {
				t.Fatalf("%s: (%d,%d,%d) cut at rows %v, columns %v, K %v: other bits", s.Name, m, n, k, ms, ns, ks)
			}
		}
	}
}

// cuts returns 0, some places between, and n.
func cuts(r *rand.Rand, n int) []int {
	at := []int{0, n}
	for range r.IntN(3) {
		at = append(at, r.IntN(n+1))
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// part is rows i0 to i1, columns j0 to j1 and products k0 to k1 of p, with the
// start in the first and the epilogue in the last part of K.
func (p *Product) part(i0, i1, j0, j1, k0, k1 int) Product {
	q := *p
	q.M, q.N, q.K = i1-i0, j1-j0, k1-k0
	q.A = p.A[i0*p.RowA+k0*p.ColA:]
	q.B = p.B[k0*p.LdB+j0:]
	q.C = p.C[i0*p.LdC+j0:]
	if p.Bias != nil {
		q.Bias = p.Bias[j0:]
	}
	if p.Y != nil {
		q.Y = p.Y[i0*p.LdY+j0:]
	}
	if k0 > 0 {
		q.Accumulate, q.Bias = true, nil
	}
	if k1 < p.K {
		q.ReLU, q.Y = false, nil
	}
	return q
}

// TestGemmNaN puts a NaN into each operand: it must come out in its row or
// column and nowhere else, through a ReLU and its gradient too.
func TestGemmNaN(t *testing.T) {
	const m, n, k = 9, 53, 20
	nan := float32(math.NaN())
	scratch := NewScratch()
	for _, s := range Sets() {
		for way, gemm := range gemms(s, &Product{K: k}) {
			for option := range 48 {
				r := rand.New(rand.NewPCG(9, uint64(option)))
				p := newProduct(r, m, n, k, option)
				i, j := r.IntN(m), r.IntN(n)
				for l := range p.Y {
					p.Y[l] = 1
				}
				operand := r.IntN(3)
				switch operand {
				case 0:
					p.A[i*p.RowA+3*p.ColA] = nan
				case 1:
					p.B[3*p.LdB+j] = nan
				case 2:
					if p.Bias == nil {
						continue
					}
					p.Bias[j] = nan
				}
				gemm(&p.Product, scratch)
				for x := range m {
					for y := range n {
						v := p.C[x*p.LdC+y]
						if want := x == i && operand == 0 || y == j && operand > 0; (v != v) != want {
							t.Fatalf("%s %s: option %d, NaN in operand %d at (%d,%d): C(%d,%d) is %v", s.Name, way, option, operand, i, j, x, y, v)
						}
					}
				}
			}
		}
	}
}

// TestGemmYNaN: where Y is NaN, the gradient passes.
func TestGemmYNaN(t *testing.T) {
	for _, s := range Sets() {
		p := Product{
			M: 1, N: 3, K: 1, A: []float32{2}, RowA: 1, ColA: 1, B: []float32{3, 4, 5}, LdB: 3,
			C: make([]float32, 3), LdC: 3, Y: []float32{float32(math.NaN()), -1, 0}, LdY: 3,
		}
		s.Gemm(&p, NewScratch())
		if want := []float32{6, 0, 0}; !slices.Equal(p.C, want) {
			t.Errorf("%s: got %v, want %v", s.Name, p.C, want)
		}
	}
}
