package ptxsim_test

import (
	"fmt"
	"math"
	"testing"

	"aegis/cuda/driver"
	"aegis/cuda/internal/ptxsim"
)

// runBody runs instructions on one thread. %r0, %r1, %r2 are three words,
// %rd0 and %rd1 two double words; the result is %rd9.
func runBody(t *testing.T, body string, words [3]uint32, wide [2]uint64) uint64 {
	t.Helper()
	ptx := `.version 7.8
.target sm_80
.address_size 64
.visible .entry k(.param .u64 out, .param .u32 a, .param .u32 b, .param .u32 c, .param .u64 d, .param .u64 e)
{
.reg .pred %p<4>;
.reg .b16 %rs<8>;
.reg .b32 %r<10>;
.reg .f32 %f<10>;
.reg .b64 %rd<12>;
ld.param.u64 %rd10, [out];
ld.param.u32 %r0, [a];
ld.param.u32 %r1, [b];
ld.param.u32 %r2, [c];
ld.param.u64 %rd0, [d];
ld.param.u64 %rd1, [e];
` + body + `
cvta.to.global.u64 %rd11, %rd10;
st.global.u64 [%rd11], %rd9;
ret;
}
`
	d := open(t, ptxsim.Options{}, "")
	var err error
	if d.mod, err = d.LoadModule([]byte(ptx)); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	p := d.alloc(2)
	d.must(d.run("k", 1, 1, 0, driver.Ptr(p), driver.Uint32(words[0]), driver.Uint32(words[1]), driver.Uint32(words[2]), driver.Uint64(wide[0]), driver.Uint64(wide[1])))
	return down[uint64](d, p, 1)[0]
}

// word makes a body whose result is the word %r9.
func word(body string) string { return body + "; cvt.u64.u32 %rd9, %r9;" }

// truth makes a body whose result is the predicate %p1.
func truth(body string) string { return body + "; selp.b64 %rd9, 1, 0, %p1;" }

func TestOps(t *testing.T) {
	f := math.Float32bits
	nan, inf := uint32(0x7fc00000), uint32(0x7f800000)
	tests := []struct {
		body string
		in   [3]uint32
		wide [2]uint64
		want uint64
	}{
		{body: word("bfe.u32 %r9, %r0, 4, 8"), in: [3]uint32{0x12345678}, want: 0x67},
		{body: word("bfe.s32 %r9, %r0, 4, 8"), in: [3]uint32{0x00000f80}, want: 0xfffffff8},
		{body: word("bfe.s32 %r9, %r0, 28, 8"), in: [3]uint32{0x90000000}, want: 0xfffffff9},
		{body: word("bfe.u32 %r9, %r0, %r1, %r2"), in: [3]uint32{5, 40, 3}, want: 0},
		{body: "bfe.u64 %rd9, %rd0, 32, 16;", wide: [2]uint64{0x1234567890}, want: 0x12},
		{body: word("bfi.b32 %r9, %r0, %r1, 8, 4"), in: [3]uint32{0xab, 0xffffffff}, want: 0xfffffbff},
		{body: "bfi.b64 %rd9, %rd0, %rd1, 32, 32;", wide: [2]uint64{1, 2}, want: 1<<32 | 2},
		{body: word("prmt.b32 %r9, %r0, %r1, 0x4321"), in: [3]uint32{0x33221100, 0x77665544}, want: 0x44332211},
		{body: word("prmt.b32 %r9, %r0, %r1, 0x0008"), in: [3]uint32{0x33221180, 0}, want: 0x808080ff},
		{body: word("shf.l.wrap.b32 %r9, %r0, %r1, %r2"), in: [3]uint32{0x80000000, 1, 33}, want: 3},
		{body: word("shf.r.clamp.b32 %r9, %r0, %r1, %r2"), in: [3]uint32{7, 9, 40}, want: 9},
		{body: word("popc.b32 %r9, %r0"), in: [3]uint32{0xf0f0}, want: 8},
		{body: word("popc.b64 %r9, %rd0"), wide: [2]uint64{1<<63 | 1}, want: 2},
		{body: word("clz.b32 %r9, %r0"), in: [3]uint32{1}, want: 31},
		{body: word("clz.b64 %r9, %rd0"), wide: [2]uint64{1}, want: 63},
		{body: word("brev.b32 %r9, %r0"), in: [3]uint32{1}, want: 1 << 31},
		{body: word("bfind.u32 %r9, %r0"), in: [3]uint32{0x100}, want: 8},
		{body: word("bfind.s32 %r9, %r0"), in: [3]uint32{0xffffffff}, want: 0xffffffff},
		{body: word("lop3.b32 %r9, %r0, %r1, %r2, 0x96"), in: [3]uint32{5, 3, 8}, want: 14},
		{body: word("shl.b32 %r9, %r0, %r1"), in: [3]uint32{1, 32}, want: 0},
		{body: word("shr.s32 %r9, %r0, %r1"), in: [3]uint32{1 << 31, 40}, want: 0xffffffff},
		{body: word("not.b32 %r9, %r0"), in: [3]uint32{0xf}, want: 0xfffffff0},
		{body: word("mul.hi.s32 %r9, %r0, %r1"), in: [3]uint32{0xffffffff, 2}, want: 0xffffffff},
		{body: "mul.hi.u64 %rd9, %rd0, %rd1;", wide: [2]uint64{1 << 63, 6}, want: 3},
		{body: "mul.hi.s64 %rd9, %rd0, %rd1;", wide: [2]uint64{1<<64 - 1, 6}, want: 1<<64 - 1},
		{body: "mul.wide.s32 %rd9, %r0, %r1;", in: [3]uint32{0xffffffff, 3}, want: 1<<64 - 3},
		{body: "mad.wide.u32 %rd9, %r0, %r1, %rd0;", in: [3]uint32{0xffffffff, 2}, wide: [2]uint64{5}, want: 0x200000003},
		{body: word("mul.wide.s16 %r9, %rs1, %rs2"), want: 0},
		{body: "cvt.u16.u32 %rs1, %r0; cvt.u16.u32 %rs2, %r1; mul.wide.s16 %r9, %rs1, %rs2; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0xffff, 7}, want: 0xfffffff9},
		{body: word("mad.hi.u32 %r9, %r0, %r1, %r2"), in: [3]uint32{1 << 31, 4, 5}, want: 7},
		{body: word("div.s32 %r9, %r0, %r1"), in: [3]uint32{0xfffffff9, 2}, want: 0xfffffffd},
		{body: word("rem.s32 %r9, %r0, %r1"), in: [3]uint32{0xfffffff9, 2}, want: 0xffffffff},
		{body: word("add.sat.s32 %r9, %r0, %r1"), in: [3]uint32{0x7fffffff, 1}, want: 0x7fffffff},
		{body: word("min.s32 %r9, %r0, %r1"), in: [3]uint32{0xffffffff, 1}, want: 0xffffffff},
		{body: word("max.u32 %r9, %r0, %r1"), in: [3]uint32{0xffffffff, 1}, want: 0xffffffff},
		{body: word("abs.s32 %r9, %r0"), in: [3]uint32{0xfffffffb}, want: 5},
		{body: word("sad.u32 %r9, %r0, %r1, %r2"), in: [3]uint32{3, 5, 10}, want: 12},
		{body: word("dp4a.s32.s32 %r9, %r0, %r1, %r2"), in: [3]uint32{0xff020304, 0x01010101, 1}, want: 9},
		{body: "add.cc.u32 %r3, %r0, %r1; addc.u32 %r9, %r2, 0; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0xffffffff, 1, 4}, want: 5},
		{body: "sub.cc.u32 %r3, %r0, %r1; subc.u32 %r9, %r2, 0; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0, 1, 4}, want: 3},
		{body: "mad.lo.cc.u32 %r3, %r0, %r1, %r2; madc.hi.u32 %r9, %r0, %r1, 0; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0xffffffff, 2, 2}, want: 2},
		{body: word("slct.s32.s32 %r9, %r0, %r1, %r2"), in: [3]uint32{1, 2, 0xffffffff}, want: 2},
		{body: word("set.lt.u32.s32 %r9, %r0, %r1"), in: [3]uint32{0xffffffff, 0}, want: 0xffffffff},
		{body: truth("setp.lt.and.u32 %p1|%p2, %r0, %r1, %p3"), in: [3]uint32{1, 2}, want: 0},
		{body: truth("setp.eq.u32 %p3, 1, 1; setp.lt.and.u32 %p2|%p1, %r0, %r1, %p3"), in: [3]uint32{3, 2}, want: 1},
		{body: truth("setp.neu.f32 %p1, %r0, %r1"), in: [3]uint32{nan, 0}, want: 1},
		{body: truth("setp.ne.f32 %p1, %r0, %r1"), in: [3]uint32{nan, 0}, want: 0},
		{body: truth("setp.num.f32 %p1, %r0, %r1"), in: [3]uint32{f(1), f(2)}, want: 1},
		{body: truth("testp.subnormal.f32 %p1, %r0"), in: [3]uint32{1}, want: 1},
		{body: truth("testp.infinite.f32 %p1, %r0"), in: [3]uint32{inf}, want: 1},
		{body: word("min.f32 %r9, %r0, %r1"), in: [3]uint32{nan, f(2)}, want: uint64(f(2))},
		{body: word("max.NaN.f32 %r9, %r0, %r1"), in: [3]uint32{nan, f(2)}, want: 0x7fffffff},
		{body: word("max.f32 %r9, %r0, %r1"), in: [3]uint32{0, 1 << 31}, want: 0},
		{body: word("min.f32 %r9, %r0, %r1"), in: [3]uint32{0, 1 << 31}, want: 1 << 31},
		{body: word("neg.f32 %r9, %r0"), in: [3]uint32{f(2)}, want: uint64(f(-2))},
		{body: word("abs.f32 %r9, %r0"), in: [3]uint32{f(-2)}, want: uint64(f(2))},
		{body: word("copysign.f32 %r9, %r0, %r1"), in: [3]uint32{f(-1), f(3)}, want: uint64(f(-3))},
		{body: word("add.sat.f32 %r9, %r0, %r1"), in: [3]uint32{f(1), f(2)}, want: uint64(f(1))},
		{body: word("add.ftz.f32 %r9, %r0, %r1"), in: [3]uint32{1, 1}, want: 0},
		{body: word("rcp.approx.ftz.f32 %r9, %r0"), in: [3]uint32{0}, want: uint64(inf)},
		{body: word("ex2.approx.f32 %r9, %r0"), in: [3]uint32{f(3)}, want: uint64(f(8))},
		{body: word("lg2.approx.f32 %r9, %r0"), in: [3]uint32{f(8)}, want: uint64(f(3))},
		{body: word("tanh.approx.f32 %r9, %r0"), in: [3]uint32{inf}, want: uint64(f(1))},
		{body: word("sqrt.rn.f32 %r9, %r0"), in: [3]uint32{f(-1)}, want: 0x7fffffff},
		{body: word("cvt.rni.s32.f32 %r9, %r0"), in: [3]uint32{f(2.5)}, want: 2},
		{body: word("cvt.rzi.s32.f32 %r9, %r0"), in: [3]uint32{f(-3e9)}, want: 1 << 31},
		{body: word("cvt.rzi.u32.f32 %r9, %r0"), in: [3]uint32{f(-1)}, want: 0},
		{body: word("cvt.rzi.u32.f32 %r9, %r0"), in: [3]uint32{f(5e9)}, want: 0xffffffff},
		{body: word("cvt.rzi.s32.f32 %r9, %r0"), in: [3]uint32{nan}, want: 0},
		{body: word("cvt.rn.f32.s32 %r9, %r0"), in: [3]uint32{16777217}, want: uint64(f(16777216))},
		{body: word("cvt.rp.f32.u32 %r9, %r0"), in: [3]uint32{16777217}, want: uint64(f(16777218))},
		{body: word("cvt.rn.f32.u64 %r9, %rd0"), wide: [2]uint64{1<<63 | 1<<39 | 1}, want: uint64(f(1<<63 + 1<<40))},
		{body: word("cvt.rna.tf32.f32 %r9, %r0"), in: [3]uint32{0x3f801000}, want: 0x3f802000},
		{body: word("cvt.rn.bf16x2.f32 %r9, %r0, %r1"), in: [3]uint32{f(1), f(-2)}, want: 0x3f80c000},
		{body: word("cvt.rn.f16x2.f32 %r9, %r0, %r1"), in: [3]uint32{f(1), f(-2)}, want: 0x3c00c000},
		{body: word("cvt.rn.f16.f32 %rs1, %r0; cvt.f32.f16 %r9, %rs1"), in: [3]uint32{f(1.0009765625)}, want: uint64(f(1.0009765625))},
		{body: word("cvt.rmi.f32.f32 %r9, %r0"), in: [3]uint32{f(-1.5)}, want: uint64(f(-2))},
		{body: word("cvt.sat.f32.f32 %r9, %r0"), in: [3]uint32{nan}, want: 0},
		{body: word("cvt.sat.u8.s32 %r9, %r0"), in: [3]uint32{300}, want: 255},
		{body: word("cvt.s32.s8 %r9, %r0"), in: [3]uint32{0x80}, want: 0xffffff80},
		{body: word("cvt.u32.u16 %r9, %r0"), in: [3]uint32{0x12345}, want: 0x2345},
		{body: "cvt.s64.s32 %rd9, %r0;", in: [3]uint32{0xffffffff}, want: 1<<64 - 1},
		{body: "cvt.rn.f64.s32 %rd9, %r0;", in: [3]uint32{3}, want: math.Float64bits(3)},
		{body: "mov.b64 %rd9, {%r0, %r1};", in: [3]uint32{1, 2}, want: 2<<32 | 1},
		{body: word("mov.b64 {%r3, %r9}, %rd0"), wide: [2]uint64{7 << 32}, want: 7},
		{body: "mov.b32 {%rs1, %rs2}, %r0; mov.b32 %r9, {%rs2, %rs1}; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0x12345678}, want: 0x56781234},
		{body: word("fma.rn.bf16x2 %r9, %r0, %r1, %r2"), in: [3]uint32{0x3f804000, 0x40004000, 0x3f803f80}, want: 0x404040a0},
		{body: word("add.f16x2 %r9, %r0, %r1"), in: [3]uint32{0x3c003c00, 0x3c004000}, want: 0x40004200},
		{body: "add.f64 %rd9, %rd0, %rd1;", wide: [2]uint64{math.Float64bits(1), math.Float64bits(2)}, want: math.Float64bits(3)},
		{body: word("{ .reg .b32 t; mov.u32 t, 5; add.u32 %r9, t, %r0; }"), in: [3]uint32{1}, want: 6},
		{body: word("mov.u32 %r9, 1; setp.eq.u32 %p1, %r0, 0; @!%p1 bra Z; mov.u32 %r9, 2; Z: add.u32 %r9, %r9, 1"), in: [3]uint32{1}, want: 2},
		{body: word("activemask.b32 %r9"), want: 1},
		{body: truth("setp.lt.u16 %p2, %rs1, 5; setp.gt.s64 %p3, %rd0, %rd1; xor.pred %p1, %p2, %p3"), wide: [2]uint64{1, 1<<64 - 1}, want: 0},
		{body: truth("setp.ls.u64 %p2, %rd0, %rd1; not.pred %p1, %p2"), wide: [2]uint64{1, 1<<64 - 1}, want: 0},
		{body: truth("setp.leu.f64 %p1, %rd0, %rd1"), wide: [2]uint64{math.Float64bits(math.NaN()), 0}, want: 1},
		{body: truth("setp.eq.u32 %p2, %r0, 0; setp.ge.or.s32 %p1, %r0, %r1, %p2"), in: [3]uint32{0, 5}, want: 1},
		{body: "max.f64 %rd9, %rd0, %rd1;", wide: [2]uint64{math.Float64bits(math.NaN()), math.Float64bits(2)}, want: math.Float64bits(2)},
		{body: "fma.rn.f64 %rd9, %rd0, %rd1, %rd1;", wide: [2]uint64{math.Float64bits(3), math.Float64bits(2)}, want: math.Float64bits(8)},
		{body: "div.rn.f64 %rd9, %rd0, %rd1;", wide: [2]uint64{math.Float64bits(3), math.Float64bits(2)}, want: math.Float64bits(1.5)},
		{body: word("min.bf16x2 %r9, %r0, %r1"), in: [3]uint32{0x3f804000, 0x40003f80}, want: 0x3f803f80},
		{body: word("sub.f16x2 %r9, %r0, %r1"), in: [3]uint32{0x40004200, 0x3c003c00}, want: 0x3c004000},
		{body: word("fma.rn.relu.f16x2 %r9, %r0, %r1, %r2"), in: [3]uint32{0x3c003c00, 0xbc003c00, 0}, want: 0x3c00},
		{body: "shr.s64 %rd9, %rd0, %r0;", in: [3]uint32{4}, wide: [2]uint64{1<<64 - 64}, want: 1<<64 - 4},
		{body: "shl.b64 %rd9, %rd0, %r0;", in: [3]uint32{64}, wide: [2]uint64{1}, want: 0},
		{body: "cvt.u16.u32 %rs1, %r0; shr.u16 %rs2, %rs1, 4; not.b16 %rs3, %rs2; cvt.u32.u16 %r9, %rs3; cvt.u64.u32 %rd9, %r9;", in: [3]uint32{0x12345}, want: 0xfdcb},
		{body: "min.u64 %rd9, %rd0, %rd1;", wide: [2]uint64{1, 1<<64 - 1}, want: 1},
		{body: "rem.u64 %rd9, %rd0, %rd1;", wide: [2]uint64{17, 5}, want: 2},
		{body: "add.cc.u64 %rd2, %rd0, %rd1; addc.u64 %rd9, 0, 7;", wide: [2]uint64{1 << 63, 1 << 63}, want: 8},
		{body: word("redux.sync.xor.b32 %r9, %r0, 1"), in: [3]uint32{5}, want: 5},
		{body: word("mul24.lo.u32 %r9, %r0, %r1"), in: [3]uint32{0x1000002, 3}, want: 6},
		{body: word("cnot.b32 %r9, %r0"), want: 1},
		{body: word("mov.u32 %r9, %lanemask_lt"), want: 0},
		{body: word("redux.sync.add.s32 %r9, %r0, 1"), in: [3]uint32{5}, want: 5},
		{body: word("match.any.sync.b32 %r9, %r0, 1"), want: 1},
	}
	for _, tt := range tests {
		if got := runBody(t, tt.body, tt.in, tt.wide); got != tt.want {
			t.Errorf("%s of %s: want %#x, got %#x", tt.body, fmt.Sprintf("%#x %#x", tt.in, tt.wide), tt.want, got)
		}
	}
}

// TestShuffleModes checks the lanes of every mode against the manual's
// description for a warp cut in two segments.
func TestShuffleModes(t *testing.T) {
	const half = 16<<8 | 31 // segments of 16 lanes
	for _, tt := range []struct {
		mode string
		b, c int
		from func(l int) int
	}{
		{mode: "up", b: 3, c: 16 << 8, from: func(l int) int {
			if l%16 >= 3 {
				return l - 3
			}
			return l
		}},
		{mode: "down", b: 3, c: half, from: func(l int) int {
			if l%16+3 < 16 {
				return l + 3
			}
			return l
		}},
		{mode: "bfly", b: 5, c: half, from: func(l int) int { return l ^ 5 }},
		{mode: "idx", b: 18, c: half, from: func(l int) int { return l&16 | 2 }},
	} {
		ptx := fmt.Sprintf(`.version 7.8
.target sm_80
.address_size 64
.visible .entry k(.param .u64 out)
{
.reg .b32 %%r<4>;
.reg .b64 %%rd<4>;
ld.param.u64 %%rd1, [out];
mov.u32 %%r1, %%tid.x;
shfl.sync.%s.b32 %%r2, %%r1, %d, %d, 0xffffffff;
mad.wide.u32 %%rd2, %%r1, 4, %%rd1;
st.global.u32 [%%rd2], %%r2;
ret;
}
`, tt.mode, tt.b, tt.c)
		d := open(t, ptxsim.Options{}, "")
		var err error
		d.mod, err = d.LoadModule([]byte(ptx))
		d.must(err)
		out := d.alloc(32)
		d.must(d.run("k", 1, 32, 0, driver.Ptr(out)))
		for l, v := range down[uint32](d, out, 32) {
			if int(v) != tt.from(l) {
				t.Errorf("%s: lane %d: want lane %d, got %d", tt.mode, l, tt.from(l), v)
			}
		}
	}
}
