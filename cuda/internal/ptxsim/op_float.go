package ptxsim

import "math"

// roundingOf returns the rounding mode among an opcode's suffixes.
func roundingOf(in *instr) rounding {
	switch {
	case in.has("rz") || in.has("rzi"):
		return toZero
	case in.has("rm") || in.has("rmi"):
		return toMinus
	case in.has("rp") || in.has("rpi"):
		return toPlus
	}
	return toNearest
}

// float32Op decodes arithmetic on floats.
func (d *decoder) float32Op(in *instr) exec {
	dst := d.dst(in, in.args[0], false).off
	s := make([]int, len(in.args)-1)
	for i := range s {
		s[i] = d.src32(in, i+1)
	}
	mode, ftz, sat := roundingOf(in), in.has("ftz"), in.has("sat")
	plain := mode == toNearest && !ftz && !sat
	switch op := in.parts[0]; {
	case op == "add" && plain:
		return d.addF32(dst, s[0], s[1])
	case op == "sub" && plain:
		return bin32(dst, s[0], s[1], func(x, y uint32) uint32 { return b32(f32(x) - f32(y)) })
	case op == "mul" && plain:
		return d.mulF32(dst, s[0], s[1])
	case (op == "fma" || op == "mad") && plain:
		return d.fmaF32(dst, s[0], s[1], s[2])
	case op == "min" || op == "max":
		return d.minMax(in, dst, s)
	}
	f := d.float32Func(in, mode)
	fix := func(x uint32) float32 { return f32(x) }
	if ftz {
		fix = func(x uint32) float32 { return flush(f32(x)) }
	}
	end := func(x float32) uint32 {
		if ftz {
			x = flush(x)
		}
		if sat {
			x = saturate(x)
		}
		return b32(x)
	}
	switch len(s) {
	case 1:
		return un32(dst, s[0], func(x uint32) uint32 { return end(f(fix(x), 0, 0)) })
	case 2:
		return bin32(dst, s[0], s[1], func(x, y uint32) uint32 { return end(f(fix(x), fix(y), 0)) })
	}
	return tri32(dst, s[0], s[1], s[2], func(x, y, z uint32) uint32 { return end(f(fix(x), fix(y), fix(z))) })
}

// float32Func returns an operation on floats in a rounding mode. Division is
// exact in every form, which is inside the bounds of .approx and .full.
func (d *decoder) float32Func(in *instr, mode rounding) func(x, y, z float32) float32 {
	switch in.parts[0] {
	case "add":
		return func(x, y, _ float32) float32 { return toFloat32(addOdd(float64(x), float64(y)), mode) }
	case "sub":
		return func(x, y, _ float32) float32 { return toFloat32(addOdd(float64(x), -float64(y)), mode) }
	case "mul":
		return func(x, y, _ float32) float32 { return toFloat32(float64(x)*float64(y), mode) }
	case "fma", "mad":
		return func(x, y, z float32) float32 { return fmaMode(x, y, z, mode) }
	case "div":
		if mode != toNearest {
			return func(x, y, _ float32) float32 { return toFloat32(divOdd(x, y), mode) }
		}
		return func(x, y, _ float32) float32 { return x / y }
	case "abs":
		return func(x, _, _ float32) float32 { return f32(b32(x) &^ (1 << 31)) }
	case "neg":
		return func(x, _, _ float32) float32 { return f32(b32(x) ^ 1<<31) }
	}
	d.fail(in, "unknown float operation")
	return nil
}

// divOdd is x/y rounded to odd in double precision.
func divOdd(x, y float32) float64 {
	a, b := float64(x), float64(y)
	q := a / b
	r := math.FMA(-q, b, a)
	u := math.Float64bits(q)
	if r == 0 || r != r || u&1 == 1 {
		return q
	}
	if (r > 0) == (b > 0) == (q > 0) {
		return math.Float64frombits(u + 1)
	}
	return math.Float64frombits(u - 1)
}

func (d *decoder) minMax(in *instr, dst int, s []int) exec {
	larger, nan, ftz := in.parts[0] == "max", in.has("NaN"), in.has("ftz")
	if in.has("xorsign") {
		d.fail(in, "xorsign is not simulated")
	}
	f := func(x, y uint32) uint32 { return minMax32(x, y, larger, nan) }
	if ftz {
		f = func(x, y uint32) uint32 { return minMax32(b32(flush(f32(x))), b32(flush(f32(y))), larger, nan) }
	}
	return bin32(dst, s[0], s[1], f)
}

// The frequent operations run whole warps at once.
func (d *decoder) addF32(dst, a, b int) exec {
	all := d.lanes.add
	return func(w *warp, m uint32) {
		D, A, B := w.lanes32(dst), w.lanes32(a), w.lanes32(b)
		if m == full {
			all(D, A, B)
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = b32(f32(A[l]) + f32(B[l]))
		}
	}
}

func (d *decoder) mulF32(dst, a, b int) exec {
	all := d.lanes.mul
	return func(w *warp, m uint32) {
		D, A, B := w.lanes32(dst), w.lanes32(a), w.lanes32(b)
		if m == full {
			all(D, A, B)
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = b32(f32(A[l]) * f32(B[l]))
		}
	}
}

func (d *decoder) fmaF32(dst, a, b, c int) exec {
	all := d.lanes.fma
	return func(w *warp, m uint32) {
		D, A, B, C := w.lanes32(dst), w.lanes32(a), w.lanes32(b), w.lanes32(c)
		if m == full {
			all(D, A, B, C)
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = b32(fma32(f32(A[l]), f32(B[l]), f32(C[l])))
		}
	}
}

// float64Op decodes arithmetic on doubles, to nearest only.
func (d *decoder) float64Op(in *instr) exec {
	if roundingOf(in) != toNearest {
		d.fail(in, "doubles are rounded to nearest only")
	}
	var f func(x, y, z float64) float64
	switch in.parts[0] {
	case "add":
		f = func(x, y, _ float64) float64 { return x + y }
	case "sub":
		f = func(x, y, _ float64) float64 { return x - y }
	case "mul":
		f = func(x, y, _ float64) float64 { return x * y }
	case "fma", "mad":
		f = math.FMA
	case "div":
		f = func(x, y, _ float64) float64 { return x / y }
	case "abs":
		f = func(x, _, _ float64) float64 { return math.Abs(x) }
	case "neg":
		f = func(x, _, _ float64) float64 { return -x }
	case "min", "max":
		larger := in.parts[0] == "max"
		f = func(x, y, _ float64) float64 {
			switch {
			case x != x:
				return y
			case y != y:
				return x
			case larger:
				return max(x, y)
			}
			return min(x, y)
		}
	default:
		d.fail(in, "unknown double operation")
	}
	return mixed(d.dst(in, in.args[0], true), d.sources(in, true), func(x, y, z uint64) uint64 {
		return math.Float64bits(f(math.Float64frombits(x), math.Float64frombits(y), math.Float64frombits(z)))
	})
}

// halfOp decodes arithmetic on one or two 16-bit floats. A result is the
// exact one, rounded once.
func (d *decoder) halfOp(in *instr) exec {
	widen, narrow := halfToFloat, floatToHalf
	if t := in.typ(); t == "bf16" || t == "bf16x2" {
		widen, narrow = bf16ToFloat, floatToBF16
	}
	f := d.halfFunc(in)
	one := func(x, y, z uint16) uint16 {
		r := narrow(oddFloat32(f(float64(widen(x)), float64(widen(y)), float64(widen(z)))), toNearest)
		if in.has("relu") && r>>15 == 1 {
			return 0
		}
		return r
	}
	two := in.typ()[len(in.typ())-2:] == "x2"
	return mixed(d.dst(in, in.args[0], false), d.sources(in, false), func(x, y, z uint64) uint64 {
		r := uint64(one(uint16(x), uint16(y), uint16(z)))
		if two {
			r |= uint64(one(uint16(x>>16), uint16(y>>16), uint16(z>>16))) << 16
		}
		return r
	})
}

// oddFloat32 rounds a double to odd, so that rounding on to 16 bits is right.
func oddFloat32(x float64) float32 {
	f := toFloat32(x, toZero)
	if float64(f) != x && x == x && b32(f)&1 == 0 {
		return f32(b32(f) | 1)
	}
	return f
}

func (d *decoder) halfFunc(in *instr) func(x, y, z float64) float64 {
	switch in.parts[0] {
	case "add":
		return func(x, y, _ float64) float64 { return x + y }
	case "sub":
		return func(x, y, _ float64) float64 { return x - y }
	case "mul":
		return func(x, y, _ float64) float64 { return x * y }
	case "fma":
		return func(x, y, z float64) float64 { return addOdd(x*y, z) }
	case "neg":
		return func(x, _, _ float64) float64 { return -x }
	case "abs":
		return func(x, _, _ float64) float64 { return math.Abs(x) }
	case "min", "max":
		larger := in.parts[0] == "max"
		return func(x, y, _ float64) float64 {
			return float64(f32(minMax32(b32(float32(x)), b32(float32(y)), larger, in.has("NaN"))))
		}
	}
	d.fail(in, "unknown operation on 16-bit floats")
	return nil
}

// function decodes functions of floats. The .approx forms give the correctly
// rounded value of a double-precision result, which is inside the bounds that
// the PTX manual states.
func (d *decoder) function(in *instr) exec {
	t := in.typ()
	switch {
	case in.parts[0] == "testp":
		return d.testProperty(in)
	case in.parts[0] == "copysign" && t == "f32":
		return bin32(d.dst(in, in.args[0], false).off, d.src32(in, 1), d.src32(in, 2), func(x, y uint32) uint32 {
			return y&^(1<<31) | x&(1<<31)
		})
	case t == "f64":
		f := d.function64(in)
		return mixed(d.dst(in, in.args[0], true), d.sources(in, true), func(x, _, _ uint64) uint64 {
			return math.Float64bits(f(math.Float64frombits(x)))
		})
	case t != "f32":
		d.fail(in, "unknown type")
	}
	f := d.function64(in)
	mode, ftz := roundingOf(in), in.has("ftz")
	return un32(d.dst(in, in.args[0], false).off, d.src32(in, 1), func(x uint32) uint32 {
		v := f32(x)
		if ftz {
			v = flush(v)
		}
		r := toFloat32(f(float64(v)), mode)
		if ftz {
			r = flush(r)
		}
		if r != r {
			return nan32
		}
		return b32(r)
	})
}

// function64 returns a function in double precision.
func (d *decoder) function64(in *instr) func(x float64) float64 {
	directed := roundingOf(in) != toNearest
	switch in.parts[0] {
	case "rcp":
		if directed {
			return func(x float64) float64 { return divOdd(1, float32(x)) }
		}
		return func(x float64) float64 { return 1 / x }
	case "sqrt":
		if directed {
			d.fail(in, "directed rounding of sqrt is not simulated")
		}
		return math.Sqrt
	case "rsqrt":
		return func(x float64) float64 { return 1 / math.Sqrt(x) }
	case "ex2":
		return math.Exp2
	case "lg2":
		return math.Log2
	case "sin":
		return math.Sin
	case "cos":
		return math.Cos
	case "tanh":
		return math.Tanh
	}
	d.fail(in, "unknown function")
	return nil
}

// testProperty decodes testp.
func (d *decoder) testProperty(in *instr) exec {
	dst, wide := d.pred(in, in.args[0]), in.typ() == "f64"
	a := d.operand(in, d.arg(in, 1), wide)
	test := map[string]func(x float64, subnormal bool) bool{
		"finite":     func(x float64, _ bool) bool { return !math.IsInf(x, 0) && x == x },
		"infinite":   func(x float64, _ bool) bool { return math.IsInf(x, 0) },
		"number":     func(x float64, _ bool) bool { return x == x },
		"notanumber": func(x float64, _ bool) bool { return x != x },
		"normal":     func(x float64, sub bool) bool { return !math.IsInf(x, 0) && x == x && x != 0 && !sub },
		"subnormal":  func(_ float64, sub bool) bool { return sub },
	}[in.parts[1]]
	if test == nil {
		d.fail(in, "unknown property")
	}
	return func(w *warp, m uint32) {
		v := uint32(0)
		for q := m; q != 0; q &= q - 1 {
			l := lane(q)
			bits := w.get(a, l)
			x, sub := math.Float64frombits(bits), bits<<1>>53 == 0 && bits<<1 != 0
			if !wide {
				x, sub = float64(f32(uint32(bits))), bits&0x7f800000 == 0 && bits&0x7fffffff != 0
			}
			if test(x, sub) {
				v |= 1 << l
			}
		}
		w.setPred(dst, m, v)
	}
}
