package ptxsim

import "math/bits"

// warpSize is the number of lanes of a warp.
const warpSize = 32

// full is the mask of all lanes.
const full = ^uint32(0)

// exec executes an instruction for the lanes of a mask that is not zero.
type exec func(w *warp, m uint32)

// instKind says what the warp's loop does with an instruction.
type instKind uint8

const (
	kindPlain   instKind = iota // run exec
	kindBranch                  // go to target
	kindExit                    // the lanes end
	kindBarrier                 // run exec, then wait at barrier
)

// inst is a decoded instruction.
type inst struct {
	run    exec
	pred   int32 // index of the guard, or -1
	not    bool
	kind   instKind
	target int32
	join   int32
	ast    *instr
}

// entry is an entry of the reconvergence stack: the lanes of mask run from pc
// until they come to join.
type entry struct {
	pc, join int32
	mask     uint32
}

// warp is the state of 32 lanes. Registers are banks of 32 lanes each.
type warp struct {
	r32   []uint32
	r64   []uint64
	p     []uint32 // predicates: a bit a lane
	stack []entry
	pc    int32 // of the running instruction
	live  uint32
	id    int
	first int // linear number of lane 0's thread
	blk   *block

	waiting  bool // at the barrier below
	bar      barrierArrival
	wep      uint64 // counts bar.warp.sync
	local    []byte
	localSet []byte // 1 where local was written
	ea       [warpSize]uint64
	async    asyncState
}

// lanes32 is register bank off of the warp.
func (w *warp) lanes32(off int) *[warpSize]uint32 { return (*[warpSize]uint32)(w.r32[off:]) }

// lanes64 is wide register bank off of the warp.
func (w *warp) lanes64(off int) *[warpSize]uint64 { return (*[warpSize]uint64)(w.r64[off:]) }

// quantum is how many instructions a warp runs before the block's other warps
// get a turn, so that a warp may wait for another's store.
const quantum = 1 << 16

// run executes until every lane has ended, the warp waits at a barrier, or
// its quantum is used up.
func (w *warp) run(code []inst) {
	if len(w.stack) == 0 {
		return
	}
	top := w.stack[len(w.stack)-1]
	steps := 0
	for {
		if top.pc == top.join || top.mask&w.live == 0 {
			w.stack = w.stack[:len(w.stack)-1]
			if len(w.stack) == 0 {
				break
			}
			top = w.stack[len(w.stack)-1]
			continue
		}
		if steps++; steps > quantum {
			w.stack[len(w.stack)-1] = top
			break
		}
		in := &code[top.pc]
		w.pc = top.pc
		m := top.mask & w.live
		e := m
		if in.pred >= 0 {
			p := w.p[in.pred]
			if in.not {
				p = ^p
			}
			e &= p
		}
		switch in.kind {
		case kindPlain:
			if e != 0 {
				in.run(w, e)
			}
			top.pc++
		case kindBranch:
			top = w.branch(in, top, m, e)
		case kindExit:
			w.live &^= e
			top.pc++
		case kindBarrier:
			top.pc++
			if e != 0 {
				in.run(w, e)
				w.stack[len(w.stack)-1] = top
				w.blk.steps += steps
				return
			}
		}
	}
	w.blk.steps += steps
}

// branch moves the lanes e of m to in.target. Where the lanes part, both ways
// go onto the stack, above the lanes' common way from the join on.
func (w *warp) branch(in *inst, top entry, m, e uint32) entry {
	switch e {
	case m:
		top.pc = in.target
		return top
	case 0:
		top.pc++
		return top
	}
	next := top.pc + 1
	w.stack = w.stack[:len(w.stack)-1]
	join := in.join
	switch join {
	case noJoin: // they meet where the branch around them does
		join = top.join
	case top.join: // that entry is on the stack already
	default:
		w.stack = append(w.stack, entry{pc: join, join: top.join, mask: m})
	}
	if next != join {
		w.stack = append(w.stack, entry{pc: next, join: join, mask: m &^ e})
	}
	if in.target != join {
		w.stack = append(w.stack, entry{pc: in.target, join: join, mask: e})
	}
	return w.stack[len(w.stack)-1]
}

// lane returns the lowest lane of a mask.
func lane(m uint32) int { return bits.TrailingZeros32(m) & (warpSize - 1) }
