package asm

import (
	"fmt"
	"math"
)

// The multipliers of Philox4x32-10.
const philoxM0, philoxM1 = 0xD2511F53, 0xCD9E8D57

// Registers of philox: the words of even counters in 0 to 5, of odd ones in 6
// to 11.
const (
	odd         = 6
	spare       = 12
	counters    = 14
	limit       = 15
	multipliers = 16 // and the next one, where there are so many
)

// draw is a kernel that draws for 16 counters side by side.
type draw struct {
	name       string
	turn, half int // bytes that it writes in a turn, and of half the counters of a word
	begin      func(d *decl)
	give       func(word int, reg string) // what is done with a word of the counters, in their order
}

// noise writes the kernels that draw random numbers.
func (w *writer) noise() {
	w.philox(draw{name: "words", turn: 256, half: 32, give: func(word int, reg string) {
		w.p("VMOVUPS %s, %d(DI)", reg, 64*word)
	}})
	w.philox(draw{name: "below", turn: 8, half: 1, begin: w.beginBelow, give: w.giveBelow})
}

func (w *writer) beginBelow(d *decl) {
	w.p("VBROADCASTSS %s, %s", w.arg(d, "limit"), w.numbered(limit))
	if !w.wide() { // it compares integers with signs
		w.p("VPXOR %[1]s, %[2]s, %[2]s", w.constant(signBit), w.numbered(limit))
	}
}

func (w *writer) giveBelow(word int, reg string) {
	if w.wide() {
		w.p("VPCMPUD $1, %s, %s, K2\nKMOVW K2, %d(DI)", w.numbered(limit), reg, 2*word)
		return
	}
	w.p("VPXOR %[1]s, %[2]s, %[2]s\nVPCMPGTD %[2]s, %[3]s, %[2]s", w.constant(signBit), reg, w.numbered(limit))
	w.p("VMOVMSKPS %s, AX\nMOVB AX, %d(DI)", reg, 2*word)
}

func (w *writer) numbered(i int) string { return fmt.Sprintf("%s%d", w.reg, i) }

// move copies lanes of 32 bits.
func (w *writer) move(from, to string) {
	name := "VMOVDQU"
	if w.wide() {
		name = "VMOVDQU32"
	}
	w.p("%s %s, %s", name, from, to)
}

// philox draws in turns: for all counters at once, or first for half of them and
// then for the other. The words of a counter are in the lower halves of 64 bits;
// upper halves hold whatever comes: products do not read them.
func (w *writer) philox(k draw) {
	d, reg := w.begin(k.name), w.numbered
	w.p("MOVQ %s, DI\nMOVQ %s, SI\nMOVQ %s, CX\nMOVQ %s, R10", w.arg(d, "dst"), w.arg(d, "first"), w.arg(d, "turns"), w.arg(d, "table"))
	w.p("TESTQ CX, CX\nJLE done")
	if k.begin != nil {
		k.begin(d)
	}
	if w.wide() {
		w.p("MOVL $0xaaaa, AX\nKMOVW AX, K1")
		w.p("VPBROADCASTD %s, %s\nVPBROADCASTD %s, %s", w.constant(philoxM0), reg(multipliers), w.constant(philoxM1), reg(multipliers+1))
	} else {
		w.p("MOVQ DI, R8\nMOVQ $2, R9\nhalf:")
	}
	w.move("(SI)", reg(counters))
	w.p("turn:\nVPSRLQ $32, %s, %s", reg(counters), reg(odd))
	w.move(reg(counters), reg(0))
	w.begun()
	x, to := [4]int{0, 1, 2, 3}, [2]int{4, 5}
	for round := range drawRounds {
		w.round(x, to, drawKeys+2*round)
		x, to = [4]int{x[0], to[1], x[2], to[0]}, [2]int{x[3], x[1]}
	}
	for word, r := range x {
		w.together(reg(r), reg(odd+r))
		k.give(word, reg(r))
	}
	w.p("VBROADCASTSS %s, %s\nVPADDD %[2]s, %[3]s, %[3]s", w.arg(d, "stride"), reg(spare), reg(counters))
	w.p("ADDQ $%d, DI\nDECQ CX\nJNZ turn", k.turn)
	if !w.wide() {
		w.p("LEAQ %d(R8), DI\nADDQ $32, SI\nMOVQ %s, CX\nDECQ R9\nJNZ half", k.half, w.arg(d, "turns"))
	}
	w.p("done:\nVZEROUPPER\nRET")
}

// What a kernel finds in its table, as kernel.Draw writes it: the numbers of the
// first two rounds, which go over one word of a counter alone, and keys.
const (
	drawKeys   = 4
	drawRounds = 8
)

// begun is the first two rounds.
func (w *writer) begun() {
	m0, m1 := w.products()
	at := func(i, set int) string { return w.numbered(i + set*odd) }
	for set := range 2 {
		w.p("VPMULUDQ %s, %s, %s\nVPSRLQ $32, %[3]s, %[4]s", m0, at(0, set), at(3, set), at(2, set))
		w.xorTable(0, at(2, set))
	}
	for set := range 2 {
		w.p("VPMULUDQ %s, %s, %s\nVPSRLQ $32, %[3]s, %[4]s", m1, at(2, set), at(1, set), at(0, set))
		w.xorTable(1, at(0, set))
		w.move(at(3, set), at(2, set))
		w.xorTable(2, at(2, set))
		w.p("VBROADCASTSS 12(R10), %s", at(3, set))
	}
}

// products returns the operands that hold the multipliers.
func (w *writer) products() (m0, m1 string) {
	if w.wide() {
		return w.numbered(multipliers), w.numbered(multipliers + 1)
	}
	return w.constant(philoxM0), w.constant(philoxM1)
}

// xorTable is dst ^= a number of the table.
func (w *writer) xorTable(i int, dst string) {
	if w.wide() {
		w.p("VPXORD.BCST %d(R10), %[2]s, %[2]s", 4*i, dst)
		return
	}
	w.p("VBROADCASTSS %d(R10), %s\nVPXOR %[2]s, %[3]s, %[3]s", 4*i, w.numbered(spare), dst)
}

// round is a round of Philox: the words are in registers x, the products go to
// others, where they are words of the next round.
func (w *writer) round(x [4]int, to [2]int, key int) {
	m0, m1 := w.products()
	at := func(i, set int) string { return w.numbered(i + set*odd) }
	for set := range 2 {
		w.p("VPMULUDQ %s, %s, %s", m0, at(x[0], set), at(to[0], set))
		w.p("VPMULUDQ %s, %s, %s", m1, at(x[2], set), at(to[1], set))
	}
	for set := range 2 {
		w.mix(at(to[1], set), at(x[1], set), key, at(x[0], set))
		w.mix(at(to[0], set), at(x[3], set), key+1, at(x[2], set))
	}
}

// mix sets dst to the upper half of a product, a word and a key, by exclusive or.
func (w *writer) mix(product, word string, key int, dst string) {
	w.p("VPSRLQ $32, %s, %s", product, dst)
	if w.wide() {
		w.p("VPTERNLOGD.BCST $0x96, %d(R10), %s, %s", 4*key, word, dst)
		return
	}
	w.p("VPXOR %[1]s, %[2]s, %[2]s", word, dst)
	w.xorTable(key, dst)
}

// together puts the lower halves of two registers into the lanes of the first.
func (w *writer) together(even, odd string) {
	w.p("VPSLLQ $32, %[1]s, %[1]s", odd)
	if w.wide() {
		w.p("VPBLENDMD %s, %s, K1, %s", odd, even, even)
	} else {
		w.p("VPBLENDD $0xaa, %s, %s, %s", odd, even, even)
	}
}

// normals is philox.Pair: every operation is rounded by itself, as there.
func normals(l *loop) {
	log := l.logarithm(l.toFloat(l.addInt(l.shiftDown(l.load("a"), 8), l.bits(1))))
	r := l.unary("VSQRTPS", l.mul(log, l.c(-2)))
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
