package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestColumnSum holds sums to the plain Go kernel, bit for bit, at every tail,
// and cut by rows and columns.
func TestColumnSum(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	for cols := range 150 {
		for _, rows := range []int{0, 1, 2, 9} {
			ld := cols + r.IntN(4)
			src := newBuffer(extent(rows, cols, ld), cols%3)
			fill(src.data, normal32, r)
			dst := newBuffer(cols, cols%5)
			fill(dst.data, normal32, r)
			before := slices.Clone(dst.data)
			for _, s := range Sets() {
				for _, accumulate := range []bool{false, true} {
					what := fmt.Sprintf("%s: %d by %d, accumulate %v", s.Name, rows, cols, accumulate)
					want := slices.Clone(before)
					columnSumGeneric(want, src.data, rows, cols, ld, accumulate)
					copy(dst.data, before)
					s.ColumnSum(dst.data, src.data, rows, cols, ld, accumulate)
					dst.check(t, what)
					if !slices.Equal(dst.data, want) {
						t.Fatalf("%s: got %v, want %v", what, dst.data, want)
					}
					if rows < 2 || cols < 2 {
						continue
					}
					copy(dst.data, before)
					cut := 1 + r.IntN(cols-1)
					for _, c := range [][2]int{{0, cut}, {cut, cols}} {
						part := dst.data[c[0]:c[1]]
						s.ColumnSum(part, src.data[c[0]:], 1, len(part), ld, accumulate)
						s.ColumnSum(part, src.data[ld+c[0]:], rows-1, len(part), ld, true)
					}
					if !slices.Equal(dst.data, want) {
						t.Fatalf("%s: other bits when cut", what)
					}
				}
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 13))
	cases := [][2]int{{0, 5}, {5, 0}, {64, 64}, {33, 130}, {8, 384}, {6, 100}}
	for n := 1; n <= 40; n++ {
		cases = append(cases, [2]int{n, 1 + r.IntN(40)}, [2]int{1 + r.IntN(40), n})
		for other := range min(n+1, 21) { // small ones, of every shape
			cases = append(cases, [2]int{n, other}, [2]int{other, n})
		}
	}
	for _, c := range cases {
		rows, cols := c[0], c[1]
		lds, ldd := cols+r.IntN(3), rows+r.IntN(3)
		src := newBuffer(extent(rows, cols, lds), r.IntN(4))
		fill(src.data, normal32, r)
		for _, s := range Sets() {
			dst := newBuffer(extent(cols, rows, ldd), r.IntN(4))
			what := fmt.Sprintf("%s: %d by %d, strides %d and %d", s.Name, rows, cols, lds, ldd)
			s.Transpose(dst.data, ldd, src.data, lds, rows, cols)
			dst.check(t, what)
			for at, v := range dst.data {
				i, j := at%max(1, ldd), at/max(1, ldd)
				want := sentinel
				if i < rows {
					want = src.data[i*lds+j]
				}
				if v != want && (v == v || want == want) {
					t.Fatalf("%s: (%d,%d): got %v, want %v", what, j, i, v, want)
				}
			}
		}
	}
}

func TestDecodeBytes(t *testing.T) {
	for _, s := range Sets() {
		for n := range 300 {
			src := make([]byte, n)
			for i := range src {
				src[i] = byte(i*7 + n)
			}
			dst := newBuffer(n, n%5)
			s.DecodeBytes(dst.data, src, 2./255, -1)
			dst.check(t, fmt.Sprint(s.Name, n))
			for i, v := range dst.data {
				factor := float32(2. / 255)
				if want := float32(float32(src[i])*factor) - 1; v != want {
					t.Fatalf("%s: n=%d, %d: got %v, want %v", s.Name, n, i, v, want)
				}
			}
		}
	}
}

// TestSumOrder: sums depend on the length, not on where the values lie.
func TestSumOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 15))
	for _, s := range Sets() {
		for _, n := range []int{1, 17, 100, 333} {
			y, u := newBuffer(n, 0), newBuffer(n, 0)
			fill(y.data, unit32, r)
			fill(u.data, unit32, r)
			sum, squares, loss := s.Sum(y.data), s.SumSquares(y.data, 0.75), s.BCE(nil, y.data, u.data, 1)
			for shift := range 16 {
				y2, u2 := newBuffer(n, shift), newBuffer(n, 15-shift)
				copy(y2.data, y.data)
				copy(u2.data, u.data)
				if got := s.Sum(y2.data); got != sum {
					t.Errorf("%s: sum of %d, moved by %d: got %v, want %v", s.Name, n, shift, got, sum)
				}
				if got := s.SumSquares(y2.data, 0.75); got != squares {
					t.Errorf("%s: squares of %d, moved by %d: got %v, want %v", s.Name, n, shift, got, squares)
				}
				if got := s.BCE(y2.data, y2.data, u2.data, 1); got != loss {
					t.Errorf("%s: loss of %d, moved by %d: got %v, want %v", s.Name, n, shift, got, loss)
				}
			}
		}
	}
}
