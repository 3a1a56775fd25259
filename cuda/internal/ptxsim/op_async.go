package ptxsim

// asyncState is a warp's copies from global to shared memory that are under
// way. They come into effect as late as allowed: when a lane waits for them.
type asyncState struct {
	copies    []asyncCopy
	committed [warpSize]int // groups
}

// asyncCopy is one lane's copy.
type asyncCopy struct {
	lane, group int
	at          uint64 // in shared memory
	n           int
	data        [16]byte
}

func (a *asyncState) reset() {
	a.copies = a.copies[:0]
	clear(a.committed[:])
}

// asyncCopy decodes cp.async and its commit_group, wait_group and wait_all.
func (d *decoder) asyncCopy(in *instr) exec {
	switch {
	case !in.has("async"):
		d.fail(in, "only cp.async is known")
	case in.has("commit_group"):
		return func(w *warp, m uint32) {
			for ; m != 0; m &= m - 1 {
				w.async.committed[lane(m)]++
			}
		}
	case in.has("wait_all"):
		return func(w *warp, m uint32) { w.finishCopies(m, -1) }
	case in.has("wait_group"):
		n := d.arg(in, 0)
		if n.kind != opImm {
			d.fail(in, "want a constant number of groups")
		}
		return func(w *warp, m uint32) { w.finishCopies(m, int(n.bits)) }
	case in.has("mbarrier") || in.has("bulk"):
		d.fail(in, "not simulated")
	}
	return d.startCopy(in)
}

// startCopy decodes cp.async.ca.shared.global [dst], [src], size[, n]: of the
// size bytes the first n are copied and the rest are zeros.
func (d *decoder) startCopy(in *instr) exec {
	to, from := d.address(in, d.arg(in, 0)), d.address(in, d.arg(in, 1))
	size := d.arg(in, 2)
	if size.kind != opImm || size.bits != 4 && size.bits != 8 && size.bits != 16 {
		d.fail(in, "want a size of 4, 8 or 16 bytes")
	}
	n := int(size.bits)
	count := -1
	if len(in.args) > 3 {
		count = d.src32(in, 3)
	}
	load := &access{size: 1, memOp: d.k.memOps}
	d.k.memOps++
	return func(w *warp, m uint32) {
		var dst [warpSize]uint64
		to.fill(w, m)
		dst = w.ea
		from.fill(w, m)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			c := asyncCopy{lane: l, group: w.async.committed[l], at: dst[l], n: n}
			k := n
			if count >= 0 {
				k = min(int(w.r32[count+l]), n)
			}
			w.aligned(l, w.ea[l], n, "read")
			if k > 0 {
				w.readGlobal(l, load, c.data[:k])
			}
			w.begin(&c)
			w.async.copies = append(w.async.copies, c)
		}
	}
}

// readGlobal reads a lane's bytes at w.ea with every check.
func (w *warp) readGlobal(l int, a *access, to []byte) {
	p, n := w.ea[l], uint64(len(to))
	al := w.blk.cache[a.memOp]
	off := p - al.base
	if off >= uint64(len(al.data)) || n > uint64(len(al.data))-off {
		al = w.locate(l, p, len(to), "read")
		w.blk.cache[a.memOp] = al
		off = p - al.base
	}
	if w.blk.launch.races && !al.readOnly {
		shift := w.blk.k.shift
		first, last := off>>shift, (off+n-1)>>shift
		w.globalRead(l, al.cells(shift, &w.blk.launch.mem.mu), uint(first), uint(last-first+1), w.globalKeys())
	}
	if al.set != nil {
		a.initialized(w, l, al, off, n)
	}
	copy(to, al.data[off:][:n])
}

// begin marks the target of a copy as pending: nobody may touch it.
func (w *warp) begin(c *asyncCopy) {
	sh := &w.blk.sh
	if c.at > uint64(len(sh.data)-c.n) || len(sh.data) < c.n {
		w.fail(c.lane, OutOfBounds, "cp.async of %d bytes to shared memory at %d, of %d bytes in all", c.n, int64(c.at), len(sh.data))
	}
	w.aligned(c.lane, c.at, c.n, "cp.async")
	g, cells := uint(c.at)>>sh.shift, uint(c.n>>sh.shift)
	w.sharedWrite(c.lane, g, cells, w.sharedKeys(), w.blk.launch.races)
	for i := g; i < g+cells; i++ {
		sh.w[i] = pendingCell | uint64(w.first+c.lane)
	}
}

// finishCopies completes the copies of the lanes but for those of the latest
// pending groups; -1 completes also what was never committed.
func (w *warp) finishCopies(m uint32, pending int) {
	sh := &w.blk.sh
	k := w.sharedKeys()
	kept := w.async.copies[:0]
	for _, c := range w.async.copies {
		due := pending < 0 || c.group < w.async.committed[c.lane]-pending
		if m>>c.lane&1 == 0 || !due {
			kept = append(kept, c)
			continue
		}
		copy(sh.data[c.at:], c.data[:c.n])
		for i := c.at >> sh.shift; i < (c.at+uint64(c.n))>>sh.shift; i++ {
			sh.w[i] = k.thread + uint64(c.lane)
		}
	}
	w.async.copies = kept
}
