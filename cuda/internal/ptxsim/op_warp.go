package ptxsim

// warpOp decodes operations between the lanes of a warp.
func (d *decoder) warpOp(in *instr) exec {
	switch in.parts[0] {
	case "activemask":
		dst := d.dst(in, in.args[0], false).off
		return func(w *warp, m uint32) {
			for q := m; q != 0; q &= q - 1 {
				w.r32[dst+lane(q)] = m
			}
		}
	case "shfl":
		return d.shuffle(in)
	case "vote":
		return d.vote(in)
	case "match":
		return d.match(in)
	case "redux":
		return d.redux(in)
	}
	d.fail(in, "unknown instruction")
	return nil
}

// shuffle decodes shfl.sync.mode.b32 d[|p], a, b, c, mask. Operand c holds
// the segment mask in bits 8 to 12 and the clamp in bits 0 to 4.
func (d *decoder) shuffle(in *instr) exec {
	if in.parts[1] != "sync" {
		d.fail(in, "only the .sync form is known")
	}
	mode := in.parts[2]
	switch mode {
	case "up", "down", "bfly", "idx":
	default:
		d.fail(in, "unknown mode")
	}
	dst, p := d.dst(in, in.args[0], false).off, -1
	if in.args[0].dual != nil {
		p = d.pred(in, *in.args[0].dual)
	}
	a, b, c, member := d.src32(in, 1), d.src32(in, 2), d.src32(in, 3), d.src32(in, 4)
	return func(w *warp, m uint32) {
		w.checkMask(m, w.r32[member+lane(m)])
		from := *w.lanes32(a)
		ok := uint32(0)
		for q := m; q != 0; q &= q - 1 {
			l := lane(q)
			j, in := shuffleLane(mode, l, int(w.r32[b+l]&31), int(w.r32[c+l]))
			if !in {
				j = l
			} else {
				ok |= 1 << l
			}
			if m>>j&1 == 0 {
				w.fail(l, WarpDivergence, "shuffle reads lane %d, which is not here (lanes %#08x)", j, m)
			}
			w.r32[dst+l] = from[j]
		}
		if p >= 0 {
			w.setPred(p, m, ok)
		}
	}
}

// shuffleLane returns the lane that l reads, and whether it is in range.
func shuffleLane(mode string, l, b, c int) (int, bool) {
	seg := c >> 8 & 31
	clamp := c & 31
	maxLane := l&seg | clamp&^seg
	minLane := l & seg
	switch mode {
	case "up":
		return l - b, l-b >= maxLane
	case "down":
		return l + b, l+b <= maxLane
	case "bfly":
		return l ^ b, l^b <= maxLane
	}
	j := minLane | b&^seg
	return j, j <= maxLane
}

// vote decodes vote.sync.{all,any,uni,ballot}.
func (d *decoder) vote(in *instr) exec {
	if in.parts[1] != "sync" {
		d.fail(in, "only the .sync form is known")
	}
	p, member := d.predSrc(in, 1), d.src32(in, 2)
	votes := func(w *warp, m uint32) uint32 {
		w.checkMask(m, w.r32[member+lane(m)])
		return w.bits(p) & m
	}
	if in.parts[2] == "ballot" {
		dst := d.dst(in, in.args[0], false).off
		return func(w *warp, m uint32) {
			v := votes(w, m)
			for ; m != 0; m &= m - 1 {
				w.r32[dst+lane(m)] = v
			}
		}
	}
	var f func(v, m uint32) bool
	switch in.parts[2] {
	case "all":
		f = func(v, m uint32) bool { return v == m }
	case "any":
		f = func(v, _ uint32) bool { return v != 0 }
	case "uni":
		f = func(v, m uint32) bool { return v == m || v == 0 }
	default:
		d.fail(in, "unknown vote")
	}
	dst := d.pred(in, in.args[0])
	return func(w *warp, m uint32) {
		truth := uint32(0)
		if f(votes(w, m), m) {
			truth = full
		}
		w.setPred(dst, m, truth)
	}
}

// match decodes match.any.sync: the lanes that hold the same value.
func (d *decoder) match(in *instr) exec {
	if in.parts[1] != "any" {
		d.fail(in, "only match.any is simulated")
	}
	dst, member := d.dst(in, in.args[0], false).off, d.src32(in, 2)
	a := d.operand(in, d.arg(in, 1), typeSize(in.typ()) == 8)
	return func(w *warp, m uint32) {
		w.checkMask(m, w.r32[member+lane(m)])
		for q := m; q != 0; q &= q - 1 {
			l := lane(q)
			v := uint32(0)
			for o := m; o != 0; o &= o - 1 {
				if w.get(a, lane(o)) == w.get(a, l) {
					v |= 1 << lane(o)
				}
			}
			w.r32[dst+l] = v
		}
	}
}

// redux decodes redux.sync: a reduction of integers over the lanes.
func (d *decoder) redux(in *instr) exec {
	t := in.typ()
	var f func(x, y uint64) uint64
	switch in.parts[2] {
	case "and":
		f = func(x, y uint64) uint64 { return x & y }
	case "or":
		f = func(x, y uint64) uint64 { return x | y }
	case "xor":
		f = func(x, y uint64) uint64 { return x ^ y }
	default:
		g := d.integerFunc(&instr{op: in.op, parts: []string{in.parts[2]}, line: in.line, src: in.src}, t[0] == 's', 4)
		f = func(x, y uint64) uint64 { return g(extend(x, t[0] == 's', 4), extend(y, t[0] == 's', 4), 0) }
	}
	dst, a, member := d.dst(in, in.args[0], false).off, d.src32(in, 1), d.src32(in, 2)
	return func(w *warp, m uint32) {
		w.checkMask(m, w.r32[member+lane(m)])
		acc := uint64(w.r32[a+lane(m)])
		for q := m & (m - 1); q != 0; q &= q - 1 {
			acc = f(acc, uint64(w.r32[a+lane(q)]))
		}
		for ; m != 0; m &= m - 1 {
			w.r32[dst+lane(m)] = uint32(acc)
		}
	}
}
