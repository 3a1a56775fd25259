package asm

import "fmt"

// Operations of a loop. They read like the formulas: a.sub(y, t) is y − t.

// load reads a slice at the current place, once in a round.
func (l *loop) load(slice string) value {
	if v, ok := l.loads[slice]; ok {
		return v
	}
	v := l.do(operation{lower: func(l *loop, o *operation, v value) {
		at := fmt.Sprintf("(%s)(AX*4)", l.pointers[slice])
		switch dst := l.result(o, v); {
		case l.tail && l.wide():
			l.p("VMOVUPS.Z %s, K1, %s", at, dst)
		case l.tail:
			l.p("VMASKMOVPS %s, Y15, %s", at, dst)
		default:
			l.p("VMOVUPS %s, %s", at, dst)
		}
	}})
	l.loads[slice] = v
	return v
}

// loadBytes reads bytes as integers.
func (l *loop) loadBytes(slice string) value {
	return l.do(operation{lower: func(l *loop, o *operation, v value) {
		p := l.pointers[slice]
		switch dst := l.result(o, v); {
		case !l.tail:
			l.p("VPMOVZXBD (%s)(AX*1), %s", p, dst)
		case l.wide():
			l.p("VMOVDQU8.Z (%s)(AX*1), K1, %s\nVPMOVZXBD %s, %s", p, as("X", dst), as("X", dst), dst)
		default: // gather the CX bytes that remain in BX, the last one first
			l.p("ADDQ AX, %s\nMOVQ CX, DI\nXORL BX, BX\nbyte:", p)
			l.p("SHLQ $8, BX\nMOVBLZX -1(%s)(DI*1), DX\nORQ DX, BX\nDECQ DI\nJNZ byte", p)
			l.p("VMOVQ BX, %s\nVPMOVZXBD %s, %s", as("X", dst), as("X", dst), dst)
		}
	}})
}

// store writes a slice at the current place.
func (l *loop) store(slice string, v value) {
	l.do(operation{args: []value{v}, void: true, lower: func(l *loop, o *operation, _ value) {
		at := fmt.Sprintf("(%s)(AX*4)", l.pointers[slice])
		switch r, _ := l.register(o.args[0]); {
		case l.tail && l.wide():
			l.p("VMOVUPS %s, K1, %s", r, at)
		case l.tail:
			l.p("VMASKMOVPS %s, Y15, %s", r, at)
		default:
			l.p("VMOVUPS %s, %s", r, at)
		}
	}})
}

// storeIf writes a slice unless it is nil.
func (l *loop) storeIf(slice string, v value) {
	label := ""
	l.do(operation{void: true, lower: func(l *loop, _ *operation, _ value) {
		l.skips++
		label = fmt.Sprintf("skip%d", l.skips)
		l.p("TESTQ %[1]s, %[1]s\nJZ %[2]s", l.pointers[slice], label)
	}})
	l.store(slice, v)
	l.do(operation{void: true, lower: func(l *loop, _ *operation, _ value) { l.p("%s:", label) }})
}

// sum adds values to the result, in float64: two registers of lanes.
func (l *loop) sum(v value) {
	l.total(v, func(t, sum string) { l.p("VADDPD %s, %s, %s", t, sum, sum) })
}

// sumSquares adds their squares, which are exact in float64.
func (l *loop) sumSquares(v value) {
	l.total(v, func(t, sum string) { l.p("VFMADD231PD %s, %s, %s", t, t, sum) })
}

// total adds values to the result by what adds a register of float64 to a sum.
func (l *loop) total(v value, add func(t, sum string)) {
	l.sums = make([]string, 2)
	l.do(operation{args: []value{v}, void: true, lower: func(l *loop, o *operation, _ value) {
		r, _ := l.register(o.args[0])
		t, half := l.take(), "Y"
		if !l.wide() {
			half = "X"
		}
		if l.tail { // what is not there may have a term
			masked := l.take()
			if l.wide() {
				l.p("VMOVAPS.Z %s, K1, %s", r, masked)
			} else {
				l.p("VANDPS %s, Y15, %s", r, masked)
			}
			r = masked
			l.give(masked)
		}
		l.p("VCVTPS2PD %s, %s", as(half, r), t)
		add(t, l.sums[0])
		if l.wide() {
			l.p("VEXTRACTF32X8 $1, %s, %s", r, as(half, t))
		} else {
			l.p("VEXTRACTF128 $1, %s, %s", r, as(half, t))
		}
		l.p("VCVTPS2PD %s, %s", as(half, t), t)
		add(t, l.sums[1])
		l.give(t)
	}})
}

// param is a parameter in every lane.
func (l *loop) param(name string) value {
	v, ok := l.scalars[name]
	if !ok {
		v = l.do(operation{})
		l.scalars[name] = v
	}
	return v
}

// c is a number in every lane, bits a pattern.
func (l *loop) c(f float64) value {
	return l.do(operation{constant: l.float(float32(f))})
}

func (l *loop) bits(pattern uint32) value {
	return l.do(operation{constant: l.constant(pattern)})
}

// binary is an instruction of two operands, dst = a·b.
func (l *loop) binary(name string, a, b value) value {
	return l.do(operation{args: []value{a, b}, lower: func(l *loop, o *operation, v value) {
		ra, done := l.register(o.args[0])
		rb, suffix := l.operand(o.args[1])
		l.p("%s%s %s, %s, %s", name, suffix, rb, ra, l.result(o, v))
		done()
	}})
}

// swapped is binary for an instruction whose operands may change places: a
// constant becomes the second.
func (l *loop) swapped(name string, a, b value) value {
	if l.isConstant(a) {
		a, b = b, a
	}
	return l.binary(name, a, b)
}

func (l *loop) add(a, b value) value { return l.swapped("VADDPS", a, b) }
func (l *loop) sub(a, b value) value { return l.binary("VSUBPS", a, b) }
func (l *loop) mul(a, b value) value { return l.swapped("VMULPS", a, b) }
func (l *loop) div(a, b value) value { return l.binary("VDIVPS", a, b) }

// atLeast is max(v, low), atMost min(v, high). A NaN in v comes out: of both
// instructions' operands the second does.
func (l *loop) atLeast(low, v value) value { return l.binary("VMAXPS", low, v) }
func (l *loop) atMost(high, v value) value { return l.binary("VMINPS", high, v) }

func (l *loop) and(a, b value) value { return l.swapped("VANDPS", a, b) }
func (l *loop) or(a, b value) value  { return l.swapped("VORPS", a, b) }
func (l *loop) xor(a, b value) value { return l.swapped("VXORPS", a, b) }

func (l *loop) addInt(a, b value) value { return l.swapped("VPADDD", a, b) }
func (l *loop) subInt(a, b value) value { return l.binary("VPSUBD", a, b) }

// unary is an instruction of one operand, perhaps with a number before it.
func (l *loop) unary(name string, a value) value {
	return l.do(operation{args: []value{a}, lower: func(l *loop, o *operation, v value) {
		r, _ := l.register(o.args[0])
		l.p("%s %s, %s", name, r, l.result(o, v))
	}})
}

func (l *loop) toInt(a value) value   { return l.unary("VCVTPS2DQ", a) } // to the nearest
func (l *loop) toFloat(a value) value { return l.unary("VCVTDQ2PS", a) }

func (l *loop) shiftLeft(a value, n int) value  { return l.unary(fmt.Sprintf("VPSLLD $%d,", n), a) }
func (l *loop) shiftDown(a value, n int) value  { return l.unary(fmt.Sprintf("VPSRLD $%d,", n), a) } // of an integer without a sign
func (l *loop) shiftRight(a value, n int) value { return l.unary(fmt.Sprintf("VPSRAD $%d,", n), a) }

// approximate is an instruction that gives 12 bits or more, 14 where it is wide.
func (l *loop) approximate(name string, a value) value {
	if l.wide() {
		return l.unary(name+"14PS", a)
	}
	return l.unary(name+"PS", a)
}

// nearest gives the nearest whole number.
func (l *loop) nearest(a value) value {
	if l.wide() {
		return l.unary("VRNDSCALEPS $8,", a)
	}
	return l.unary("VROUNDPS $8,", a)
}

// fma is a·b + c, rounded once; fnma is c − a·b.
func (l *loop) fma(a, b, c value) value  { return l.fused("VFMADD", a, b, c) }
func (l *loop) fnma(a, b, c value) value { return l.fused("VFNMADD", a, b, c) }

// fused picks the form of an instruction that overwrites one of its operands:
// one that dies here, or else a copy of c.
func (l *loop) fused(name string, a, b, c value) value {
	if l.isConstant(a) {
		a, b = b, a
	}
	return l.do(operation{args: []value{a, b, c}, lower: func(l *loop, o *operation, v value) {
		a, b, c := o.args[0], o.args[1], o.args[2]
		form, dst, src, mem := "231PS", c, a, b
		switch {
		case l.dies(c, v) && c != a && c != b:
		case l.dies(a, v) && a != b && a != c:
			form, dst, src, mem = "213PS", a, b, c
		case l.dies(b, v) && b != a && b != c:
			form, dst, src, mem = "213PS", b, a, c
		}
		rs, done := l.register(src)
		rm, suffix := l.operand(mem)
		rd, _ := "", 0
		if l.dies(dst, v) && dst != src && dst != mem {
			rd = l.where[dst]
			delete(l.where, dst)
		} else {
			rd = l.take()
			l.copy(dst, rd)
		}
		l.p("%s%s%s %s, %s, %s", name, form, suffix, rm, rs, rd)
		done()
		l.where[v] = rd
	}})
}

func (l *loop) copy(v value, dst string) {
	if l.isConstant(v) {
		l.p("VBROADCASTSS %s, %s", l.ops[v].constant, dst)
		return
	}
	r, _ := l.register(v)
	l.p("VMOVAPS %s, %s", r, dst)
}

// Predicates of compare.
const (
	less         = 1  // false for a NaN
	lessEqual    = 2  // false for a NaN
	notGreaterEq = 9  // true for a NaN
	unequal      = 12 // false for a NaN
)

// compare makes a mask of a < b and the like.
func (l *loop) compare(predicate int, a, b value) value {
	return l.do(operation{args: []value{a, b}, mask: true, lower: func(l *loop, o *operation, v value) {
		ra, done := l.register(o.args[0])
		rb, suffix := l.operand(o.args[1])
		l.p("VCMPPS%s $%d, %s, %s, %s", suffix, predicate, rb, ra, l.result(o, v))
		done()
	}})
}

// pick is a where the mask is set, b elsewhere.
func (l *loop) pick(mask, a, b value) value {
	return l.do(operation{args: []value{mask, a, b}, lower: func(l *loop, o *operation, v value) {
		m, _ := l.register(o.args[0])
		ra, suffix := l.operand(o.args[1])
		rb, done := l.register(o.args[2])
		if l.wide() {
			l.p("VBLENDMPS%s %s, %s, %s, %s", suffix, ra, rb, m, l.result(o, v))
		} else {
			l.p("VBLENDVPS %s, %s, %s, %s", m, ra, rb, l.result(o, v))
		}
		done()
	}})
}

// loadBits reads a bit for each lane as a mask.
func (l *loop) loadBits(slice string) value {
	return l.do(operation{mask: true, lower: func(l *loop, o *operation, v value) {
		at := fmt.Sprintf("(%s)(DX*1)", l.pointers[slice])
		dst := l.result(o, v)
		l.p("MOVQ AX, DX\nSHRQ $3, DX")
		if l.wide() {
			l.p("KMOVW %s, %s", at, dst)
			return
		}
		l.p("VPBROADCASTB %[1]s, %[2]s\nVPAND lanebits<>(SB), %[2]s, %[2]s\nVPCMPEQD lanebits<>(SB), %[2]s, %[2]s", at, dst)
	}})
}

// only is a where the mask is set, 0 elsewhere.
func (l *loop) only(mask, a value) value {
	return l.do(operation{args: []value{mask, a}, lower: func(l *loop, o *operation, v value) {
		m, _ := l.register(o.args[0])
		r, _ := l.register(o.args[1])
		if l.wide() {
			l.p("VMOVAPS.Z %s, %s, %s", r, m, l.result(o, v))
		} else {
			l.p("VANDPS %s, %s, %s", r, m, l.result(o, v))
		}
	}})
}
