package ptxsim

import "math/bits"

// barrierArrival is a warp's wait at a barrier.
type barrierArrival struct {
	id    int
	count int // threads; 0 for the whole block
	pc    int32
	mask  uint32
	votes uint32 // of bar.red: the lanes whose predicate holds
	done  func(w *warp, m uint32, votes, threads int)
}

// barrier decodes bar.sync, bar.arrive, bar.red and bar.warp.sync.
func (d *decoder) barrier(ast *instr, in *inst) {
	parts := ast.parts[1:]
	for len(parts) > 0 && (parts[0] == "cta" || parts[0] == "aligned") {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		d.fail(ast, "unknown barrier")
	}
	switch parts[0] {
	case "warp":
		in.run = d.warpSync(ast)
	case "sync":
		in.kind = kindBarrier
		in.run = d.blockSync(ast, 0, nil)
	case "arrive":
		in.run = d.arrive(ast)
	case "red":
		in.kind = kindBarrier
		in.run = d.barrierReduce(ast, parts)
	default:
		d.fail(ast, "unknown barrier")
	}
}

// warpSync orders the memory accesses of the lanes.
func (d *decoder) warpSync(ast *instr) exec {
	mask := d.src32(ast, 0)
	return func(w *warp, m uint32) {
		w.checkMask(m, w.r32[mask+lane(m)])
		w.wep++
	}
}

// checkMask fails unless exactly the live lanes of a member mask are here.
func (w *warp) checkMask(m, member uint32) {
	if member&w.live != m&member || m&^member != 0 {
		w.fail(lane(m), WarpDivergence, "lanes %#08x are here, the mask names %#08x of the live lanes %#08x", m, member, w.live)
	}
}

// blockSync waits at barrier operand at, for the threads of the next operand.
func (d *decoder) blockSync(ast *instr, at int, done func(w *warp, m uint32, votes, threads int)) exec {
	id, count := d.src32(ast, at), -1
	if at+1 < len(ast.args) {
		count = d.src32(ast, at+1)
	}
	return func(w *warp, m uint32) {
		l := lane(m)
		whole := w.whole()
		if m != whole {
			w.fail(lane(whole&^m), DivergentBarrier, "the lanes %#08x of warp %d are at the barrier, its lanes %#08x are not", m, w.id, whole&^m)
		}
		w.waiting = true
		w.bar = barrierArrival{id: int(w.r32[id+l]) & 15, pc: w.pc, mask: m, done: done}
		if count >= 0 {
			w.bar.count = int(w.r32[count+l])
		}
	}
}

// whole returns the lanes that the warp started with.
func (w *warp) whole() uint32 {
	d := w.blk.launch.cfg.Block
	if n := int(d.X*d.Y*d.Z) - w.first; n < warpSize {
		return 1<<n - 1
	}
	return full
}

// arrive counts the warp at a named barrier without waiting.
func (d *decoder) arrive(ast *instr) exec {
	id := d.src32(ast, 0)
	return func(w *warp, m uint32) {
		w.blk.arrived[w.r32[id+lane(m)]&15] += bits.OnesCount32(m)
	}
}

// barrierReduce decodes bar.red.{popc,and,or}: the count or truth of a
// predicate over the block.
func (d *decoder) barrierReduce(ast *instr, parts []string) exec {
	op := parts[1]
	last := len(ast.args) - 1
	p := d.predSrc(ast, last)
	short := *ast
	short.args = ast.args[:last]
	var done func(w *warp, m uint32, votes, threads int)
	switch op {
	case "popc":
		dst := d.dst(ast, ast.args[0], false).off
		done = func(w *warp, m uint32, votes, _ int) {
			for ; m != 0; m &= m - 1 {
				w.r32[dst+lane(m)] = uint32(votes)
			}
		}
	case "and", "or":
		dst := d.pred(ast, ast.args[0])
		done = func(w *warp, m uint32, votes, threads int) {
			truth := uint32(0)
			if op == "and" && votes == threads || op == "or" && votes > 0 {
				truth = full
			}
			w.setPred(dst, m, truth)
		}
	default:
		d.fail(ast, "unknown reduction")
	}
	wait := d.blockSync(&short, 1, done)
	return func(w *warp, m uint32) {
		wait(w, m)
		w.bar.votes = w.bits(p) & m
	}
}

// release lets the warps of a barrier go that all have come to. progress says
// whether any warp ran since the last call; without it there must be one to
// release, or the block hangs.
func (b *block) release(progress bool) {
	released := false
	for _, w := range b.warps {
		if w.waiting && b.complete(w) {
			b.open(w.bar.id)
			released = true
		}
	}
	if !released && !progress {
		b.hang()
	}
}

// complete reports whether everyone came to the barrier where w waits.
func (b *block) complete(w *warp) bool {
	here := b.arrived[w.bar.id]
	for _, o := range b.warps {
		if o.waiting && o.bar.id == w.bar.id {
			here += bits.OnesCount32(o.bar.mask)
			if w.bar.count == 0 && o.bar.pc != w.bar.pc {
				o.pc = o.bar.pc
				o.fail(lane(o.bar.mask), DivergentBarrier, "warp %d waits here, warp %d at the barrier at %s", o.id, w.id, b.k.place(w.bar.pc))
			}
		}
	}
	want := w.bar.count
	if want == 0 {
		d := b.launch.cfg.Block
		want = int(d.X * d.Y * d.Z)
	}
	return here >= want
}

// open releases every warp at a barrier and begins a new epoch.
func (b *block) open(id int) {
	votes, threads := 0, 0
	for _, w := range b.warps {
		if w.waiting && w.bar.id == id {
			votes += bits.OnesCount32(w.bar.votes)
			threads += bits.OnesCount32(w.bar.mask)
		}
	}
	for _, w := range b.warps {
		if w.waiting && w.bar.id == id {
			w.waiting = false
			if w.bar.done != nil {
				w.bar.done(w, w.bar.mask, votes, threads)
			}
		}
	}
	b.arrived[id] = 0
	b.barriers++
	b.sh.epoch++
}

// hang fails the block whose warps all wait or have ended.
func (b *block) hang() {
	for _, w := range b.warps {
		if !w.waiting {
			continue
		}
		w.pc = w.bar.pc
		for _, o := range b.warps {
			if o.live == 0 {
				w.fail(lane(w.bar.mask), DivergentBarrier, "warp %d waits at barrier %d, warp %d has ended without it", w.id, w.bar.id, o.id)
			}
		}
		w.fail(lane(w.bar.mask), DivergentBarrier, "warp %d waits at barrier %d, to which not all threads come", w.id, w.bar.id)
	}
}
