package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// fma32 is a·b+c, rounded once.
func fma32(a, b, c float32) float32 {
	product := float64(a) * float64(b) // exact
	sum := product + float64(c)
	t := sum - product
	rest := (product - (sum - t)) + (float64(c) - t)
	// Of the two float64 around the exact sum the odd one tells the second
	// rounding on which side of a tie the sum is.
	if bits := math.Float64bits(sum); rest != 0 && rest == rest && bits&1 == 0 {
		if (rest > 0) == (sum > 0) {
			sum = math.Float64frombits(bits + 1)
		} else {
			sum = math.Float64frombits(bits - 1)
		}
	}
	return float32(sum)
}

func TestFMA32(t *testing.T) {
	const ulp = 0x1p-23
	for _, c := range []struct{ a, b, c, want float32 }{
		{2, 3, 4, 10},
		{1 + ulp, 1 + ulp, -1 - 2*ulp, ulp * ulp},
		{0x1p-12, 0x1p-12, 1, 1},                                              // a tie, to even
		{0x1p-12, 0x1p-12 + 0x1p-35, 1, 1 + ulp},                              // above it by less than float64 has
		{0x1p-60, 0x1p-60, 1 + ulp, 1 + ulp},                                  // far below
		{0x1p-12 + 0x1p-35, -0x1p-12, 1 + 2*ulp, 1 + ulp},                     // below a tie, subtracted
		{0x1p-100, -0x1p-100, 0, float32(math.Copysign(0, -1))},               // too small
		{0x1p127, 2, -0x1p127, 0x1p127},                                       // a product too large for float32
		{float32(math.Inf(1)), 1, 3, float32(math.Inf(1))},                    //
		{float32(math.Inf(1)), 0, 3, float32(math.NaN())},                     //
		{0x1p-149, 0.5, 0x1p-149, 0x1p-148},                                   // a tie among denormal numbers
		{0x1p-149, 0.5, float32(math.Inf(-1)), float32(math.Inf(-1))},         //
		{0x1p-149, 0.75, float32(math.Copysign(0, -1)), 0x1p-149},             //
		{0, -1, float32(math.Copysign(0, -1)), float32(math.Copysign(0, -1))}, //
	} {
		if got := fma32(c.a, c.b, c.c); !sameBits(got, c.want) {
			t.Errorf("%g·%g+%g: got %g, want %g", c.a, c.b, c.c, got, c.want)
		}
	}
}

// sameBits says that two values have the same bits, or are both NaN.
func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || (a != a && b != b)
}

// chain is what every set with tiles must leave in C, bit by bit.
func (p *product) chain() []float32 {
	c := slices.Clone(p.C)
	for row := range p.groups() * p.M {
		g, i := row/p.M, row%p.M
		for j := range p.N {
			at := g*p.GroupC + i*p.LdC + j
			x := float32(0)
			switch {
			case p.Accumulate && p.Bias != nil:
				x = c[at] + p.Bias[j]
			case p.Accumulate:
				x = c[at]
			case p.Bias != nil:
				x = p.Bias[j]
			}
			for k := range p.runs() * p.K {
				x = fma32(p.A[p.atA(g, i, k/p.K, k%p.K)], p.B[k*p.LdB+j], x)
			}
			if (p.ReLU && x < 0) || (p.Y != nil && p.Y[row*p.LdY+j] <= 0) {
				x = 0
			}
			c[at] = x
		}
	}
	return c
}

// spoil puts some numbers into the operands that rounding, comparisons and
// overlapping columns have to treat with care.
func (p *product) spoil(r *rand.Rand) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-40, -1e-40, 1e-30, -1e-30, 1e30, -1e30, inf, -inf, nan}
	for _, operand := range [][]float32{p.A, p.B, p.C, p.Bias, p.Y} {
		for range min(2, len(operand)) {
			operand[r.IntN(len(operand))] = odd[r.IntN(len(odd))]
		}
	}
}

// testChain holds all sets with tiles, in every way, to the chain, and guards
// around all operands to what they were.
func (p *product) testChain(t *testing.T, scratch *Scratch, what string) {
	t.Helper()
	before, want := slices.Clone(p.C), p.chain()
	for _, s := range Sets() {
		if s.tiles == nil {
			continue
		}
		for way, gemm := range gemms(s, &p.Product) {
			what := fmt.Sprintf("%s, %s %s", what, s.Name, way)
			copy(p.C, before)
			gemm(&p.Product, scratch)
			for _, b := range p.buffers {
				b.check(t, what)
			}
			for i, got := range p.C {
				if !sameBits(got, want[i]) {
					t.Fatalf("%s: C[%d]: got %g, want %g", what, i, got, want[i])
				}
			}
		}
	}
}

// TestGemmChain goes through all heights of tiles, all widths up to one vector
// more than the widest one has of four lanes, and columns of A from one to more
// than a round has, as A may lie and with all options.
func TestGemmChain(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 26))
	scratch := NewScratch()
	for m := 1; m <= 7; m++ {
		for n := 1; n <= 21; n++ {
			for k := 1; k <= 9; k++ {
				for layout := range 3 {
					option := 4*r.IntN(12) + layout
					p := newProduct(r, m, n, k, option)
					p.spoil(r)
					p.testChain(t, scratch, fmt.Sprintf("(%d,%d,%d), option %d", m, n, k, option))
				}
			}
		}
	}
}

// TestGemmChainRuns does the same with runs of few columns and groups, which
// option 64 has add to the same places.
func TestGemmChainRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	scratch := NewScratch()
	for run := 1; run <= 5; run++ {
		for group := 1; group <= 7; group++ {
			for n := 1; n <= 17; n++ {
				option := []int{r.IntN(48), 64}[r.IntN(2)]
				groups, runs := 1+r.IntN(3), 1+r.IntN(4)
				p := newWalk(r, group, groups, run, runs, n, option)
				p.spoil(r)
				p.testChain(t, scratch, fmt.Sprintf("%d groups of %d by %d, %d runs of %d, option %d, strides of A %d and %d",
					groups, group, n, runs, run, option, p.RowA, p.ColA))
			}
		}
	}
}
