package ptxsim

// atomic decodes atom and red.
func (d *decoder) atomic(in *instr) exec {
	red := in.parts[0] == "red"
	dst, at := src{}, 1
	wide := typeSize(in.typ()) == 8
	if red {
		at = 0
	} else {
		dst = d.dst(in, in.args[0], wide)
	}
	f := d.atomicFunc(in)
	addr := d.address(in, d.arg(in, at))
	b := d.operand(in, d.arg(in, at+1), wide)
	c := b
	if len(in.args) > at+2 {
		c = d.operand(in, in.args[at+2], wide)
	}
	size := typeSize(in.typ())
	space := d.space(in, in.args[at])
	d.k.memOps++
	return func(w *warp, m uint32) {
		addr.fill(w, m)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			mem := w.atomicTarget(l, space, size)
			old := getUint(mem)
			putUint(mem, f(old, w.get(b, l), w.get(c, l)))
			if !red {
				w.set(dst, l, old)
			}
		}
	}
}

// atomicTarget returns the memory of a lane's atomic operation. Blocks of a
// kernel with atomics on global memory run one after the other, so a plain
// read and write is atomic.
func (w *warp) atomicTarget(l int, space string, size int) []byte {
	p := w.ea[l]
	w.aligned(l, p, size, "atomic")
	if space == "" && p-sharedWindow < windowSize {
		space, p = "shared", p-sharedWindow
	}
	if space == "shared" {
		sh := &w.blk.sh
		if p > uint64(len(sh.data)-size) || len(sh.data) < size {
			w.fail(l, OutOfBounds, "atomic on %d bytes of shared memory at %d, of %d bytes in all", size, int64(p), len(sh.data))
		}
		for g := p >> sh.shift; g <= (p+uint64(size)-1)>>sh.shift; g++ {
			if old := sh.w[g]; old < sh.begin || old >= pendingCell {
				w.sharedReadSlow(l, uint(g), old, 0, false)
			}
		}
		return sh.data[p:][:size]
	}
	al := w.locate(l, p, size, "atomic")
	off := p - al.base
	if al.readOnly {
		w.fail(l, ReadOnlyWrite, "atomic at %#x", p)
	}
	if al.set != nil {
		(&access{}).initialized(w, l, al, off, uint64(size))
	}
	return al.data[off:][:size]
}

// atomicFunc returns what becomes of an old value.
func (d *decoder) atomicFunc(in *instr) func(old, b, c uint64) uint64 {
	t := in.typ()
	op := ""
	for _, p := range in.parts[1 : len(in.parts)-1] {
		switch p {
		case "add", "min", "max", "inc", "dec", "exch", "cas", "and", "or", "xor":
			op = p
		}
	}
	switch op {
	case "exch":
		return func(_, b, _ uint64) uint64 { return b }
	case "cas":
		return func(old, b, c uint64) uint64 {
			if extend(old, false, typeSize(t)) == extend(b, false, typeSize(t)) {
				return c
			}
			return old
		}
	case "and":
		return func(old, b, _ uint64) uint64 { return old & b }
	case "or":
		return func(old, b, _ uint64) uint64 { return old | b }
	case "xor":
		return func(old, b, _ uint64) uint64 { return old ^ b }
	case "inc":
		return func(old, b, _ uint64) uint64 {
			if old >= b {
				return 0
			}
			return old + 1
		}
	case "dec":
		return func(old, b, _ uint64) uint64 {
			if old == 0 || old > b {
				return b
			}
			return old - 1
		}
	case "add":
		if isFloat(t) {
			return d.atomicFloatAdd(in, t)
		}
		return func(old, b, _ uint64) uint64 { return old + b }
	case "min", "max":
		if isFloat(t) {
			break
		}
		f := d.integerFunc(&instr{op: in.op, parts: []string{op}, line: in.line, src: in.src}, t[0] == 's', typeSize(t))
		return func(old, b, _ uint64) uint64 {
			return f(extend(old, t[0] == 's', typeSize(t)), extend(b, t[0] == 's', typeSize(t)), 0)
		}
	}
	d.fail(in, "unknown atomic operation")
	return nil
}

func (d *decoder) atomicFloatAdd(in *instr, t string) func(old, b, c uint64) uint64 {
	widen, round := toDouble(t), fromDouble(t, toNearest)
	if t == "f16x2" || t == "bf16x2" {
		d.fail(in, "pairs are not simulated")
	}
	return func(old, b, _ uint64) uint64 { return round(addOdd2(widen(old), widen(b), t)) }
}

// addOdd2 adds doubles plainly, and narrower floats so that one rounding
// follows.
func addOdd2(a, b float64, t string) float64 {
	if t == "f64" {
		return a + b
	}
	return addOdd(a, b)
}
