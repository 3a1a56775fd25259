package ptxsim

import (
	"fmt"
	"sync/atomic"
)

// Who accessed a cell is a key of 64 bits:
//
//	shared memory:  epoch 43 | wep 10 | who 11
//	global memory:  block 26 | epoch 17 | wep 10 | who 11
//
// who is the linear thread number, or one of a warp's threads (manyInWarp +
// warp), or several warps' (manyWarps, with wep 0). epoch counts the block's
// barriers; for shared memory it runs on from block to block, so that cells
// of an earlier block are simply old. block runs on from launch to launch. wep
// counts the warp's bar.warp.sync. Two accesses of one cell by different
// threads, one a write, race unless their epochs differ in one block, or they
// are of one warp and their weps differ. Atomics and .volatile, .relaxed,
// .acquire, .release accesses are left out.
const (
	whoBits    = 11
	wepBits    = 10
	epochBits  = 17
	blockBits  = 26
	manyInWarp = 1024
	manyWarps  = 1<<whoBits - 1
	wepShift   = whoBits
	epochShift = whoBits + wepBits
	blockShift = epochShift + epochBits
	whoMask    = 1<<whoBits - 1
	wepMask    = 1<<wepBits - 1

	// guardCell marks bytes between shared variables; pendingCell, with who,
	// bytes that a cp.async is writing.
	guardCell   = ^uint64(0)
	pendingCell = guardCell &^ whoMask
)

// sharedMemory is a block's shared memory and its cells.
type sharedMemory struct {
	data  []byte
	w, r  []uint64
	pcs   []int32 // of the last write of each cell
	shift uint    // log2 of the bytes a cell covers
	begin uint64  // key of the block's first epoch
	epoch uint64  // of the barrier interval, counted over all blocks
}

// warpKeys are the keys of a warp's accesses in the running interval.
type warpKeys struct{ thread, warp, many uint64 }

// sharedKeys returns the keys for shared memory; a lane's own key is thread
// plus its lane.
func (w *warp) sharedKeys() warpKeys {
	e := w.blk.sh.epoch << epochShift
	we := (w.wep & wepMask) << wepShift
	return warpKeys{thread: e | we | uint64(w.first), warp: e | we | uint64(manyInWarp+w.id), many: e | manyWarps}
}

// globalKeys returns the keys for global memory.
func (w *warp) globalKeys() warpKeys {
	e := w.blk.seq<<blockShift | (w.blk.barriers&(1<<epochBits-1))<<epochShift
	we := (w.wep & wepMask) << wepShift
	return warpKeys{thread: e | we | uint64(w.first), warp: e | we | uint64(manyInWarp+w.id), many: e | manyWarps}
}

// warpOf returns the warp of a key's who; -1 for several.
func warpOf(key uint64) int {
	who := int(key & whoMask)
	switch {
	case who < manyInWarp:
		return who / warpSize
	case who == manyWarps:
		return -1
	}
	return who - manyInWarp
}

// ordered reports whether an access with key old, of the same block and
// epoch, is ordered before one of thread me of warp w.
func (w *warp) ordered(old, me uint64) bool {
	if old&whoMask == me&whoMask {
		return true
	}
	return warpOf(old) == w.id && (old^me)>>wepShift&wepMask != 0
}

// merge returns the key of the readers of a cell when a lane joins those of
// old, which read in the same epoch.
func (w *warp) merge(old, me uint64, k warpKeys) uint64 {
	switch {
	case old&whoMask == me&whoMask:
		return me
	case warpOf(old) != w.id:
		return k.many
	case (old^me)>>wepShift&wepMask != 0:
		return me
	}
	return k.warp
}

// sharedRead checks and notes a lane's read of n cells from g on.
func (w *warp) sharedRead(l int, g, n uint, k warpKeys, races bool) {
	sh := &w.blk.sh
	me := k.thread + uint64(l)
	cur := sh.epoch << epochShift
	for ; n > 0; n-- {
		if old := sh.w[g]; old-sh.begin >= cur-sh.begin {
			w.sharedReadSlow(l, g, old, me, races)
		}
		if races {
			if old := sh.r[g]; old != k.warp && old != k.many && old != me {
				if old>>epochShift == sh.epoch {
					sh.r[g] = w.merge(old, me, k)
				} else {
					sh.r[g] = me
				}
			}
		}
		g++
	}
}

// sharedReadSlow judges a read of a cell that was not simply written before
// the last barrier.
func (w *warp) sharedReadSlow(l int, g uint, old, me uint64, races bool) {
	sh := &w.blk.sh
	switch {
	case old == guardCell:
		w.fail(l, OutOfBounds, "read of shared memory %s", w.blk.k.where(g<<sh.shift))
	case old < sh.begin:
		w.fail(l, Uninitialized, "shared memory %s was never written by this block", w.blk.k.where(g<<sh.shift))
	case old >= pendingCell:
		w.fail(l, AsyncCopy, "read of shared memory %s, which %s is still copying to from %s", w.blk.k.where(g<<sh.shift), w.blk.threadName(int(old&whoMask)), w.blk.k.place(sh.pcs[g]))
	case races && !w.ordered(old, me):
		w.fail(l, SharedRace, "read %s with no barrier since the write by %s at %s", w.blk.k.where(g<<sh.shift), w.blk.threadName(int(old&whoMask)), w.blk.k.place(sh.pcs[g]))
	}
}

// sharedWrite checks and notes a lane's write of n cells from g on.
func (w *warp) sharedWrite(l int, g, n uint, k warpKeys, races bool) {
	sh := &w.blk.sh
	me := k.thread + uint64(l)
	for ; n > 0; n-- {
		if old := sh.w[g]; old>>epochShift >= sh.epoch {
			w.sharedWriteSlow(l, g, old, me, races)
		}
		if old := sh.r[g]; races && old>>epochShift == sh.epoch && !w.ordered(old, me) {
			w.fail(l, SharedRace, "write %s with no barrier since the read by %s", w.blk.k.where(g<<sh.shift), w.readers(old))
		}
		sh.w[g] = me
		sh.pcs[g] = w.pc
		g++
	}
}

func (w *warp) sharedWriteSlow(l int, g uint, old, me uint64, races bool) {
	sh := &w.blk.sh
	switch {
	case old == guardCell:
		w.fail(l, OutOfBounds, "write to shared memory %s", w.blk.k.where(g<<sh.shift))
	case old >= pendingCell:
		w.fail(l, AsyncCopy, "write to shared memory %s, which %s is still copying to from %s", w.blk.k.where(g<<sh.shift), w.blk.threadName(int(old&whoMask)), w.blk.k.place(sh.pcs[g]))
	case races && !w.ordered(old, me):
		w.fail(l, SharedRace, "write %s with no barrier since the write by %s at %s", w.blk.k.where(g<<sh.shift), w.blk.threadName(int(old&whoMask)), w.blk.k.place(sh.pcs[g]))
	}
}

// readers names who of a key.
func (w *warp) readers(key uint64) string {
	who := int(key & whoMask)
	switch {
	case who < manyInWarp:
		return w.blk.threadName(who)
	case who == manyWarps:
		return "several warps"
	}
	return fmt.Sprintf("several threads of warp %d", who-manyInWarp)
}

// globalRead notes a lane's read of n cells and finds writes that race with
// it. A reader notes itself before it looks for writers, and a writer before
// it looks for readers, so of two blocks on two goroutines one sees the other,
// and stops before it touches the memory.
func (w *warp) globalRead(l int, c *raceCells, g, n uint, k warpKeys) {
	me := k.thread + uint64(l)
	for ; n > 0; n-- {
		w.noteRead(&c.r[g], me, k)
		old := atomic.LoadUint64(&c.w[g])
		if old>>blockShift > w.blk.launch.seq && old != me {
			w.judge(l, old, me, "read", "write")
		}
		g++
	}
}

// cachedRead notes a lane's read of n cells through the read-only cache. It
// has no order to any write of the launch, be it by the same thread: to later
// ones the cell is as if several blocks had read it.
func (w *warp) cachedRead(l int, c *raceCells, g, n uint) {
	seq := w.blk.launch.seq
	for ; n > 0; n-- {
		atomic.StoreUint64(&c.r[g], seq<<blockShift)
		if atomic.LoadUint64(&c.w[g])>>blockShift > seq {
			w.fail(l, GlobalRace, "ld.global.nc of what this launch wrote")
		}
		g++
	}
}

// noteRead adds a lane to a cell's readers.
func (w *warp) noteRead(p *uint64, me uint64, k warpKeys) {
	blocks := w.blk.launch.seq << blockShift // several blocks of this launch
	for {
		old := atomic.LoadUint64(p)
		if old == me || old == k.warp || old == k.many || old == blocks {
			return
		}
		key := me
		switch b := old >> blockShift; {
		case b < w.blk.launch.seq:
		case b != w.blk.seq:
			key = blocks
		case old>>epochShift == me>>epochShift:
			key = w.merge(old, me, k)
		}
		if !w.blk.launch.parallel {
			*p = key
			return
		}
		if atomic.CompareAndSwapUint64(p, old, key) {
			return
		}
	}
}

// globalWrite notes a lane's write of n cells and finds accesses that race
// with it.
func (w *warp) globalWrite(l int, c *raceCells, g, n uint, k warpKeys) {
	me := k.thread + uint64(l)
	seq := w.blk.launch.seq
	for ; n > 0; n-- {
		var old uint64
		if w.blk.launch.parallel {
			old = atomic.SwapUint64(&c.w[g], me)
		} else {
			old, c.w[g] = c.w[g], me
		}
		if old>>blockShift > seq && old != me {
			w.judge(l, old, me, "write", "write")
		}
		r := atomic.LoadUint64(&c.r[g])
		switch {
		case r>>blockShift == seq:
			w.fail(l, GlobalRace, "write with no order to the reads by several blocks, or by ld.global.nc")
		case r>>blockShift > seq && r != me:
			w.judge(l, r, me, "write", "read")
		}
		g++
	}
}

// judge fails where an earlier access of this launch is not ordered before
// the lane's.
func (w *warp) judge(l int, old, me uint64, what, before string) {
	seq := w.blk.launch.seq
	if b := old >> blockShift; b != w.blk.seq {
		id := w.blk.launch.blockID(int(b - seq - 1))
		w.fail(l, GlobalRace, "%s with no order to the %s by block (%d,%d,%d) %s", what, before, id.X, id.Y, id.Z, w.readers(old))
	}
	if old>>epochShift == me>>epochShift && !w.ordered(old, me) {
		w.fail(l, GlobalRace, "%s with no barrier since the %s by %s", what, before, w.readers(old))
	}
}
