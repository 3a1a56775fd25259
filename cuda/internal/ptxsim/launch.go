package ptxsim

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"aegis/cuda/driver"
)

// launch is one run of a kernel.
type launch struct {
	k        *kernel
	cfg      driver.LaunchConfig
	params   []byte
	mem      *memory
	seq      uint64 // blocks are seq+1 and up in the keys of race.go
	races    bool
	parallel bool
	maxSteps int // instructions of a block's warps
}

// block is a block being run, and the warps that run it. A worker keeps it
// for all its blocks of a launch.
type block struct {
	k        *kernel
	launch   *launch
	id       driver.Dim3
	seq      uint64
	barriers uint64 // passed so far
	steps    int
	sh       sharedMemory
	warps    []*warp
	arrived  [16]int // threads at the named barriers that do not wait
	cache    []*alloc
}

// blockID turns a linear block number into coordinates.
func (l *launch) blockID(n int) driver.Dim3 {
	g := l.cfg.Grid
	i := uint32(n)
	return driver.Dim3{X: i % g.X, Y: i / g.X % g.Y, Z: i / g.X / g.Y}
}

// run runs the grid and returns the fault of the lowest block that had one.
// Kernels that communicate between blocks run block after block; the others
// on all processors, since then no order shows in the results.
func (l *launch) run(workers int) *Fault {
	blocks := int(l.cfg.Grid.X) * int(l.cfg.Grid.Y) * int(l.cfg.Grid.Z)
	if l.k.serial {
		workers = 1
	}
	workers = max(min(workers, blocks), 1)
	l.parallel = workers > 1
	var next atomic.Int64
	var mu sync.Mutex
	var first *Fault
	firstBlock := blocks
	work := func() {
		b := l.k.take(l)
		defer l.k.give(b)
		for {
			i := int(next.Add(1)) - 1
			mu.Lock()
			stop := i >= blocks || i > firstBlock
			mu.Unlock()
			if stop {
				return
			}
			if f := b.run(i); f != nil {
				mu.Lock()
				if i < firstBlock {
					first, firstBlock = f, i
				}
				mu.Unlock()
				return
			}
		}
	}
	if workers == 1 {
		work()
		return first
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
	return first
}

// take returns a block of this kernel and shape, a used one where possible.
func (k *kernel) take(l *launch) *block {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, b := range k.idle {
		if b.launch.cfg.Block == l.cfg.Block && b.launch.cfg.Shared == l.cfg.Shared {
			k.idle = append(k.idle[:i], k.idle[i+1:]...)
			b.launch = l
			b.fillGrid()
			return b
		}
	}
	k.idle = nil
	return newBlock(k, l)
}

func (k *kernel) give(b *block) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.idle) < runtime.GOMAXPROCS(0) {
		k.idle = append(k.idle, b)
	}
}

// newBlock allocates the state of a block.
func newBlock(k *kernel, l *launch) *block {
	threads := int(l.cfg.Block.X) * int(l.cfg.Block.Y) * int(l.cfg.Block.Z)
	b := &block{k: k, launch: l, cache: make([]*alloc, k.memOps)}
	none := &alloc{}
	for i := range b.cache {
		b.cache[i] = none
	}
	n := k.dynamicBase + int(l.cfg.Shared)
	b.sh = sharedMemory{data: make([]byte, n), shift: k.shift, epoch: 1}
	cells := n>>k.shift + 1
	b.sh.w, b.sh.r, b.sh.pcs = make([]uint64, cells), make([]uint64, cells), make([]int32, cells)
	for _, g := range k.guards {
		for c := (g[0] + 1<<k.shift - 1) >> k.shift; c < g[1]>>k.shift; c++ {
			b.sh.w[c] = guardCell
		}
	}
	for first := 0; first < threads; first += warpSize {
		b.warps = append(b.warps, newWarp(k, b, first))
	}
	b.fillGrid()
	return b
}

// newWarp allocates a warp and fills the registers that never change.
func newWarp(k *kernel, b *block, first int) *warp {
	w := &warp{
		r32: make([]uint32, k.n32*warpSize), r64: make([]uint64, k.n64*warpSize), p: make([]uint32, k.np),
		blk: b, id: first / warpSize, first: first,
		local: make([]byte, k.localSize*warpSize), localSet: make([]byte, k.localSize*warpSize),
	}
	for _, c := range k.consts32 {
		fill32(w.lanes32(c.slot), uint32(c.value))
	}
	for _, c := range k.consts64 {
		v := w.lanes64(c.slot)
		for l := range v {
			v[l] = c.value
		}
	}
	for _, s := range k.specials {
		v := w.lanes32(s.slot)
		for l := range v {
			v[l] = w.special(s.name, l)
		}
	}
	return w
}

func fill32(v *[warpSize]uint32, x uint32) {
	for l := range v {
		v[l] = x
	}
}

// special returns a special register that stays the same in a launch's block
// shape; 0 for those of the grid and the block number.
func (w *warp) special(name string, l int) uint32 {
	t, d := w.blk.thread(w.first+l), w.blk.launch.cfg.Block
	switch name {
	case "%tid.x":
		return t.X
	case "%tid.y":
		return t.Y
	case "%tid.z":
		return t.Z
	case "%ntid.x":
		return d.X
	case "%ntid.y":
		return d.Y
	case "%ntid.z":
		return d.Z
	case "%laneid":
		return uint32(l)
	case "%warpid":
		return uint32(w.id)
	case "%nwarpid":
		return uint32(len(w.blk.warps))
	case "%lanemask_eq":
		return 1 << l
	case "%lanemask_lt":
		return 1<<l - 1
	case "%lanemask_le":
		return 2<<l - 1
	case "%lanemask_gt":
		return ^uint32(2<<l - 1)
	case "%lanemask_ge":
		return ^uint32(1<<l - 1)
	}
	return 0
}

// isSpecial reports whether the simulator has a special register.
func isSpecial(name string) bool {
	switch name {
	case "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%laneid", "%warpid",
		"%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
		"%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z":
		return true
	}
	return false
}

// fillGrid sets the registers that hold the grid's size.
func (b *block) fillGrid() {
	g := b.launch.cfg.Grid
	b.fillSpecials(map[string]uint32{"%nctaid.x": g.X, "%nctaid.y": g.Y, "%nctaid.z": g.Z})
}

func (b *block) fillSpecials(values map[string]uint32) {
	for _, s := range b.k.specials {
		if v, ok := values[s.name]; ok {
			for _, w := range b.warps {
				fill32(w.lanes32(s.slot), v)
			}
		}
	}
}

// run runs block i of the grid.
func (b *block) run(i int) (fault *Fault) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Fault:
			fault = r
		case error:
			w := b.warps[0]
			fault = &Fault{Kind: "error of the simulator", Kernel: b.k.name, Block: b.id, Source: b.k.place(w.pc), Detail: r.Error()}
		default:
			panic(r)
		}
	}()
	b.reset(i)
	for {
		before := b.steps
		live := false
		for _, w := range b.warps {
			if !w.waiting {
				w.run(b.k.code)
			}
			live = live || w.live != 0
		}
		if !live {
			return nil
		}
		if b.steps > b.launch.maxSteps {
			b.warps[0].fail(0, Endless, "%d instructions in this block; a loop that waits for another block cannot end here", b.steps)
		}
		b.release(b.steps != before)
	}
}

// reset makes the block ready to run as block i of the grid.
func (b *block) reset(i int) {
	b.id = b.launch.blockID(i)
	b.seq = b.launch.seq + 1 + uint64(i)
	b.barriers, b.steps = 0, 0
	b.sh.epoch++
	b.sh.begin = b.sh.epoch << epochShift
	clear(b.arrived[:])
	b.fillSpecials(map[string]uint32{"%ctaid.x": b.id.X, "%ctaid.y": b.id.Y, "%ctaid.z": b.id.Z})
	threads := int(b.launch.cfg.Block.X) * int(b.launch.cfg.Block.Y) * int(b.launch.cfg.Block.Z)
	for _, w := range b.warps {
		w.live = full
		if n := threads - w.first; n < warpSize {
			w.live = 1<<n - 1
		}
		w.stack = append(w.stack[:0], entry{join: noJoin, mask: w.live})
		w.waiting, w.pc, w.wep = false, 0, 0
		w.async.reset()
		clear(w.localSet)
	}
}

// pack lays parameters out as the kernel's .param space has them.
func (k *kernel) pack(args []driver.Arg) ([]byte, error) {
	if len(args) != len(k.params) {
		return nil, fmt.Errorf("kernel %s: want %d parameters, got %d", k.name, len(k.params), len(args))
	}
	out := make([]byte, k.paramSize)
	for i, a := range args {
		p := k.params[i]
		if a.Size != p.size {
			return nil, fmt.Errorf("kernel %s: parameter %d: want %d bytes, got %d", k.name, i, p.size, a.Size)
		}
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], a.Bits)
		copy(out[k.paramOff[p.name]:], b[:a.Size])
	}
	return out, nil
}
