package asm

import "fmt"

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
func (w x86) noise() {
	w.philox(draw{name: "words", turn: 256, half: 32, give: func(word int, reg string) {
		w.p("VMOVUPS %s, %d(DI)", reg, 64*word)
	}})
	w.philox(draw{name: "below", turn: 8, half: 1, begin: w.beginBelow, give: w.giveBelow})
}

func (w x86) beginBelow(d *decl) {
	w.p("VBROADCASTSS %s, %s", w.arg(d, "limit"), w.numbered(limit))
	if !w.wide() { // it compares integers with signs
		w.p("VPXOR %[1]s, %[2]s, %[2]s", w.memory(signBit), w.numbered(limit))
	}
}

func (w x86) giveBelow(word int, reg string) {
	if w.wide() {
		w.p("VPCMPUD $1, %s, %s, K2\nKMOVW K2, %d(DI)", w.numbered(limit), reg, 2*word)
		return
	}
	w.p("VPXOR %[1]s, %[2]s, %[2]s\nVPCMPGTD %[2]s, %[3]s, %[2]s", w.memory(signBit), reg, w.numbered(limit))
	w.p("VMOVMSKPS %s, AX\nMOVB AX, %d(DI)", reg, 2*word)
}

func (w x86) numbered(i int) string { return fmt.Sprintf("%s%d", w.reg, i) }

// move copies lanes of 32 bits.
func (w x86) move(from, to string) {
	name := "VMOVDQU"
	if w.wide() {
		name = "VMOVDQU32"
	}
	w.p("%s %s, %s", name, from, to)
}

// philox draws in turns: for all counters at once, or first for half of them and
// then for the other. The words of a counter are in the lower halves of 64 bits;
// upper halves hold whatever comes: products do not read them.
func (w x86) philox(k draw) {
	d, reg := w.begin(k.name), w.numbered
	w.p("MOVQ %s, DI\nMOVQ %s, SI\nMOVQ %s, CX\nMOVQ %s, R10", w.arg(d, "dst"), w.arg(d, "first"), w.arg(d, "turns"), w.arg(d, "table"))
	w.p("TESTQ CX, CX\nJLE done")
	if k.begin != nil {
		k.begin(d)
	}
	if w.wide() {
		w.p("MOVL $0xaaaa, AX\nKMOVW AX, K1")
		w.p("VPBROADCASTD %s, %s\nVPBROADCASTD %s, %s", w.memory(philoxM0), reg(multipliers), w.memory(philoxM1), reg(multipliers+1))
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

// begun is the first two rounds.
func (w x86) begun() {
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
func (w x86) products() (m0, m1 string) {
	if w.wide() {
		return w.numbered(multipliers), w.numbered(multipliers + 1)
	}
	return w.memory(philoxM0), w.memory(philoxM1)
}

// xorTable is dst ^= a number of the table.
func (w x86) xorTable(i int, dst string) {
	if w.wide() {
		w.p("VPXORD.BCST %d(R10), %[2]s, %[2]s", 4*i, dst)
		return
	}
	w.p("VBROADCASTSS %d(R10), %s\nVPXOR %[2]s, %[3]s, %[3]s", 4*i, w.numbered(spare), dst)
}

// round is a round of Philox: the words are in registers x, the products go to
// others, where they are words of the next round.
func (w x86) round(x [4]int, to [2]int, key int) {
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
func (w x86) mix(product, word string, key int, dst string) {
	w.p("VPSRLQ $32, %s, %s", product, dst)
	if w.wide() {
		w.p("VPTERNLOGD.BCST $0x96, %d(R10), %s, %s", 4*key, word, dst)
		return
	}
	w.p("VPXOR %[1]s, %[2]s, %[2]s", word, dst)
	w.xorTable(key, dst)
}

// together puts the lower halves of two registers into the lanes of the first.
func (w x86) together(even, odd string) {
	w.p("VPSLLQ $32, %[1]s, %[1]s", odd)
	if w.wide() {
		w.p("VPBLENDMD %s, %s, K1, %s", odd, even, even)
	} else {
		w.p("VPBLENDD $0xaa, %s, %s, %s", odd, even, even)
	}
}
