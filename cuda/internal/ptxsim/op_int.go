package ptxsim

import "math/bits"

// signed and width of an integer type.
func intType(t string) (signed bool, size int) { return t[0] == 's', typeSize(t) }

// extend turns a register's bits into a 64-bit integer of the type.
func extend(v uint64, signed bool, size int) uint64 {
	shift := 64 - 8*uint(size)
	if signed {
		return uint64(int64(v<<shift) >> shift)
	}
	return v << shift >> shift
}

// arithmetic decodes add, mul, mad and their kin by type.
func (d *decoder) arithmetic(in *instr) exec {
	t := in.typ()
	switch {
	case in.has("cc") || in.parts[0] == "addc" || in.parts[0] == "subc" || in.parts[0] == "madc":
		return d.carry(in)
	case t == "f32":
		return d.float32Op(in)
	case t == "f64":
		return d.float64Op(in)
	case t == "f16" || t == "f16x2" || t == "bf16" || t == "bf16x2":
		return d.halfOp(in)
	case typeSize(t) == 0:
		d.fail(in, "unknown type")
	}
	if f := d.fast32(in, t); f != nil {
		return f
	}
	return d.integer(in, t)
}

// fast32 decodes the frequent 32- and 64-bit forms; nil for the others.
func (d *decoder) fast32(in *instr, t string) exec {
	if in.has("sat") {
		return nil
	}
	name := in.parts[0]
	if in.has("hi") {
		name += ".hi"
	}
	dst := in.args[0]
	switch size := typeSize(t); {
	case in.has("wide"):
		if size != 4 {
			return nil
		}
		return d.mulWide(in, t)
	case size == 8:
		f := map[string]func(x, y uint64) uint64{
			"sub": func(x, y uint64) uint64 { return x - y },
			"mul": func(x, y uint64) uint64 { return x * y },
		}[name]
		switch {
		case name == "add":
			return add64(d.dst(in, dst, true).off, d.src64(in, 1), d.src64(in, 2))
		case f != nil:
			return bin64(d.dst(in, dst, true).off, d.src64(in, 1), d.src64(in, 2), f)
		}
	case size == 4 && name == "add":
		return add32(d.dst(in, dst, false).off, d.src32(in, 1), d.src32(in, 2))
	case size == 4 && name == "mad":
		return tri32(d.dst(in, dst, false).off, d.src32(in, 1), d.src32(in, 2), d.src32(in, 3), func(x, y, z uint32) uint32 { return x*y + z })
	case size == 4:
		if f := pairs32(name, t[0] == 's'); f != nil {
			return bin32(d.dst(in, dst, false).off, d.src32(in, 1), d.src32(in, 2), f)
		}
	}
	return nil
}

// pairs32 returns a frequent operation on two words; nil for the others.
func pairs32(name string, signed bool) func(x, y uint32) uint32 {
	switch {
	case name == "sub":
		return func(x, y uint32) uint32 { return x - y }
	case name == "mul":
		return func(x, y uint32) uint32 { return x * y }
	case name == "mul.hi" && !signed:
		return func(x, y uint32) uint32 { return uint32(uint64(x) * uint64(y) >> 32) }
	case name == "mul.hi":
		return func(x, y uint32) uint32 { return uint32(int64(int32(x)) * int64(int32(y)) >> 32) }
	case name == "min" && signed:
		return func(x, y uint32) uint32 { return uint32(min(int32(x), int32(y))) }
	case name == "min":
		return func(x, y uint32) uint32 { return min(x, y) }
	case name == "max" && signed:
		return func(x, y uint32) uint32 { return uint32(max(int32(x), int32(y))) }
	case name == "max":
		return func(x, y uint32) uint32 { return max(x, y) }
	}
	return nil
}

func add32(d, a, b int) exec {
	return func(w *warp, m uint32) {
		D, A, B := w.lanes32(d), w.lanes32(a), w.lanes32(b)
		if m == full {
			for l := range D {
				D[l] = A[l] + B[l]
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l] + B[l]
		}
	}
}

func add64(d, a, b int) exec {
	return func(w *warp, m uint32) {
		D, A, B := w.lanes64(d), w.lanes64(a), w.lanes64(b)
		if m == full {
			for l := range D {
				D[l] = A[l] + B[l]
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l] + B[l]
		}
	}
}

// mulWide decodes mul.wide and mad.wide of 32-bit integers.
func (d *decoder) mulWide(in *instr, t string) exec {
	signed := t[0] == 's'
	dst, a, b := d.dst(in, in.args[0], true).off, d.src32(in, 1), d.src32(in, 2)
	c := d.constant(0, true).off
	if in.parts[0] == "mad" {
		c = d.src64(in, 3)
	}
	return func(w *warp, m uint32) {
		D, A, B, C := w.lanes64(dst), w.lanes32(a), w.lanes32(b), w.lanes64(c)
		if m == full && signed {
			for l := range D {
				D[l] = uint64(int64(int32(A[l]))*int64(int32(B[l]))) + C[l]
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if signed {
				D[l] = uint64(int64(int32(A[l]))*int64(int32(B[l]))) + C[l]
			} else {
				D[l] = uint64(A[l])*uint64(B[l]) + C[l]
			}
		}
	}
}

// sources returns the banks of the operands from 1 on, of one width.
func (d *decoder) sources(in *instr, wide bool) []src {
	var s []src
	for _, a := range in.args[1:] {
		s = append(s, d.operand(in, a, wide))
	}
	return s
}

// integer decodes every other integer operation.
func (d *decoder) integer(in *instr, t string) exec {
	signed, size := intType(t)
	ext := func(v uint64) uint64 { return extend(v, signed, size) }
	outSize := size
	if in.has("wide") {
		outSize = 2 * size
	}
	cut := func(v uint64) uint64 { return extend(v, false, outSize) }
	f := d.integerFunc(in, signed, size)
	dst := d.dst(in, in.args[0], outSize == 8)
	s := d.sources(in, size == 8)
	third := ext
	if in.has("wide") {
		third = func(v uint64) uint64 { return v }
	}
	return mixed(dst, s, func(x, y, z uint64) uint64 { return cut(f(ext(x), ext(y), third(z))) })
}

// integerFunc returns an operation on operands extended to 64 bits.
func (d *decoder) integerFunc(in *instr, signed bool, size int) func(x, y, z uint64) uint64 {
	hi := func(x, y uint64) uint64 {
		if size < 8 {
			if signed {
				return uint64(int64(x) * int64(y) >> (8 * size))
			}
			return x * y >> (8 * size)
		}
		h, _ := bits.Mul64(x, y)
		if signed {
			h -= y & uint64(int64(x)>>63)
			h -= x & uint64(int64(y)>>63)
		}
		return h
	}
	less := func(x, y uint64) bool {
		if signed {
			return int64(x) < int64(y)
		}
		return x < y
	}
	switch in.parts[0] {
	case "add":
		if in.has("sat") {
			return func(x, y, _ uint64) uint64 { return uint64(min(max(int64(x+y), -1<<31), 1<<31-1)) }
		}
		return func(x, y, _ uint64) uint64 { return x + y }
	case "sub":
		if in.has("sat") {
			return func(x, y, _ uint64) uint64 { return uint64(min(max(int64(x-y), -1<<31), 1<<31-1)) }
		}
		return func(x, y, _ uint64) uint64 { return x - y }
	case "mul", "mad":
		if in.has("hi") {
			return func(x, y, z uint64) uint64 { return hi(x, y) + z }
		}
		return func(x, y, z uint64) uint64 { return x*y + z }
	case "mul24", "mad24":
		return func(x, y, z uint64) uint64 { return extend(x, signed, 3)*extend(y, signed, 3) + z }
	case "sad":
		return func(x, y, z uint64) uint64 {
			if less(x, y) {
				return y - x + z
			}
			return x - y + z
		}
	case "min":
		return func(x, y, _ uint64) uint64 {
			if less(x, y) {
				return x
			}
			return y
		}
	case "max":
		return func(x, y, _ uint64) uint64 {
			if less(x, y) {
				return y
			}
			return x
		}
	case "abs":
		return func(x, _, _ uint64) uint64 { return uint64(max(int64(x), -int64(x))) }
	case "neg":
		return func(x, _, _ uint64) uint64 { return -x }
	case "div", "rem":
		return divide(in.parts[0] == "rem", signed)
	}
	d.fail(in, "unknown integer operation")
	return nil
}

// divide returns a quotient or remainder. Division by zero has no defined
// result on the hardware; here it is all ones.
func divide(rem, signed bool) func(x, y, z uint64) uint64 {
	return func(x, y, _ uint64) uint64 {
		switch {
		case y == 0:
			return ^uint64(0)
		case signed && rem:
			return uint64(int64(x) % int64(y))
		case signed:
			return uint64(int64(x) / int64(y))
		case rem:
			return x % y
		}
		return x / y
	}
}

// carry decodes the extended-precision forms, which pass a carry bit from
// one instruction to the next.
func (d *decoder) carry(in *instr) exec {
	t := in.typ()
	signed, size := intType(t)
	dst := d.dst(in, in.args[0], size == 8)
	s := d.sources(in, size == 8)
	mad := in.parts[0] == "mad" || in.parts[0] == "madc"
	sub := in.parts[0] == "sub" || in.parts[0] == "subc"
	useCarry := in.parts[0] != "mad" && in.parts[0][len(in.parts[0])-1] == 'c' && in.parts[0] != "sub"
	setCarry := in.has("cc")
	product := func(x, y uint64) uint64 { return x * y }
	if mad && in.has("hi") {
		one := &instr{op: in.op, parts: []string{"mul", "hi"}, line: in.line, src: in.src}
		f := d.integerFunc(one, signed, size)
		product = func(x, y uint64) uint64 {
			return f(extend(x, signed, size), extend(y, signed, size), 0)
		}
	}
	cc := d.k.carryPred(d)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			x, y := w.get(s[0], l), w.get(s[1], l)
			if mad {
				x, y = extend(product(x, y), false, size), w.get(s[2], l)
			}
			c := uint64(0)
			if useCarry {
				c = uint64(w.p[cc] >> l & 1)
			}
			r, out := addCarry(x, y, c, size, sub)
			w.set(dst, l, r)
			if setCarry {
				w.setPred(cc, 1<<l, uint32(out)<<l)
			}
		}
	}
}

// addCarry adds or subtracts with carry in and out at a width.
func addCarry(x, y, c uint64, size int, sub bool) (r, out uint64) {
	if size == 8 {
		if sub {
			return bits.Sub64(x, y, c)
		}
		return bits.Add64(x, y, c)
	}
	if sub {
		r = x - y - c
		return extend(r, false, size), r >> 63
	}
	r = x + y + c
	return extend(r, false, size), r >> (8 * size) & 1
}

// carryPred returns the predicate that holds the carry bit.
func (k *kernel) carryPred(d *decoder) int {
	p, ok := d.preds["#carry"]
	if !ok {
		p = k.np
		k.np++
		d.preds["#carry"] = p
	}
	return p
}
