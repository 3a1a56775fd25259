package ptxsim

import "math"

// move decodes mov, cvta and cvt.
func (d *decoder) move(in *instr) exec {
	switch in.parts[0] {
	case "cvta":
		return d.addressSpace(in)
	case "cvt":
		return d.convert(in)
	}
	if in.typ() == "pred" {
		dst, a := d.pred(in, in.args[0]), d.predSrc(in, 1)
		return func(w *warp, m uint32) { w.setPred(dst, m, w.bits(a)) }
	}
	switch {
	case in.args[0].kind == opVec:
		return d.unpack(in)
	case d.arg(in, 1).kind == opVec:
		return d.packVec(in)
	}
	wide := typeSize(in.typ()) == 8
	dst, a := d.dst(in, in.args[0], wide), d.operand(in, in.args[1], wide)
	switch {
	case dst.wide != a.wide:
		return mixed(dst, []src{a}, func(x, _, _ uint64) uint64 { return x })
	case dst.wide:
		return copy64(dst.off, a.off)
	}
	return copy32(dst.off, a.off)
}

func copy32(d, a int) exec {
	return func(w *warp, m uint32) {
		D, A := w.lanes32(d), w.lanes32(a)
		if m == full {
			*D = *A
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l]
		}
	}
}

func copy64(d, a int) exec {
	return func(w *warp, m uint32) {
		D, A := w.lanes64(d), w.lanes64(a)
		if m == full {
			*D = *A
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l]
		}
	}
}

// unpack decodes mov.b64 {a, b}, d: the parts of a register.
func (d *decoder) unpack(in *instr) exec {
	vec := in.args[0].vec
	size := typeSize(in.typ()) / len(vec)
	from := d.operand(in, in.args[1], typeSize(in.typ()) == 8)
	var to []src
	for _, v := range vec {
		to = append(to, d.dst(in, v, size == 8))
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			v := w.get(from, l)
			for i, t := range to {
				w.set(t, l, extend(v>>(8*size*i), false, size))
			}
		}
	}
}

// packVec decodes mov.b64 d, {a, b}.
func (d *decoder) packVec(in *instr) exec {
	vec := in.args[1].vec
	size := typeSize(in.typ()) / len(vec)
	to := d.dst(in, in.args[0], typeSize(in.typ()) == 8)
	var from []src
	for _, v := range vec {
		from = append(from, d.operand(in, v, size == 8))
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			v := uint64(0)
			for i, s := range from {
				v |= extend(w.get(s, l), false, size) << (8 * size * i)
			}
			w.set(to, l, v)
		}
	}
}

// addressSpace decodes cvta and cvta.to between a space and generic.
func (d *decoder) addressSpace(in *instr) exec {
	shift := uint64(0)
	switch {
	case in.has("shared") || in.has("shared::cta"):
		shift = sharedWindow
	case in.has("local"):
		shift = localWindow
	case !in.has("global") && !in.has("const") && !in.has("param"):
		d.fail(in, "unknown space")
	}
	if in.has("to") {
		shift = -shift
	}
	wide := typeSize(in.typ()) == 8
	dst, a := d.dst(in, in.args[0], wide), d.operand(in, d.arg(in, 1), wide)
	if shift == 0 && wide {
		return copy64(dst.off, a.off)
	}
	return mixed(dst, []src{a}, func(x, _, _ uint64) uint64 { return x + shift })
}

// convert decodes cvt[.rnd][.ftz][.sat].dtype.stype.
func (d *decoder) convert(in *instr) exec {
	to, from := in.parts[len(in.parts)-2], in.typ()
	if from == "f32" && (to == "bf16x2" || to == "f16x2") {
		return d.convertPair(in, to)
	}
	dst := d.dst(in, in.args[0], typeSize(to) == 8)
	a := d.operand(in, d.arg(in, 1), typeSize(from) == 8)
	if f := fastConvert(in, to, from, dst, a); f != nil {
		return f
	}
	f := d.conversion(in, to, from)
	toSigned, toSize := intType(to)
	wider := dst.wide && toSize < 8 || !dst.wide && toSize < 4
	return mixed(dst, []src{a}, func(x, _, _ uint64) uint64 {
		r := f(x)
		if wider { // a register wider than the type holds it extended
			r = extend(r, toSigned, toSize)
			if !dst.wide && toSize == 2 {
				r &= 0xffff_ffff
			}
		}
		return r
	})
}

// fastConvert decodes the conversions of addresses, which are frequent; nil
// for the others.
func fastConvert(in *instr, to, from string, dst, a src) exec {
	if in.has("sat") || isFloat(to) || isFloat(from) {
		return nil
	}
	switch {
	case typeSize(to) == 8 && typeSize(from) == 4 && dst.wide && !a.wide:
		signed := from == "s32"
		return func(w *warp, m uint32) {
			D, A := w.lanes64(dst.off), w.lanes32(a.off)
			if m == full && !signed {
				for l := range D {
					D[l] = uint64(A[l])
				}
				return
			}
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				D[l] = uint64(A[l])
				if signed {
					D[l] = uint64(int64(int32(A[l])))
				}
			}
		}
	case typeSize(to) == 4 && typeSize(from) == 8 && !dst.wide && a.wide:
		return func(w *warp, m uint32) {
			D, A := w.lanes32(dst.off), w.lanes64(a.off)
			if m == full {
				for l := range D {
					D[l] = uint32(A[l])
				}
				return
			}
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				D[l] = uint32(A[l])
			}
		}
	}
	return nil
}

// isFloat reports whether a type is a float.
func isFloat(t string) bool { return t[0] == 'f' || t == "bf16" || t == "tf32" }

// conversion returns a conversion of a register's bits.
func (d *decoder) conversion(in *instr, to, from string) func(x uint64) uint64 {
	if typeSize(to) == 0 || typeSize(from) == 0 {
		d.fail(in, "unknown type")
	}
	switch {
	case to == "tf32":
		return roundTF32
	case isFloat(to) && isFloat(from):
		return d.floatToFloat(in, to, from)
	case isFloat(to):
		return intToFloat(to, from, roundingOf(in))
	case isFloat(from):
		return floatToInt(to, from, roundingOf(in), in.has("ftz"))
	}
	return intToInt(to, from, in.has("sat"))
}

// roundTF32 rounds a float to 10 bits of fraction, ties away from zero.
func roundTF32(x uint64) uint64 {
	if x&0x7f800000 == 0x7f800000 {
		return x
	}
	return (x + 0x1000) & 0xffffe000
}

// toDouble returns how to widen a float type.
func toDouble(t string) func(x uint64) float64 {
	switch t {
	case "f64":
		return math.Float64frombits
	case "f16":
		return func(x uint64) float64 { return float64(halfToFloat(uint16(x))) }
	case "bf16":
		return func(x uint64) float64 { return float64(bf16ToFloat(uint16(x))) }
	}
	return func(x uint64) float64 { return float64(f32(uint32(x))) }
}

// fromDouble returns how to round to a float type.
func fromDouble(t string, mode rounding) func(x float64) uint64 {
	switch t {
	case "f64":
		return math.Float64bits
	case "f16":
		return func(x float64) uint64 { return uint64(floatToHalf(oddFloat32(x), mode)) }
	case "bf16":
		return func(x float64) uint64 { return uint64(floatToBF16(oddFloat32(x), mode)) }
	}
	return func(x float64) uint64 { return uint64(b32(toFloat32(x, mode))) }
}

func (d *decoder) floatToFloat(in *instr, to, from string) func(x uint64) uint64 {
	mode, ftz, sat, relu := roundingOf(in), in.has("ftz"), in.has("sat"), in.has("relu")
	integral := in.has("rni") || in.has("rzi") || in.has("rmi") || in.has("rpi")
	widen, round := toDouble(from), fromDouble(to, mode)
	return func(x uint64) uint64 {
		v := widen(x)
		if ftz && from == "f32" {
			v = float64(flush(float32(v)))
		}
		if integral {
			v = roundInt(v, mode)
		}
		if sat {
			v = float64(saturate(float32(v)))
		}
		if relu && v < 0 {
			v = 0
		}
		return round(v)
	}
}

// intToFloat goes over a double; for 64-bit integers that do not fit it, the
// double is rounded to odd.
func intToFloat(to, from string, mode rounding) func(x uint64) uint64 {
	signed, size := intType(from)
	round := fromDouble(to, mode)
	return func(x uint64) uint64 {
		x = extend(x, signed, size)
		neg := signed && int64(x) < 0
		if neg {
			x = -x
		}
		if to != "f64" && x >= 1<<53 {
			sticky := uint64(0)
			if x&0x7ff != 0 {
				sticky = 0x800
			}
			x = x&^0x7ff | sticky
		}
		v := float64(x)
		if neg {
			v = -v
		}
		return round(v)
	}
}

// floatToInt clamps to the integer's range; NaN becomes 0.
func floatToInt(to, from string, mode rounding, ftz bool) func(x uint64) uint64 {
	signed, size := intType(to)
	widen := toDouble(from)
	lo, hi := 0.0, math.Ldexp(1, 8*size)
	if signed {
		lo, hi = -math.Ldexp(1, 8*size-1), math.Ldexp(1, 8*size-1)
	}
	return func(x uint64) uint64 {
		v := widen(x)
		if ftz && from == "f32" {
			v = float64(flush(float32(v)))
		}
		v = roundInt(v, mode)
		switch {
		case v != v:
			return 0
		case v <= lo:
			return uint64(int64(lo))
		case v >= hi:
			if signed {
				return 1<<(8*size-1) - 1
			}
			return extend(^uint64(0), false, size)
		case signed:
			return uint64(int64(v))
		}
		return uint64(v)
	}
}

func intToInt(to, from string, sat bool) func(x uint64) uint64 {
	fromSigned, fromSize := intType(from)
	toSigned, toSize := intType(to)
	if !sat {
		return func(x uint64) uint64 { return extend(extend(x, fromSigned, fromSize), toSigned, toSize) }
	}
	return func(x uint64) uint64 {
		x = extend(x, fromSigned, fromSize)
		neg := fromSigned && int64(x) < 0
		top := ^uint64(0) >> (64 - 8*toSize)
		if toSigned {
			top >>= 1
		}
		switch {
		case neg && !toSigned:
			return 0
		case neg:
			return uint64(max(int64(x), -int64(top)-1))
		}
		return min(x, top)
	}
}

// convertPair decodes cvt.rn.bf16x2.f32 d, a, b: a above, b below.
func (d *decoder) convertPair(in *instr, to string) exec {
	round, relu := fromDouble(to[:len(to)-2], roundingOf(in)), in.has("relu")
	one := func(x uint64) uint64 {
		v := f32(uint32(x))
		if relu && v < 0 {
			v = 0
		}
		return round(float64(v)) & 0xffff
	}
	return mixed(d.dst(in, in.args[0], false), d.sources(in, false), func(x, y, _ uint64) uint64 { return one(x)<<16 | one(y) })
}
