package ptxsim

import "math/bits"

// logic decodes operations on bits.
func (d *decoder) logic(in *instr) exec {
	t := in.typ()
	if t == "pred" {
		return d.predLogic(in)
	}
	if t == "b32" || t == "u32" || t == "s32" {
		if f := d.logic32(in, t); f != nil {
			return f
		}
	}
	if f := d.logic64(in, t); f != nil {
		return f
	}
	signed, size := intType(t)
	f := d.logicFunc(in, signed, size)
	out := size
	switch in.parts[0] {
	case "popc", "clz", "bfind":
		out = 4
	case "dp4a", "dp2a":
		size, out = 4, 4
	}
	dst := d.dst(in, in.args[0], out == 8)
	s := d.sources(in, size == 8)
	for i := range s { // shift counts and positions are 32 bits
		if o := in.args[i+1]; o.kind == opImm && i > 0 {
			s[i] = d.constant(o.bits, size == 8)
		}
	}
	if in.parts[0] == "bfi" {
		return d.insert(in, dst, s, size)
	}
	return mixed(dst, s, func(x, y, z uint64) uint64 { return extend(f(x, y, z), false, out) })
}

// logic32 decodes the frequent 32-bit forms; nil for the others.
func (d *decoder) logic32(in *instr, t string) exec {
	var f func(x, y uint32) uint32
	switch in.parts[0] {
	case "and":
		f = func(x, y uint32) uint32 { return x & y }
	case "or":
		f = func(x, y uint32) uint32 { return x | y }
	case "xor":
		f = func(x, y uint32) uint32 { return x ^ y }
	case "shl":
		f = func(x, y uint32) uint32 { return x << y }
	case "shr":
		f = func(x, y uint32) uint32 { return x >> y }
		if t == "s32" {
			f = func(x, y uint32) uint32 { return uint32(int32(x) >> y) }
		}
	case "not":
		return un32(d.dst(in, in.args[0], false).off, d.src32(in, 1), func(x uint32) uint32 { return ^x })
	default:
		return nil
	}
	return bin32(d.dst(in, in.args[0], false).off, d.src32(in, 1), d.src32(in, 2), f)
}

// logic64 decodes shifts of addresses; nil for the others.
func (d *decoder) logic64(in *instr, t string) exec {
	if in.parts[0] != "shl" || typeSize(t) != 8 {
		return nil
	}
	dst, a, n := d.dst(in, in.args[0], true).off, d.src64(in, 1), d.operand(in, d.arg(in, 2), false).off
	return func(w *warp, m uint32) {
		D, A, N := w.lanes64(dst), w.lanes64(a), w.lanes32(n)
		if m == full {
			for l := range D {
				D[l] = A[l] << N[l]
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l] << N[l]
		}
	}
}

// predLogic decodes and, or, xor and not of predicates.
func (d *decoder) predLogic(in *instr) exec {
	dst, a := d.pred(in, in.args[0]), d.predSrc(in, 1)
	if in.parts[0] == "not" {
		return func(w *warp, m uint32) { w.setPred(dst, m, ^w.bits(a)) }
	}
	b := d.predSrc(in, 2)
	switch in.parts[0] {
	case "and":
		return func(w *warp, m uint32) { w.setPred(dst, m, w.bits(a)&w.bits(b)) }
	case "or":
		return func(w *warp, m uint32) { w.setPred(dst, m, w.bits(a)|w.bits(b)) }
	case "xor":
		return func(w *warp, m uint32) { w.setPred(dst, m, w.bits(a)^w.bits(b)) }
	}
	d.fail(in, "unknown operation on predicates")
	return nil
}

// logicFunc returns an operation on bits of any width.
func (d *decoder) logicFunc(in *instr, signed bool, size int) func(x, y, z uint64) uint64 {
	n := uint64(8 * size)
	switch in.parts[0] {
	case "and":
		return func(x, y, _ uint64) uint64 { return x & y }
	case "or":
		return func(x, y, _ uint64) uint64 { return x | y }
	case "xor":
		return func(x, y, _ uint64) uint64 { return x ^ y }
	case "not":
		return func(x, _, _ uint64) uint64 { return ^x }
	case "cnot":
		return func(x, _, _ uint64) uint64 {
			if x == 0 {
				return 1
			}
			return 0
		}
	case "shl":
		return func(x, y, _ uint64) uint64 { return x << uint32(y) }
	case "shr":
		return func(x, y, _ uint64) uint64 {
			if signed {
				return uint64(int64(extend(x, true, size)) >> uint32(y))
			}
			return x >> uint32(y)
		}
	case "popc":
		return func(x, _, _ uint64) uint64 { return uint64(bits.OnesCount64(x)) }
	case "clz":
		return func(x, _, _ uint64) uint64 { return uint64(bits.LeadingZeros64(x)) - (64 - n) }
	case "brev":
		return func(x, _, _ uint64) uint64 { return bits.Reverse64(x) >> (64 - n) }
	case "bfind":
		return bfind(in, signed, size)
	case "bfe":
		return func(x, y, z uint64) uint64 { return extract(x, y&0xff, z&0xff, signed, n) }
	case "bfi":
		return nil
	case "prmt":
		if len(in.parts) > 2 {
			d.fail(in, "only the general mode is known")
		}
		return permute
	case "shf":
		return funnel(in.has("l"), in.has("wrap"))
	case "lop3":
		return d.lop3(in)
	case "dp4a":
		return dp4a(in.parts[1] == "s32", in.parts[2] == "s32")
	}
	d.fail(in, "unknown operation on bits")
	return nil
}

// bfind returns the place of the most significant bit that is not a sign.
func bfind(in *instr, signed bool, size int) func(x, y, z uint64) uint64 {
	n := 8 * size
	return func(x, _, _ uint64) uint64 {
		if signed && x>>(n-1)&1 == 1 {
			x = extend(^x, false, size)
		}
		p := bits.Len64(x) - 1
		if p >= 0 && in.has("shiftamt") {
			p = n - 1 - p
		}
		return uint64(int64(p))
	}
}

// extract takes length bits at position pos, signed or not.
func extract(x, pos, length uint64, signed bool, n uint64) uint64 {
	sign := uint64(0)
	if signed && length > 0 {
		sign = x >> min(pos+length-1, n-1) & 1
	}
	r := uint64(0)
	if pos < n {
		r = x >> pos
	}
	if length < 64 {
		r &= 1<<length - 1
		if sign == 1 {
			r |= ^uint64(0) << length
		}
	}
	if pos+length > n && sign == 1 && pos < n {
		r |= ^uint64(0) << (n - pos)
	}
	return r
}

// insert decodes bfi: a's low bits into b at a position.
func (d *decoder) insert(in *instr, dst src, s []src, size int) exec {
	pos, length := d.src32(in, 3), d.src32(in, 4)
	n := uint64(8 * size)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			a, b := w.get(s[0], l), w.get(s[1], l)
			p, c := uint64(w.r32[pos+l]&0xff), uint64(w.r32[length+l]&0xff)
			mask := ^uint64(0)
			if c < 64 {
				mask = 1<<c - 1
			}
			if p < n {
				b = b&^(mask<<p) | a&mask<<p
			}
			w.set(dst, l, extend(b, false, size))
		}
	}
}

// permute picks bytes of two words by a selector, with sign replication.
func permute(x, y, sel uint64) uint64 {
	both := y<<32 | x&0xffffffff
	r := uint64(0)
	for i := range 4 {
		s := sel >> (4 * i) & 0xf
		b := both >> (8 * (s & 7)) & 0xff
		if s&8 != 0 {
			b = uint64(int64(b<<56)>>63) & 0xff
		}
		r |= b << (8 * i)
	}
	return r
}

// funnel shifts the pair (high y, low x) and keeps one word.
func funnel(left, wrap bool) func(x, y, z uint64) uint64 {
	return func(x, y, z uint64) uint64 {
		n := z & 31
		if !wrap {
			n = min(z&0xffffffff, 32)
		}
		both := y<<32 | x&0xffffffff
		if left {
			return both << n >> 32
		}
		return both >> n
	}
}

// lop3 returns the logic function of three words given by a table.
func (d *decoder) lop3(in *instr) func(x, y, z uint64) uint64 {
	table := d.arg(in, 4)
	if table.kind != opImm {
		d.fail(in, "want a constant table")
	}
	in.args = in.args[:4]
	return func(x, y, z uint64) uint64 {
		r := uint64(0)
		for i := range 8 {
			if table.bits>>i&1 == 0 {
				continue
			}
			a, b, c := x, y, z
			if i&4 == 0 {
				a = ^a
			}
			if i&2 == 0 {
				b = ^b
			}
			if i&1 == 0 {
				c = ^c
			}
			r |= a & b & c
		}
		return r
	}
}

// dp4a returns the dot product of four bytes, added to z.
func dp4a(signedX, signedY bool) func(x, y, z uint64) uint64 {
	return func(x, y, z uint64) uint64 {
		for i := range 4 {
			z += extend(x>>(8*i), signedX, 1) * extend(y>>(8*i), signedY, 1)
		}
		return z
	}
}
