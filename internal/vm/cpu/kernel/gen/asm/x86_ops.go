package asm

import "fmt"

// x86Names are the instructions of operations that have one for each width.
var x86Names = map[kind]string{
	addFloats: "VADDPS", subFloats: "VSUBPS", mulFloats: "VMULPS", divFloats: "VDIVPS", maxFloats: "VMAXPS", minFloats: "VMINPS",
	andBits: "VANDPS", orBits: "VORPS", xorBits: "VXORPS", addInts: "VPADDD", subInts: "VPSUBD", powerOf2: "VSCALEFPS",
	squareRoot: "VSQRTPS", toInts: "VCVTPS2DQ", toFloats: "VCVTDQ2PS",
	shiftLeft: "VPSLLD", shiftDown: "VPSRLD", shiftRight: "VPSRAD", mulAdd: "VFMADD", mulSub: "VFNMADD",
}

// lower writes an operation's instructions.
func (w x86) lower(l *loop, o *operation, v value) {
	switch o.kind {
	case loadFloats:
		w.vectorLoad(w.floats(l, o.name), l.result(o, v), l.tail)
	case loadInts:
		w.loadInts(l, o, v)
	case loadMask:
		w.loadMask(l, o, v)
	case storeFloats:
		r, _ := w.register(l, o.args[0])
		w.vectorStore(r, w.floats(l, o.name), l.tail)
	case skipIfNil:
		l.skips++
		w.p("TESTQ %[1]s, %[1]s\nJZ skip%[2]d", l.pointers[o.name], l.skips)
	case endSkip:
		w.p("skip%d:", l.skips)
	case addTotal, addTotalSquares:
		w.total(l, o)
	case mulAdd, mulSub:
		w.fused(l, o, v)
	case compare:
		ra, done := w.register(l, o.args[0])
		rb, suffix := w.operand(l, o.args[1])
		w.p("VCMPPS%s $%d, %s, %s, %s", suffix, o.n, rb, ra, l.result(o, v))
		done()
	case pick:
		w.pick(l, o, v)
	case only:
		w.only(l, o, v)
	default:
		w.plain(l, o, v)
	}
}

// plain writes an operation that is one instruction of one or two operands.
func (w x86) plain(l *loop, o *operation, v value) {
	if len(o.args) == 2 {
		ra, done := w.register(l, o.args[0])
		rb, suffix := w.operand(l, o.args[1])
		w.p("%s%s %s, %s, %s", x86Names[o.kind], suffix, rb, ra, l.result(o, v))
		done()
		return
	}
	name := x86Names[o.kind]
	r, _ := w.register(l, o.args[0])
	switch o.kind {
	case shiftLeft, shiftDown, shiftRight:
		name += fmt.Sprintf(" $%d,", o.n)
	case nearest:
		name = map[bool]string{true: "VRNDSCALEPS $8,", false: "VROUNDPS $8,"}[w.wide()]
	case nearRoot: // 14 bits where it is wide
		name = map[bool]string{true: "VRSQRT14PS", false: "VRSQRTPS"}[w.wide()]
	case nearReciprocal:
		name = map[bool]string{true: "VRCP14PS", false: "VRCPPS"}[w.wide()]
	}
	w.p("%s %s, %s", name, r, l.result(o, v))
}

// floats is the operand of a slice at the current place.
func (w x86) floats(l *loop, slice string) string {
	return fmt.Sprintf("(%s)(AX*4)", l.pointers[slice])
}

// register returns the register of a value; a constant is broadcast into one
// first, which done gives back.
func (w x86) register(l *loop, v value) (r string, done func()) {
	if !l.isConstant(v) {
		return l.register(v), func() {}
	}
	r = l.take()
	w.p("VBROADCASTSS %s, %s", symbol(l.ops[v].constant), r)
	return r, func() { l.give(r) }
}

// operand returns a value as the operand that may be in memory, and the
// suffix that a constant there gives the instruction.
func (w x86) operand(l *loop, v value) (text, suffix string) {
	if !l.isConstant(v) {
		return l.register(v), ""
	}
	if w.wide() {
		suffix = ".BCST"
	}
	return symbol(l.ops[v].constant), suffix
}

// loadInts reads bytes as integers.
func (w x86) loadInts(l *loop, o *operation, v value) {
	p := l.pointers[o.name]
	switch dst := l.result(o, v); {
	case !l.tail:
		w.p("VPMOVZXBD (%s)(AX*1), %s", p, dst)
	case w.wide():
		w.p("VMOVDQU8.Z (%s)(AX*1), K1, %s\nVPMOVZXBD %s, %s", p, as("X", dst), as("X", dst), dst)
	default: // gather the CX bytes that remain in BX, the last one first
		w.p("ADDQ AX, %s\nMOVQ CX, DI\nXORL BX, BX\nbyte:", p)
		w.p("SHLQ $8, BX\nMOVBLZX -1(%s)(DI*1), DX\nORQ DX, BX\nDECQ DI\nJNZ byte", p)
		w.p("VMOVQ BX, %s\nVPMOVZXBD %s, %s", as("X", dst), as("X", dst), dst)
	}
}

// loadMask reads a bit for each lane.
func (w x86) loadMask(l *loop, o *operation, v value) {
	at := fmt.Sprintf("(%s)(DX*1)", l.pointers[o.name])
	dst := l.result(o, v)
	w.p("MOVQ AX, DX\nSHRQ $3, DX")
	if w.wide() {
		w.p("KMOVW %s, %s", at, dst)
		return
	}
	w.p("VPBROADCASTB %[1]s, %[2]s\nVPAND lanebits<>(SB), %[2]s, %[2]s\nVPCMPEQD lanebits<>(SB), %[2]s, %[2]s", at, dst)
}

// total adds values, or their squares, to two registers of lanes.
func (w x86) total(l *loop, o *operation) {
	add := func(t, sum string) { w.p("VADDPD %s, %s, %s", t, sum, sum) }
	if o.kind == addTotalSquares {
		add = func(t, sum string) { w.p("VFMADD231PD %s, %s, %s", t, t, sum) }
	}
	r, _ := w.register(l, o.args[0])
	t, half := l.take(), "Y"
	if !w.wide() {
		half = "X"
	}
	if l.tail { // what is not there may have a term
		masked := l.take()
		if w.wide() {
			w.p("VMOVAPS.Z %s, K1, %s", r, masked)
		} else {
			w.p("VANDPS %s, Y15, %s", r, masked)
		}
		r = masked
		l.give(masked)
	}
	w.p("VCVTPS2PD %s, %s", as(half, r), t)
	add(t, l.sums[0])
	if w.wide() {
		w.p("VEXTRACTF32X8 $1, %s, %s", r, as(half, t))
	} else {
		w.p("VEXTRACTF128 $1, %s, %s", r, as(half, t))
	}
	w.p("VCVTPS2PD %s, %s", as(half, t), t)
	add(t, l.sums[1])
	l.give(t)
}

// fused picks the form of an instruction that overwrites one of its operands:
// one that dies here, or else a copy of c.
func (w x86) fused(l *loop, o *operation, v value) {
	a, b, c := o.args[0], o.args[1], o.args[2]
	form, dst, src, mem := "231PS", c, a, b
	switch {
	case l.dies(c, v) && c != a && c != b:
	case l.dies(a, v) && a != b && a != c:
		form, dst, src, mem = "213PS", a, b, c
	case l.dies(b, v) && b != a && b != c:
		form, dst, src, mem = "213PS", b, a, c
	}
	rs, done := w.register(l, src)
	rm, suffix := w.operand(l, mem)
	rd := ""
	if l.dies(dst, v) && dst != src && dst != mem {
		rd = l.where[dst]
		delete(l.where, dst)
	} else {
		rd = l.take()
		w.copy(l, dst, rd)
	}
	w.p("%s%s%s %s, %s, %s", x86Names[o.kind], form, suffix, rm, rs, rd)
	done()
	l.where[v] = rd
}

func (w x86) copy(l *loop, v value, dst string) {
	if l.isConstant(v) {
		w.p("VBROADCASTSS %s, %s", symbol(l.ops[v].constant), dst)
		return
	}
	w.p("VMOVAPS %s, %s", l.register(v), dst)
}

func (w x86) pick(l *loop, o *operation, v value) {
	m := l.register(o.args[0])
	ra, suffix := w.operand(l, o.args[1])
	rb, done := w.register(l, o.args[2])
	if w.wide() {
		w.p("VBLENDMPS%s %s, %s, %s, %s", suffix, ra, rb, m, l.result(o, v))
	} else {
		w.p("VBLENDVPS %s, %s, %s, %s", m, ra, rb, l.result(o, v))
	}
	done()
}

func (w x86) only(l *loop, o *operation, v value) {
	m, r := l.register(o.args[0]), l.register(o.args[1])
	if w.wide() {
		w.p("VMOVAPS.Z %s, %s, %s", r, m, l.result(o, v))
	} else {
		w.p("VANDPS %s, %s, %s", r, m, l.result(o, v))
	}
}
