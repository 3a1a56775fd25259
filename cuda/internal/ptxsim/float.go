package ptxsim

import "math"

// rounding is a rounding mode of floats or of conversions to integers.
type rounding uint8

const (
	toNearest rounding = iota // ties to even
	toZero
	toMinus // toward -Inf
	toPlus  // toward +Inf
)

// f32 and b32 turn a register's bits into a float and back.
func f32(x uint32) float32 { return math.Float32frombits(x) }
func b32(x float32) uint32 { return math.Float32bits(x) }

// addOdd returns a+b rounded to odd: where the sum is not exact, the last bit
// of the result is 1. Rounding it again to float32, in any mode, is then the
// same as rounding the exact sum (Boldo and Melquiond, 2008).
func addOdd(a, b float64) float64 {
	s := a + b
	bb := s - a
	e := (a - (s - bb)) + (b - bb) // Knuth's two-sum
	u := math.Float64bits(s)
	if e == 0 || e != e || u&1 == 1 {
		return s
	}
	if (e > 0) == (s > 0) {
		return math.Float64frombits(u + 1)
	}
	return math.Float64frombits(u - 1)
}

// toFloat32 rounds a value that is exact or rounded to odd.
func toFloat32(s float64, mode rounding) float32 {
	f := float32(s)
	if mode == toNearest || s != s || float64(f) == s || math.IsInf(s, 0) {
		return f
	}
	up := float64(f) > s
	switch mode {
	case toZero:
		if up == (s > 0) {
			return math.Nextafter32(f, 0)
		}
	case toMinus:
		if up {
			return math.Nextafter32(f, float32(math.Inf(-1)))
		}
	case toPlus:
		if !up {
			return math.Nextafter32(f, float32(math.Inf(1)))
		}
	}
	return f
}

// fma32 is a*b+c rounded once, to nearest.
func fma32(a, b, c float32) float32 {
	p := float64(a) * float64(b) // exact
	s := p + float64(c)
	u := math.Float64bits(s)
	// Rounding s again only errs where s stands just between two float32, or
	// is among the subnormal ones.
	if u&0x1fffffff != 0x10000000 && (u>>52&0x7ff > 1023-126 || s == 0) {
		return float32(s)
	}
	return float32(addOdd(p, float64(c)))
}

// fmaMode is a*b+c rounded once, in a mode.
func fmaMode(a, b, c float32, mode rounding) float32 {
	return toFloat32(addOdd(float64(a)*float64(b), float64(c)), mode)
}

// flush makes a subnormal number zero, as .ftz does.
func flush(x float32) float32 {
	if u := b32(x); u&0x7f800000 == 0 {
		return f32(u & 0x80000000)
	}
	return x
}

// saturate clamps to [0,1]; NaN becomes 0.
func saturate(x float32) float32 {
	switch {
	case x > 1:
		return 1
	case x > 0:
		return x
	}
	return 0
}

// nan32 is the NaN that the hardware makes.
const nan32 = 0x7fffffff

// minMax32 returns the smaller, or the larger, of two floats. A NaN loses to
// a number unless propagate is set; -0 is less than +0.
func minMax32(x, y uint32, larger, propagate bool) uint32 {
	a, b := f32(x), f32(y)
	switch {
	case a != a && b != b:
		return nan32
	case a != a || b != b:
		if propagate {
			return nan32
		}
		if a != a {
			return y
		}
		return x
	case a == b:
		if larger {
			return x & y // +0 if either is
		}
		return x | y
	case (a > b) == larger:
		return x
	}
	return y
}

// roundInt rounds to an integer in a mode.
func roundInt(x float64, mode rounding) float64 {
	switch mode {
	case toZero:
		return math.Trunc(x)
	case toMinus:
		return math.Floor(x)
	case toPlus:
		return math.Ceil(x)
	}
	return math.RoundToEven(x)
}

// bf16 and f16 hold 16-bit floats.
func bf16ToFloat(x uint16) float32 { return f32(uint32(x) << 16) }

// floatToBF16 rounds to the nearest bf16, ties to even, or toward zero.
func floatToBF16(x float32, mode rounding) uint16 {
	u := b32(x)
	if x != x {
		return 0x7fff
	}
	if mode == toNearest {
		u += 0x7fff + u>>16&1
	}
	return uint16(u >> 16)
}

// halfToFloat widens an IEEE half.
func halfToFloat(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&0x3ff)
	switch exp {
	case 0:
		v := float32(frac) * (1.0 / (1 << 24))
		return f32(b32(v) | sign)
	case 31:
		return f32(sign | 0x7f800000 | frac<<13)
	}
	return f32(sign | (exp+112)<<23 | frac<<13)
}

// floatToHalf rounds to the nearest half, ties to even, or toward zero.
func floatToHalf(x float32, mode rounding) uint16 {
	sign := uint16(b32(x) >> 16 & 0x8000)
	a := math.Abs(float64(x))
	switch {
	case x != x:
		return 0x7fff
	case math.IsInf(a, 1):
		return sign | 0x7c00
	}
	ulp := math.Ldexp(1, -24)
	if a >= math.Ldexp(1, -14) {
		ulp = math.Ldexp(1, math.Ilogb(a)-10)
	}
	q := roundInt(a/ulp, mode) * ulp
	if q >= 65536 || q > 65504 {
		if mode == toZero {
			return sign | 0x7bff
		}
		return sign | 0x7c00
	}
	if q < math.Ldexp(1, -14) {
		return sign | uint16(q*math.Ldexp(1, 24))
	}
	e := math.Ilogb(q)
	return sign | uint16(e+15)<<10 | uint16((q/math.Ldexp(1, e)-1)*1024)
}
