package ptxsim

import (
	"math"
	"strings"
)

// compare decodes setp, set, selp and slct.
func (d *decoder) compare(in *instr) exec {
	switch in.parts[0] {
	case "selp":
		return d.selectOp(in)
	case "slct":
		return d.selectSign(in)
	case "set":
		return d.set(in)
	}
	return d.setp(in)
}

// setp decodes setp.cmp[.bool].type p[|q], a, b[, c].
func (d *decoder) setp(in *instr) exec {
	t := in.typ()
	p := d.pred(in, in.args[0])
	q := -1
	if in.args[0].dual != nil {
		q = d.pred(in, *in.args[0].dual)
	}
	test := d.lanesTest(in, t, d.arg(in, 1), d.arg(in, 2))
	if len(in.args) < 4 {
		if q < 0 {
			return func(w *warp, m uint32) { w.setPred(p, m, test(w, m)) }
		}
		return func(w *warp, m uint32) {
			v := test(w, m)
			w.setPred(p, m, v)
			w.setPred(q, m, ^v)
		}
	}
	join := d.boolOp(in, in.parts[2])
	c := d.predSrc(in, 3)
	return func(w *warp, m uint32) {
		v, e := test(w, m), w.bits(c)
		w.setPred(p, m, join(v, e))
		if q >= 0 {
			w.setPred(q, m, join(^v, e))
		}
	}
}

func (d *decoder) boolOp(in *instr, name string) func(x, y uint32) uint32 {
	switch name {
	case "and":
		return func(x, y uint32) uint32 { return x & y }
	case "or":
		return func(x, y uint32) uint32 { return x | y }
	case "xor":
		return func(x, y uint32) uint32 { return x ^ y }
	}
	d.fail(in, "unknown boolean operation")
	return nil
}

// lanesTest compares two operands and returns the lanes where it holds.
func (d *decoder) lanesTest(in *instr, t string, x, y operand) func(w *warp, m uint32) uint32 {
	wide := typeSize(t) == 8
	a, b := d.operand(in, x, wide), d.operand(in, y, wide)
	cmp := in.parts[1]
	if !wide && (t == "s32" || t == "u32" || t == "b32") {
		return test32(a.off, b.off, d.intTest32(in, cmp, t))
	}
	if t == "f32" {
		f := d.floatTest(in, cmp)
		ftz := in.has("ftz")
		return test32(a.off, b.off, func(x, y uint32) bool {
			if ftz {
				return f(float64(flush(f32(x))), float64(flush(f32(y))))
			}
			return f(float64(f32(x)), float64(f32(y)))
		})
	}
	f := d.test64(in, cmp, t)
	return func(w *warp, m uint32) uint32 {
		v := uint32(0)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if f(w.get(a, l), w.get(b, l)) {
				v |= 1 << l
			}
		}
		return v
	}
}

func test32(a, b int, f func(x, y uint32) bool) func(w *warp, m uint32) uint32 {
	return func(w *warp, m uint32) uint32 {
		A, B := w.lanes32(a), w.lanes32(b)
		v := uint32(0)
		if m == full {
			for l := range A {
				if f(A[l], B[l]) {
					v |= 1 << l
				}
			}
			return v
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if f(A[l], B[l]) {
				v |= 1 << l
			}
		}
		return v
	}
}

func (d *decoder) intTest32(in *instr, cmp, t string) func(x, y uint32) bool {
	signed := t == "s32"
	switch cmp {
	case "eq":
		return func(x, y uint32) bool { return x == y }
	case "ne":
		return func(x, y uint32) bool { return x != y }
	case "lt", "lo":
		if signed {
			return func(x, y uint32) bool { return int32(x) < int32(y) }
		}
		return func(x, y uint32) bool { return x < y }
	case "le", "ls":
		if signed {
			return func(x, y uint32) bool { return int32(x) <= int32(y) }
		}
		return func(x, y uint32) bool { return x <= y }
	case "gt", "hi":
		if signed {
			return func(x, y uint32) bool { return int32(x) > int32(y) }
		}
		return func(x, y uint32) bool { return x > y }
	case "ge", "hs":
		if signed {
			return func(x, y uint32) bool { return int32(x) >= int32(y) }
		}
		return func(x, y uint32) bool { return x >= y }
	}
	d.fail(in, "unknown comparison %s", cmp)
	return nil
}

// floatTest returns a comparison of floats. The forms with u also hold where
// a NaN takes part.
func (d *decoder) floatTest(in *instr, cmp string) func(x, y float64) bool {
	switch cmp {
	case "eq":
		return func(x, y float64) bool { return x == y }
	case "ne":
		return func(x, y float64) bool { return x < y || x > y }
	case "lt":
		return func(x, y float64) bool { return x < y }
	case "le":
		return func(x, y float64) bool { return x <= y }
	case "gt":
		return func(x, y float64) bool { return x > y }
	case "ge":
		return func(x, y float64) bool { return x >= y }
	case "equ":
		return func(x, y float64) bool { return !(x < y || x > y) }
	case "neu":
		return func(x, y float64) bool { return x != y }
	case "ltu":
		return func(x, y float64) bool { return !(x >= y) }
	case "leu":
		return func(x, y float64) bool { return !(x > y) }
	case "gtu":
		return func(x, y float64) bool { return !(x <= y) }
	case "geu":
		return func(x, y float64) bool { return !(x < y) }
	case "num":
		return func(x, y float64) bool { return x == x && y == y }
	case "nan":
		return func(x, y float64) bool { return x != x || y != y }
	}
	d.fail(in, "unknown comparison %s", cmp)
	return nil
}

// test64 returns a comparison of any other type.
func (d *decoder) test64(in *instr, cmp, t string) func(x, y uint64) bool {
	if strings.HasSuffix(t, "f64") || strings.HasSuffix(t, "f16") {
		f := d.floatTest(in, cmp)
		value := math.Float64frombits
		switch t {
		case "f16":
			value = func(x uint64) float64 { return float64(halfToFloat(uint16(x))) }
		case "bf16":
			value = func(x uint64) float64 { return float64(bf16ToFloat(uint16(x))) }
		}
		return func(x, y uint64) bool { return f(value(x), value(y)) }
	}
	signed, size := intType(t)
	if size == 0 {
		d.fail(in, "unknown type")
	}
	key := func(x uint64) uint64 { // the order of keys is that of the values
		x = extend(x, signed, size)
		if signed {
			x ^= 1 << 63
		}
		return x
	}
	switch cmp {
	case "eq":
		return func(x, y uint64) bool { return key(x) == key(y) }
	case "ne":
		return func(x, y uint64) bool { return key(x) != key(y) }
	case "lt", "lo":
		return func(x, y uint64) bool { return key(x) < key(y) }
	case "le", "ls":
		return func(x, y uint64) bool { return key(x) <= key(y) }
	case "gt", "hi":
		return func(x, y uint64) bool { return key(x) > key(y) }
	case "ge", "hs":
		return func(x, y uint64) bool { return key(x) >= key(y) }
	}
	d.fail(in, "unknown comparison %s", cmp)
	return nil
}

// set decodes set.cmp[.bool].dtype.type d, a, b[, c].
func (d *decoder) set(in *instr) exec {
	test := d.lanesTest(in, in.typ(), d.arg(in, 1), d.arg(in, 2))
	truth := uint32(full)
	if in.parts[len(in.parts)-2] == "f32" {
		truth = b32(1)
	}
	join := func(x, y uint32) uint32 { return x }
	var c predSrc
	if len(in.args) > 3 {
		join, c = d.boolOp(in, in.parts[2]), d.predSrc(in, 3)
	} else {
		d.k.np++
		c.p = d.k.np - 1
	}
	dst := d.dst(in, in.args[0], false).off
	return func(w *warp, m uint32) {
		v := join(test(w, m), w.bits(c))
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			w.r32[dst+l] = 0
			if v>>l&1 == 1 {
				w.r32[dst+l] = truth
			}
		}
	}
}

// selectOp decodes selp.type d, a, b, p.
func (d *decoder) selectOp(in *instr) exec {
	wide := typeSize(in.typ()) == 8
	dst := d.dst(in, in.args[0], wide)
	a, b, p := d.operand(in, d.arg(in, 1), wide), d.operand(in, d.arg(in, 2), wide), d.predSrc(in, 3)
	if !wide {
		return func(w *warp, m uint32) {
			D, A, B, v := w.lanes32(dst.off), w.lanes32(a.off), w.lanes32(b.off), w.bits(p)
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				x := B[l]
				if v>>l&1 == 1 {
					x = A[l]
				}
				D[l] = x
			}
		}
	}
	return func(w *warp, m uint32) {
		v := w.bits(p)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if v>>l&1 == 1 {
				w.set(dst, l, w.get(a, l))
			} else {
				w.set(dst, l, w.get(b, l))
			}
		}
	}
}

// selectSign decodes slct.type.{s32,f32} d, a, b, c: a where c >= 0.
func (d *decoder) selectSign(in *instr) exec {
	wide := typeSize(in.parts[len(in.parts)-2]) == 8
	float := in.typ() == "f32"
	s := []src{d.operand(in, d.arg(in, 1), wide), d.operand(in, d.arg(in, 2), wide), d.operand(in, d.arg(in, 3), false)}
	return mixed(d.dst(in, in.args[0], wide), s, func(x, y, z uint64) uint64 {
		if float && f32(uint32(z)) >= 0 || !float && int32(z) >= 0 {
			return x
		}
		return y
	})
}
