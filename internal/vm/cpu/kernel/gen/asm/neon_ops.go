package asm

import "fmt"

// neonOne and neonTwo are the operations that are one instruction, neonGo those
// that Go's assembler knows.
var (
	neonOne = map[kind]string{squareRoot: "fsqrt", nearest: "frintn", toInts: "fcvtns", toFloats: "scvtf"}
	neonTwo = map[kind]string{
		addFloats: "fadd", subFloats: "fsub", mulFloats: "fmul", divFloats: "fdiv", maxFloats: "fmax", minFloats: "fmin",
	}
	neonGo = map[kind]struct{ name, lanes string }{
		andBits: {"VAND", "B16"}, orBits: {"VORR", "B16"}, xorBits: {"VEOR", "B16"},
		addInts: {"VADD", "S4"}, subInts: {"VSUB", "S4"}, shiftLeft: {"VSHL", "S4"}, shiftDown: {"VUSHR", "S4"},
	}
)

// lower writes an operation's instructions.
func (w arm) lower(l *loop, o *operation, v value) {
	switch o.kind {
	case loadFloats:
		w.loadFloats(l, l.pointers[o.name], l.result(o, v))
	case loadInts:
		w.loadInts(l, l.pointers[o.name], l.result(o, v))
	case loadMask:
		w.loadMask(l, l.pointers[o.name], l.result(o, v))
	case storeFloats:
		w.storeFloats(l, o)
	case skipIfNil:
		l.skips++
		w.p("CBZ %s, skip%d", l.pointers[o.name], l.skips)
	case endSkip:
		w.p("skip%d:", l.skips)
	case addTotal, addTotalSquares:
		w.total(l, o)
	case nearRoot:
		w.refined(l, o, v, func(x, e, t string) {
			w.one("frsqrte", e, x)
			w.two("fmul", t, e, x) // the root; the square of e may be denormal
			w.two("frsqrts", t, t, e)
		})
	case nearReciprocal:
		w.refined(l, o, v, func(x, e, t string) {
			w.one("frecpe", e, x)
			w.two("frecps", t, x, e)
		})
	case mulAdd, mulSub:
		w.fused(l, o, v)
	case compare:
		w.compare(l, o, v)
	case pick:
		w.pick(l, o, v)
	case maxFloats:
		w.max(l, o, v)
	default:
		w.plain(l, o, v)
	}
}

// plain writes an operation that is one instruction.
func (w arm) plain(l *loop, o *operation, v value) {
	r, done := w.registers(l, o.args)
	defer done()
	dst := l.result(o, v)
	inGo, known := neonGo[o.kind]
	switch {
	case o.kind == only:
		w.p("VAND %s.B16, %s.B16, %s.B16", r[0], r[1], dst)
	case o.kind == shiftRight:
		w.shiftRight(dst, r[0], o.n)
	case known && len(r) == 1:
		w.p("%s $%d, %s.%s, %[5]s.%[4]s", inGo.name, o.n, r[0], inGo.lanes, dst)
	case known: // the second operand first
		w.p("%[1]s %[2]s.%[5]s, %[3]s.%[5]s, %[4]s.%[5]s", inGo.name, r[1], r[0], dst, inGo.lanes)
	case len(r) == 1:
		w.one(neonOne[o.kind], dst, r[0])
	default:
		w.two(neonTwo[o.kind], dst, r[0], r[1])
	}
}

// registers returns the registers of values; constants without one are loaded,
// and done gives their registers back.
func (w arm) registers(l *loop, values []value) (r []string, done func()) {
	var loaded []string
	for _, v := range values {
		if l.isConstant(v) && l.ops[v].pinned == "" {
			t := l.take()
			w.loadConstant(l.ops[v].constant, t)
			r, loaded = append(r, t), append(loaded, t)
			continue
		}
		r = append(r, l.register(v))
	}
	return r, func() {
		for _, t := range loaded {
			l.give(t)
		}
	}
}

func (w arm) loadFloats(l *loop, pointer, dst string) {
	if !l.tail {
		w.loadAt(dst, pointer, byteOffset)
		return
	}
	w.p("ADD %s, %s, R10", byteOffset, pointer)
	w.loadPart(l.label(), "R10", remaining, dst)
}

func (w arm) storeFloats(l *loop, o *operation) {
	r, done := w.registers(l, o.args)
	defer done()
	pointer := l.pointers[o.name]
	if !l.tail {
		w.storeAt(r[0], pointer, byteOffset)
		return
	}
	w.p("ADD %s, %s, R10", byteOffset, pointer)
	w.storePart(l.label(), r[0], "R10", remaining)
}

// loadInts reads bytes as integers, of the rest one to three.
func (w arm) loadInts(l *loop, pointer, dst string) {
	w.p("ADD %s>>2, %s, R10", byteOffset, pointer)
	if !l.tail {
		w.p("FMOVS (R10), %s", as("F", dst))
	} else {
		name := l.label()
		w.p("MOVBU (R10), R11\nTBZ $1, %s, %sRead\nMOVHU (R10), R11", remaining, name)
		w.p("TBZ $0, %s, %sRead\nMOVBU 2(R10), R12\nORR R12<<16, R11, R11\n%[2]sRead:\nFMOVS R11, %[3]s", remaining, name, as("F", dst))
	}
	w.p("VUXTL %[1]s.B8, %[1]s.H8\nVUXTL %[1]s.H4, %[1]s.S4", dst)
}

// loadMask reads a bit for each lane: half a byte of bits.
func (w arm) loadMask(l *loop, pointer, dst string) {
	w.p("LSR $5, %s, R10\nMOVBU (%s)(R10), R11", byteOffset, pointer)
	w.p("LSR $2, %s, R10\nAND $4, R10, R10\nLSR R10, R11, R11", byteOffset)
	w.p("VDUP R11, %[1]s.S4\nVCMTST %[2]s.S4, %[1]s.S4, %[1]s.S4", dst, l.present)
}

// total adds values, or their squares, to two registers of float64.
func (w arm) total(l *loop, o *operation) {
	r, done := w.registers(l, o.args)
	defer done()
	t := l.take()
	defer l.give(t)
	x := r[0]
	add := func(sum string) {
		if o.kind == addTotalSquares {
			w.p("VFMLA %[1]s.D2, %[1]s.D2, %[2]s.D2", t, sum)
			return
		}
		w.addDoubles(sum, sum, t)
	}
	if l.tail {
		x = l.take()
		defer l.give(x)
		w.p("VAND %s.B16, %s.B16, %s.B16", l.present, r[0], x)
	}
	w.one("fcvtl", t, x)
	add(l.sums[0])
	w.one("fcvtl2", t, x)
	add(l.sums[1])
}

// refined is an estimate of 8 bits times its correction, which estimate leaves in
// e and t: a step of Newton's method, to 15 bits or more.
func (w arm) refined(l *loop, o *operation, v value, estimate func(x, e, t string)) {
	r, done := w.registers(l, o.args)
	defer done()
	e, t := l.take(), l.take()
	estimate(r[0], e, t)
	w.two("fmul", e, e, t)
	l.give(t)
	l.where[v] = e
}

// max is fmax, but of 0 and a value: there the others' sets keep -0, and so does
// the plain loop.
func (w arm) max(l *loop, o *operation, v value) {
	if l.ops[o.args[0]].constant != l.constant(0) {
		w.plain(l, o, v)
		return
	}
	r, done := w.registers(l, o.args)
	defer done()
	below := l.take()
	w.two("fcmgt", below, r[0], r[1])
	dst := l.result(o, v)
	w.two("bic", dst, r[1], below)
	l.give(below)
}

// fused adds to c where it dies here, or else to a copy of it.
func (w arm) fused(l *loop, o *operation, v value) {
	a, b, c := o.args[0], o.args[1], o.args[2]
	r, done := w.registers(l, o.args[:2])
	defer done()
	dst := ""
	switch {
	case l.dies(c, v) && c != a && c != b:
		dst = l.where[c]
		delete(l.where, c)
	case l.isConstant(c) && l.ops[c].pinned == "":
		dst = l.take()
		w.loadConstant(l.ops[c].constant, dst)
	default:
		dst = l.take()
		w.p("VMOV %s.B16, %s.B16", l.register(c), dst)
	}
	name := map[kind]string{mulAdd: "VFMLA", mulSub: "VFMLS"}[o.kind]
	w.p("%s %s.S4, %s.S4, %s.S4", name, r[1], r[0], dst)
	l.where[v] = dst
}

// compare makes a mask of all bits of a lane.
func (w arm) compare(l *loop, o *operation, v value) {
	r, done := w.registers(l, o.args)
	defer done()
	a, b := r[0], r[1]
	if o.n == unequal {
		t, dst := l.take(), l.take()
		w.two("fcmgt", t, a, b)
		w.two("fcmgt", dst, b, a)
		w.p("VORR %s.B16, %[2]s.B16, %[2]s.B16", t, dst)
		l.give(t)
		l.where[v] = dst
		return
	}
	dst := l.result(o, v)
	switch o.n {
	case less:
		w.two("fcmgt", dst, b, a)
	case lessEqual:
		w.two("fcmge", dst, b, a)
	case notGreaterEq:
		w.two("fcmge", dst, a, b)
		w.one("mvn", dst, dst)
	default:
		l.fail("%s: comparison %d", l.decl.name, o.n)
	}
}

// pick writes over the operand that dies here: the mask, or one of the two.
func (w arm) pick(l *loop, o *operation, v value) {
	mask, a, b := o.args[0], o.args[1], o.args[2]
	r, done := w.registers(l, o.args)
	defer done()
	take := func(v value) string {
		dst := l.where[v]
		delete(l.where, v)
		return dst
	}
	form, dst := fmt.Sprintf("VBSL %s.B16, %s.B16", r[2], r[1]), ""
	switch {
	case l.dies(mask, v):
		dst = take(mask)
	case l.dies(b, v) && a != b:
		form, dst = fmt.Sprintf("VBIT %s.B16, %s.B16", r[0], r[1]), take(b)
	case l.dies(a, v) && a != b:
		form, dst = fmt.Sprintf("VBIF %s.B16, %s.B16", r[0], r[2]), take(a)
	default:
		dst = l.take()
		w.p("VMOV %s.B16, %s.B16", r[0], dst)
	}
	w.p("%s, %s.B16", form, dst)
	l.where[v] = dst
}
