package asm

import "math"

// Functions of float32 vectors. Numbers in them are those of the series; none
// is fitted.

const (
	signBit = 1 << 31
	ln2High = float64(float32(math.Ln2)) // ln 2 in two float32
	ln2Low  = math.Ln2 - ln2High
)

func (l *loop) abs(x value) value    { return l.and(x, l.bits(signBit-1)) }
func (l *loop) negAbs(x value) value { return l.or(x, l.bits(signBit)) }

// polynomial is c[0] + x·(c[1] + x·(c[2] + …)).
func (l *loop) polynomial(x value, c []float64) value {
	y := l.c(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		y = l.fma(x, y, l.c(c[i]))
	}
	return y
}

// factorials are the numbers of eʳ: for |r| ≤ ln(2)/2 what follows them is
// below 6e-9.
var factorials = []float64{1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040}

// reduce splits x = n·ln 2 + r with whole n and |r| ≤ ln(2)/2.
func (l *loop) reduce(x value) (n, r value) {
	n = l.nearest(l.mul(x, l.c(math.Log2E)))
	r = l.fnma(n, l.c(ln2High), x)
	return n, l.fnma(n, l.c(ln2Low), r)
}

// exp is eˣ for x ≤ 0, within 2 units in the last place where it is normal;
// 0 where it is below the smallest denormal number.
func (l *loop) exp(x value) value {
	n, r := l.reduce(l.atLeast(l.c(-104), x)) // e⁻¹⁰⁴ rounds to 0
	return l.scale(l.polynomial(r, factorials), n)
}

// scale is p·2ⁿ for n from −252 to 254.
func (l *loop) scale(p, n value) value {
	if l.scales {
		return l.binary(powerOf2, p, n)
	}
	i := l.toInt(n) // 2ⁿ may be denormal: multiply by its two halves
	half := l.shiftRight(i, 1)
	return l.mul(l.mul(p, l.power(half)), l.power(l.subInt(i, half)))
}

// power is 2ⁱ for an integer from −126 to 127.
func (l *loop) power(i value) value {
	return l.shiftLeft(l.addInt(i, l.bits(127)), 23)
}

// expm1 is eˣ − 1 for x from −80 to 80, accurate near 0 too.
func (l *loop) expm1(x value) value {
	n, r := l.reduce(x)
	q := l.mul(r, l.polynomial(r, factorials[1:])) // eʳ − 1
	power := l.power(l.toInt(n))
	return l.fma(q, power, l.sub(power, l.c(1)))
}

// tanh is (e²ˣ − 1) / (e²ˣ + 1), for |x| with the sign put back.
func (l *loop) tanh(x value) value {
	a := l.abs(x)
	t := l.expm1(l.atMost(l.c(20), l.add(a, a))) // beyond, tanh rounds to 1
	y := l.div(t, l.add(t, l.c(2)))
	return l.or(y, l.and(x, l.bits(signBit)))
}

// sigmoid is 1/(1+e⁻ˣ), or eˣ/(1+eˣ) below 0; e is e^−|x|.
func (l *loop) sigmoid(x, e value) value {
	top := l.pick(l.compare(less, x, l.c(0)), e, l.c(1))
	return l.div(top, l.add(e, l.c(1)))
}

// normal is the normal distribution Φ(x) and e^(−x²/2). Abramowitz and
// Stegun, Handbook of Mathematical Functions, 7.1.26: Φ is within 1e-7.
func (l *loop) normal(x value) (phi, e value) {
	a := l.abs(x)
	e = l.exp(l.mul(l.mul(a, l.c(-0.5)), a))
	t := l.div(l.c(1), l.fma(a, l.c(0.3275911/math.Sqrt2), l.c(1)))
	q := l.polynomial(t, []float64{0.254829592 / 2, -0.284496736 / 2, 1.421413741 / 2, -1.453152027 / 2, 1.061405429 / 2})
	q = l.mul(l.mul(q, t), e) // Φ(−|x|)
	return l.pick(l.compare(less, x, l.c(0)), q, l.sub(l.c(1), q)), e
}

// atanh2 is 2·atanh(s) from the first terms of its series.
func (l *loop) atanh2(s value, terms int) value {
	var c []float64
	for i := range terms {
		c = append(c, 2/float64(2*i+1))
	}
	return l.mul(s, l.polynomial(l.mul(s, s), c))
}

// log is the natural logarithm: about −104 at 0, NaN below.
//
// x = m·2ⁿ with m between √½ and √2; log m = 2·atanh((m−1)/(m+1)).
func (l *loop) log(x value) value {
	const rootHalf = 0x3f3504f3 // the bits of √½
	denormal := l.compare(less, x, l.bits(1<<23))
	scaled := l.pick(denormal, l.mul(x, l.c(1<<24)), x)
	bits := l.subInt(scaled, l.bits(rootHalf))
	m := l.addInt(l.and(bits, l.bits(1<<23-1)), l.bits(rootHalf))
	n := l.toFloat(l.shiftRight(bits, 23))
	n = l.sub(n, l.pick(denormal, l.c(24), l.c(0)))
	y := l.atanh2(l.div(l.sub(m, l.c(1)), l.add(m, l.c(1))), 6)
	y = l.fma(n, l.c(ln2High), l.fma(n, l.c(ln2Low), y))
	return l.pick(l.compare(notGreaterEq, x, l.c(0)), l.c(math.NaN()), y)
}

// log1p is log(1+e) for e from 0 to 1, accurate near 0 too.
func (l *loop) log1p(e value) value {
	return l.atanh2(l.div(e, l.add(e, l.c(2))), 9)
}

// sqrt is a square root by one step of Newton's method from the reciprocal
// root. Below 1e-37 and above 1e38 it is theirs.
func (l *loop) sqrt(x value) value {
	x = l.atMost(l.c(1e38), l.atLeast(l.c(1e-37), x))
	r := l.unary(nearRoot, x)
	s := l.mul(x, r)
	return l.fma(l.mul(s, l.c(0.5)), l.fnma(s, r, l.c(1)), s)
}

// reciprocal is 1/x by one step of Newton's method, for 1e-37 < x < 1e37.
func (l *loop) reciprocal(x value) value {
	r := l.unary(nearReciprocal, x)
	return l.fma(r, l.fnma(x, r, l.c(1)), r)
}
