package ptxsim

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// interesting returns bits of a float: any, near others, or special.
func interesting(r *rand.Rand) uint32 {
	switch r.IntN(4) {
	case 0:
		return []uint32{0, 1 << 31, 1, 0x7f800000, 0xff800000, 0x7f7fffff, 0x00800000, 0x007fffff, 0x3f800000}[r.IntN(9)]
	case 1:
		return 0x3f000000 + r.Uint32()>>8 // around 1
	case 2:
		return r.Uint32()&0x807fffff | uint32(r.IntN(40))<<23 // tiny
	}
	return r.Uint32()
}

// TestVectorsMatchGo compares the processor's loops with the ones in Go, and
// those with exact arithmetic.
func TestVectorsMatchGo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fast, slow := vectors(), generic()
	for range 3000 {
		var a, b, c, x, y [warpSize]uint32
		for l := range a {
			a[l], b[l], c[l] = interesting(r), interesting(r), interesting(r)
		}
		same := func(op string) {
			for l := range x {
				if x[l] != y[l] && (f32(x[l]) == f32(x[l]) || f32(y[l]) == f32(y[l])) {
					t.Fatalf("%s of %g, %g, %g: want %g, got %g", op, f32(a[l]), f32(b[l]), f32(c[l]), f32(y[l]), f32(x[l]))
				}
			}
		}
		fast.fma(&x, &a, &b, &c)
		slow.fma(&y, &a, &b, &c)
		same("fma")
		for l := range y {
			if want, ok := exactFMA(f32(a[l]), f32(b[l]), f32(c[l])); ok && want != f32(y[l]) {
				t.Fatalf("fma of %g, %g, %g: want %g, got %g", f32(a[l]), f32(b[l]), f32(c[l]), want, f32(y[l]))
			}
		}
		fast.mul(&x, &a, &b)
		slow.mul(&y, &a, &b)
		same("mul")
		fast.add(&x, &a, &b)
		slow.add(&y, &a, &b)
		same("add")
	}
}

// exactFMA is a*b+c with one rounding, for finite numbers.
func exactFMA(a, b, c float32) (float32, bool) {
	for _, v := range []float32{a, b, c} {
		if v != v || math.IsInf(float64(v), 0) {
			return 0, false
		}
	}
	x := new(big.Float).SetPrec(1000).SetFloat64(float64(a))
	x.Mul(x, new(big.Float).SetPrec(1000).SetFloat64(float64(b)))
	x.Add(x, new(big.Float).SetPrec(1000).SetFloat64(float64(c)))
	f, _ := x.Float32()
	return f, true
}

// TestDirectedRounding compares every mode with exact arithmetic.
func TestDirectedRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	modes := map[rounding]big.RoundingMode{toNearest: big.ToNearestEven, toZero: big.ToZero, toMinus: big.ToNegativeInf, toPlus: big.ToPositiveInf}
	for range 20000 {
		a, b, c := f32(0x3f000000+r.Uint32()>>8), f32(0x3f000000+r.Uint32()>>8), f32(0xbf000000+r.Uint32()>>8)
		for mode, want := range modes {
			x := new(big.Float).SetPrec(200).SetFloat64(float64(a))
			x.Mul(x, new(big.Float).SetPrec(200).SetFloat64(float64(b)))
			x.Add(x, new(big.Float).SetPrec(200).SetFloat64(float64(c)))
			w, _ := new(big.Float).SetPrec(24).SetMode(want).Set(x).Float32()
			if got := fmaMode(a, b, c, mode); got != w {
				t.Fatalf("fma of %g, %g, %g in mode %d: want %g, got %g", a, b, c, mode, w, got)
			}
			q := new(big.Float).SetPrec(200).Quo(new(big.Float).SetPrec(200).SetFloat64(float64(a)), new(big.Float).SetPrec(200).SetFloat64(float64(b)))
			w, _ = new(big.Float).SetPrec(24).SetMode(want).Set(q).Float32()
			if got := toFloat32(divOdd(a, b), mode); got != w {
				t.Fatalf("%g/%g in mode %d: want %g, got %g", a, b, mode, w, got)
			}
		}
	}
}

func TestHalves(t *testing.T) {
	for h := range 1 << 16 {
		x := uint16(h)
		if f := halfToFloat(x); f == f && floatToHalf(f, toNearest) != x {
			t.Fatalf("half %#04x is %g, which is %#04x", x, f, floatToHalf(f, toNearest))
		}
		if f := bf16ToFloat(x); f == f && floatToBF16(f, toNearest) != x {
			t.Fatalf("bf16 %#04x is %g, which is %#04x", x, f, floatToBF16(f, toNearest))
		}
	}
	for _, tt := range []struct {
		in   float32
		half uint16
		bf16 uint16
	}{{in: 1.00048828125, half: 0x3c00, bf16: 0x3f80}, {in: 65520, half: 0x7c00, bf16: 0x4780}, {in: 3e-8, half: 1, bf16: 0x3301}, {in: 1.01171875, half: 0x3c0c, bf16: 0x3f82}} {
		if h, b := floatToHalf(tt.in, toNearest), floatToBF16(tt.in, toNearest); h != tt.half || b != tt.bf16 {
			t.Errorf("%g: want %#04x and %#04x, got %#04x and %#04x", tt.in, tt.half, tt.bf16, h, b)
		}
	}
}
