package asm

import "fmt"

// Registers of draws for 16 counters side by side: word j of counters 4v to 4v+3
// is in V(4j+v).
const (
	drawCounters = 16    // V16 to V19
	drawFirst    = 22    // V22 to V25: what the first two rounds have in common
	drawKey      = 22    // V22 and V23: the keys of a round
	drawSpare    = 24    // V24 to V29
	drawM0       = "V20" // the multipliers
	drawM1       = "V21"
	drawLimit    = "V30"
	drawBits     = "V31" // 1, 2, 4, …, 128 in bytes, twice
)

// noise writes the kernels that draw random numbers.
func (w arm) noise() {
	w.philox("words", func(*decl) {}, func() {
		for word := range 4 {
			w.p("VST1.P %s, 64(R3)", list(4*word, 4))
		}
	})
	w.philox("below", func(d *decl) {
		w.p("MOVWU %s, R10\nVDUP R10, %s.S4", w.arg(d, "limit"), drawLimit)
		w.p("MOVD $0x8040201008040201, R10\nVDUP R10, %s.D2", drawBits)
	}, w.giveBelow)
}

// philox draws in turns; give is what is done with the words of a turn, whose
// place in dst is R3.
func (w arm) philox(name string, begin func(d *decl), give func()) {
	d := w.begin(name)
	w.p("MOVD %s, R3\nMOVD %s, R4\nMOVD %s, R5", w.arg(d, "dst"), w.arg(d, "first"), w.arg(d, "turns"))
	w.p("MOVWU %s, R6\nMOVD %s, R7\nCMP $0, R5\nBLE done", w.arg(d, "stride"), w.arg(d, "table"))
	begin(d)
	m0, m1 := w.constant(philoxM0), w.constant(philoxM1)
	w.p("MOVD $constants<>(SB), %s", table)
	w.loadConstant(m0, drawM0)
	w.loadConstant(m1, drawM1)
	w.p("VLD1 (R4), %s\nturn:\nMOVD R7, R8\nVLD4R.P 16(R8), %s", list(drawCounters, 4), list(drawFirst, 4))
	w.firstRounds()
	x := [4]int{0, 4, 8, 12}
	for range drawRounds {
		w.p("VLD2R.P 8(R8), %s", list(drawKey, 2))
		w.drawRound(x, 0)
		w.drawRound(x, 2)
		x = [4]int{x[1], x[2], x[3], x[0]}
	}
	give()
	w.p("VDUP R6, %s.S4", vector(drawSpare))
	for v := range 4 {
		w.p("VADD %[1]s.S4, %[2]s.S4, %[2]s.S4", vector(drawSpare), vector(drawCounters+v))
	}
	w.p("SUBS $1, R5, R5\nBNE turn\ndone:\nRET")
}

func vector(i int) string { return fmt.Sprintf("V%d", i) }

// xor is dst ^= a.
func (w arm) xor(dst, a string) { w.p("VEOR %[2]s.B16, %[1]s.B16, %[1]s.B16", dst, a) }

// products leaves four products of 64 bits in even, the first two, and in odd. odd
// may be a.
func (w arm) products(a, by, even, odd string) {
	w.two("umull", even, a, by)
	w.two("umull2", odd, a, by)
}

// split leaves the upper halves of four products in high, and the lower ones in
// odd.
func (w arm) split(even, odd, high string) {
	w.p("VUZP2 %[2]s.S4, %[1]s.S4, %[3]s.S4\nVUZP1 %[2]s.S4, %[1]s.S4, %[2]s.S4", even, odd, high)
}

// firstRounds is the first two rounds.
func (w arm) firstRounds() {
	const spare = drawFirst + 4
	for v := range 4 {
		a0, a1, a2, a3 := vector(v), vector(4+v), vector(8+v), vector(12+v)
		w.products(vector(drawCounters+v), drawM0, vector(spare+v), a2)
		w.split(vector(spare+v), a2, a0)
		w.xor(a0, vector(drawFirst))
		w.xor(a2, vector(drawFirst+2))
		w.products(a0, drawM1, vector(spare+v), a1)
		w.split(vector(spare+v), a1, a0)
		w.xor(a0, vector(drawFirst+1))
		w.p("VMOV %s.B16, %s.B16", vector(drawFirst+3), a3)
	}
}

// drawRound is a round of Philox for two vectors of each word, which are in x[j]+v
// and in the next register. The products' lower halves stay where the factors
// were, and what is mixed with the upper ones where it was: word j of the next
// round is in x[j+1].
func (w arm) drawRound(x [4]int, v int) {
	at := func(word, set int) string { return vector(x[word] + v + set) }
	spare := func(i, set int) string { return vector(drawSpare + 3*set + i) }
	for set := range 2 {
		w.products(at(0, set), drawM0, spare(0, set), at(0, set))
		w.products(at(2, set), drawM1, spare(1, set), at(2, set))
	}
	for set := range 2 {
		w.xor(at(1, set), vector(drawKey))
		w.xor(at(3, set), vector(drawKey+1))
	}
	for set := range 2 {
		w.split(spare(1, set), at(2, set), spare(2, set))
		w.split(spare(0, set), at(0, set), spare(1, set))
	}
	for set := range 2 {
		w.xor(at(1, set), spare(2, set))
		w.xor(at(3, set), spare(1, set))
	}
}

// giveBelow makes a byte of each comparison, keeps of each the bit of its place,
// and adds eight of them at a time.
func (w arm) giveBelow() {
	narrow := func(lanes string, a, b, dst int) {
		w.p("VUZP1 V%[2]d.%[4]s, V%[1]d.%[4]s, V%[3]d.%[4]s", a, b, dst, lanes)
	}
	for word := range 4 {
		at := 4 * word
		for v := range 4 {
			w.two("cmhi", vector(at+v), drawLimit, vector(at+v))
		}
		narrow("H8", at, at+1, at)
		narrow("H8", at+2, at+3, at+2)
		narrow("B16", at, at+2, at)
		w.p("VAND %[1]s.B16, %[2]s.B16, %[2]s.B16", drawBits, vector(at))
	}
	for _, pair := range [][2]int{{0, 4}, {8, 12}, {0, 8}, {0, 0}} {
		w.p("VADDP V%[2]d.B16, V%[1]d.B16, V%[1]d.B16", pair[0], pair[1])
	}
	w.p("FMOVD.P F0, 8(R3)")
}
