package ptxsim

import "encoding/binary"

// matrix decodes mma.sync and ldmatrix.
func (d *decoder) matrix(in *instr) exec {
	if in.parts[0] == "ldmatrix" {
		return d.loadMatrix(in)
	}
	shape, types := "", ""
	for _, p := range in.parts[1:] {
		switch p {
		case "sync", "aligned", "row", "col":
		default:
			if shape == "" {
				shape = p
			} else {
				types += "." + p
			}
		}
	}
	var f fragment
	switch shape + types {
	case "m16n8k4.f32.tf32.tf32.f32":
		f = fragment{k: 4, width: 1}
	case "m16n8k8.f32.tf32.tf32.f32":
		f = fragment{k: 8, width: 1}
	case "m16n8k8.f32.bf16.bf16.f32":
		f = fragment{k: 8, width: 2, half: bf16ToFloat}
	case "m16n8k16.f32.bf16.bf16.f32":
		f = fragment{k: 16, width: 2, half: bf16ToFloat}
	case "m16n8k8.f32.f16.f16.f32":
		f = fragment{k: 8, width: 2, half: halfToFloat}
	case "m16n8k16.f32.f16.f16.f32":
		f = fragment{k: 16, width: 2, half: halfToFloat}
	default:
		d.fail(in, "this shape or type is not simulated")
	}
	return d.mma(in, f)
}

// fragment says how the operands of mma lie in registers (PTX ISA, "Matrix
// Fragments for mma.m16n8k8" and k16): width elements a register, k of them
// along the sum.
type fragment struct {
	k, width int
	half     func(uint16) float32 // 16-bit elements; nil for tf32
}

// element returns one element of a register.
func (f *fragment) element(r uint32, i int) float32 {
	if f.half == nil {
		return f32(r & 0xffffe000) // the hardware reads 19 bits of a tf32
	}
	return f.half(uint16(r >> (16 * i)))
}

// mma decodes D = A·B + C with A (16,k) by rows, B (k,8) by columns, C and D
// (16,8). The products are exact and their sum, with C, is rounded once; the
// hardware rounds more often.
func (d *decoder) mma(in *instr, f fragment) exec {
	regs := func(i int, write bool) []int {
		var r []int
		o := d.arg(in, i)
		if o.kind != opVec {
			o.vec = []operand{o}
		}
		for _, e := range o.vec {
			if write {
				r = append(r, d.dst(in, e, false).off)
			} else {
				r = append(r, d.operand(in, e, false).off)
			}
		}
		return r
	}
	D, A, B, C := regs(0, true), regs(1, false), regs(2, false), regs(3, false)
	// A has 16·k elements in 32 lanes, B 8·k.
	if len(D) != 4 || len(C) != 4 || len(A) != f.k/2/f.width || len(B) != f.k/4/f.width {
		d.fail(in, "wrong number of registers")
	}
	return func(w *warp, m uint32) {
		if m != full {
			w.fail(lane(^m), WarpDivergence, "mma needs all lanes, here are %#08x", m)
		}
		var a [16][16]float64
		var b [8][16]float64 // by columns
		for l := range warpSize {
			g, t := l>>2, l&3
			for i, r := range A {
				for e := range f.width {
					a[g+8*(i&1)][f.column(t, i>>1, e)] = float64(f.element(w.r32[r+l], e))
				}
			}
			for i, r := range B {
				for e := range f.width {
					b[g][f.column(t, i, e)] = float64(f.element(w.r32[r+l], e))
				}
			}
		}
		for l := range warpSize {
			g, t := l>>2, l&3
			var out [4]uint32
			for i, r := range C {
				row, col := g+8*(i>>1), 2*t+i&1
				s := 0.0
				for k := range f.k {
					s += a[row][k] * b[col][k]
				}
				out[i] = b32(float32(s + float64(f32(w.r32[r+l]))))
			}
			for i, r := range D {
				w.r32[r+l] = out[i]
			}
		}
	}
}

// column returns the place along k of element e of a lane's register, where t
// is the lane in its group of four and block the register along k.
func (f *fragment) column(t, block, e int) int {
	return f.width*t + e + 4*f.width*block
}

// loadMatrix decodes ldmatrix.sync.aligned.m8n8.x{1,2,4}[.trans].shared.b16:
// 8x8 matrices of 16-bit elements, whose rows' addresses come from lanes 0 to
// 7, 8 to 15 and so on.
func (d *decoder) loadMatrix(in *instr) exec {
	o := d.arg(in, 0)
	if o.kind != opVec {
		o.vec = []operand{o}
	}
	var dst []int
	for _, e := range o.vec {
		dst = append(dst, d.dst(in, e, false).off)
	}
	addr := d.address(in, d.arg(in, 1))
	trans := in.has("trans")
	if !in.has("m8n8") || !in.has("b16") {
		d.fail(in, "only m8n8 of b16 is known")
	}
	return func(w *warp, m uint32) {
		if m != full {
			w.fail(lane(^m), WarpDivergence, "ldmatrix needs all lanes, here are %#08x", m)
		}
		addr.fill(w, m)
		for i, r := range dst {
			var rows [8][16]byte
			for row := range rows {
				rows[row] = w.matrixRow(8*i + row)
			}
			for l := range warpSize {
				w.r32[r+l] = matrixPair(&rows, l, trans)
			}
		}
	}
}

// matrixRow reads the 16 bytes at a lane's address.
func (w *warp) matrixRow(l int) (row [16]byte) {
	sh := &w.blk.sh
	p := w.ea[l]
	if p-sharedWindow < windowSize {
		p -= sharedWindow
	}
	if p > uint64(len(sh.data)-16) || len(sh.data) < 16 {
		w.fail(l, OutOfBounds, "ldmatrix reads shared memory at %d, of %d bytes in all", int64(p), len(sh.data))
	}
	w.aligned(l, p, 16, "read")
	w.sharedRead(l, uint(p)>>sh.shift, 16>>sh.shift, w.sharedKeys(), w.blk.launch.races)
	copy(row[:], sh.data[p:])
	return row
}

// matrixPair returns the two elements that a lane gets.
func matrixPair(rows *[8][16]byte, l int, trans bool) uint32 {
	g, t := l>>2, l&3
	if !trans {
		return binary.LittleEndian.Uint32(rows[g][4*t:])
	}
	lo := binary.LittleEndian.Uint16(rows[2*t][2*g:])
	hi := binary.LittleEndian.Uint16(rows[2*t+1][2*g:])
	return uint32(lo) | uint32(hi)<<16
}
