package asm

import "math"

// The multipliers of Philox4x32-10.
const philoxM0, philoxM1 = 0xD2511F53, 0xCD9E8D57

// What a kernel finds in its table, as kernel.Draw writes it: the numbers of the
// first two rounds, which go over one word of a counter alone, and keys.
const (
	drawKeys   = 4
	drawRounds = 8
)

// normals is philox.Pair: every operation is rounded by itself, as there.
func normals(l *loop) {
	log := l.logarithm(l.toFloat(l.addInt(l.shiftDown(l.load("a"), 8), l.bits(1))))
	r := l.unary(squareRoot, l.mul(log, l.c(-2)))
	sin, cos := l.circle(l.shiftDown(l.load("b"), 8))
	l.store("first", l.mul(r, cos))
	l.store("second", l.mul(r, sin))
}

// horner is x·(c₀ + x·(c₁ + … + x·cₙ)), products and sums rounded.
func (l *loop) horner(x value, c ...float64) value {
	y := l.mul(x, l.c(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		y = l.mul(x, l.add(y, l.c(c[i])))
	}
	return y
}

// logarithm is ln(k·2⁻²⁴) for a whole k from 1 to 2²⁴.
func (l *loop) logarithm(k value) value {
	const rootHalf = 0x3f3504f3 // the bits of √½
	e := l.shiftRight(l.subInt(k, l.bits(rootHalf)), 23)
	m := l.subInt(k, l.shiftLeft(e, 23))
	s := l.div(l.sub(m, l.c(1)), l.add(m, l.c(1)))
	p := l.horner(l.mul(s, s), 1./3, 1./5, 1./7, 1./9)
	s2 := l.add(s, s)
	series := l.add(s2, l.mul(s2, p))
	const high, low = 0.693145751953125, 1.4286068203094172321e-6
	n := l.toFloat(l.subInt(e, l.bits(24)))
	return l.add(l.mul(n, l.c(high)), l.add(series, l.mul(n, l.c(low))))
}

// circle is sine and cosine of 2π·k·2⁻²⁴ for an integer k below 2²⁴.
func (l *loop) circle(k value) (sin, cos value) {
	const quarter = 1 << 22
	k = l.addInt(k, l.bits(quarter/2))
	turn := l.shiftDown(k, 22)
	x := l.toFloat(l.subInt(l.and(k, l.bits(quarter-1)), l.bits(quarter/2)))
	x = l.mul(x, l.c(math.Pi/2/quarter))
	q := l.mul(x, x)
	s := l.horner(q, -1./6, 1./120, -1./5040, 1./362880)
	s = l.add(x, l.mul(x, s))
	c := l.add(l.horner(q, -0.5, 1./24, -1./720, 1./40320, -1./3628800), l.c(1))
	odd := l.compare(less, l.c(0), l.toFloat(l.and(turn, l.bits(1))))
	negative := func(turn value) value { return l.and(l.shiftLeft(turn, 30), l.bits(signBit)) }
	sin = l.xor(l.pick(odd, c, s), negative(turn))
	return sin, l.xor(l.pick(odd, s, c), negative(l.addInt(turn, l.bits(1))))
}
