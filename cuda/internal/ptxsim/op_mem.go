package ptxsim

import (
	"encoding/binary"
	"strings"
)

// address is an address operand.
type address struct {
	reg   src
	isReg bool
	off   uint64 // with the base where there is no register
}

// address decodes a memory operand.
func (d *decoder) address(in *instr, o operand) address {
	if o.kind != opMem {
		d.fail(in, "want an address in brackets")
	}
	if _, ok := d.fn.regType(o.name); ok {
		return address{reg: d.reg(in, o.name), isReg: true, off: uint64(o.off)}
	}
	if o.name == "" {
		return address{off: uint64(o.off)}
	}
	return address{off: d.symbol(in, o.name) + uint64(o.off)}
}

// fill computes the lanes' addresses.
func (a *address) fill(w *warp, m uint32) {
	switch {
	case !a.isReg:
		for l := range w.ea {
			w.ea[l] = a.off
		}
	case a.reg.wide && m == full:
		r := w.lanes64(a.reg.off)
		for l := range r {
			w.ea[l] = r[l] + a.off
		}
	default:
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			w.ea[l] = w.get(a.reg, l) + a.off
		}
	}
}

// access is a load or store of one lane: count elements of size bytes.
type access struct {
	store  bool
	size   int
	signed bool
	regs   []src // count of them; a 32-bit sink where nothing is kept
	simple bool  // words to or from narrow registers
	strong bool  // .volatile and the like: ordered by the program otherwise
	cached bool  // .nc: through a cache that sees no writes of the launch
	memOp  int   // place in block.cache
}

// total is the bytes of an access.
func (a *access) total() int { return a.size * len(a.regs) }

// memory decodes ld and st, and what only hints.
func (d *decoder) memory(in *instr) exec {
	switch in.parts[0] {
	case "ld", "ldu", "st":
	case "isspacep":
		return d.isSpace(in)
	default:
		return func(*warp, uint32) {}
	}
	a := d.access(in)
	at := 1
	if a.store {
		at = 0
	}
	mem := d.arg(in, at)
	addr := d.address(in, mem)
	var body func(w *warp, m uint32)
	switch space := d.space(in, mem); space {
	case "param":
		return d.loadParam(in, a, addr)
	case "shared":
		body = a.shared
	case "local":
		body = a.local
	case "global", "const":
		body = a.global
	default:
		body = a.generic
	}
	return func(w *warp, m uint32) {
		addr.fill(w, m)
		body(w, m)
	}
}

// space returns the state space of an access; empty for generic.
func (d *decoder) space(in *instr, mem operand) string {
	for _, p := range in.parts[1:] {
		switch {
		case p == "param":
			if _, ok := d.local[mem.name]; ok {
				return "local" // a parameter of a call inside the kernel
			}
			return "param"
		case strings.HasPrefix(p, "shared"):
			return "shared"
		case p == "global" || p == "const" || p == "local":
			return p
		}
	}
	return ""
}

// access decodes the type, the vector and the registers.
func (d *decoder) access(in *instr) *access {
	a := &access{store: in.parts[0] == "st", memOp: d.k.memOps}
	d.k.memOps++
	a.signed, a.size = intType(in.typ())
	a.strong = in.has("volatile") || in.has("relaxed") || in.has("acquire") || in.has("release")
	a.cached = in.has("nc")
	if a.size == 0 || a.size > 8 {
		d.fail(in, "unknown type")
	}
	o := d.arg(in, 0)
	if a.store {
		o = d.arg(in, 1)
	}
	list := []operand{o}
	if o.kind == opVec {
		list = o.vec
	}
	a.simple = a.size == 4
	for _, e := range list {
		var s src
		if a.store {
			s = d.operand(in, e, a.size == 8)
		} else {
			s = d.dst(in, e, a.size == 8)
		}
		a.regs = append(a.regs, s)
		a.simple = a.simple && !s.wide
	}
	if n := a.total(); n&(n-1) != 0 || n > 16 {
		d.fail(in, "an access of %d bytes", n)
	}
	return a
}

// move copies between a lane's registers and memory.
func (a *access) move(w *warp, l int, b []byte) {
	if a.simple {
		for i, r := range a.regs {
			if a.store {
				binary.LittleEndian.PutUint32(b[4*i:], w.r32[r.off+l])
			} else {
				w.r32[r.off+l] = binary.LittleEndian.Uint32(b[4*i:])
			}
		}
		return
	}
	for i, r := range a.regs {
		e := b[a.size*i:][:a.size]
		if a.store {
			putUint(e, w.get(r, l))
		} else {
			w.set(r, l, extend(getUint(e), a.signed, a.size))
		}
	}
}

// getUint and putUint read and write 1, 2, 4 or 8 bytes.
func getUint(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func putUint(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// verb names an access in messages.
func (a *access) verb() string {
	if a.store {
		return "write"
	}
	return "read"
}

// aligned fails where an address is no multiple of the access's size.
func (w *warp) aligned(l int, addr uint64, n int, verb string) {
	if addr&uint64(n-1) != 0 {
		w.fail(l, Misaligned, "%s of %d bytes at %#x", verb, n, addr)
	}
}

// loadParam decodes a load of the kernel's parameters, the same for all
// lanes.
func (d *decoder) loadParam(in *instr, a *access, addr address) exec {
	if addr.isReg || a.store {
		d.fail(in, "parameters are read at fixed places only")
	}
	if int(addr.off)+a.total() > d.k.paramSize {
		d.fail(in, "read past the parameters")
	}
	return func(w *warp, m uint32) {
		b := w.blk.launch.params[addr.off:][:a.total()]
		if m == full {
			a.spread(w, b)
			return
		}
		for ; m != 0; m &= m - 1 {
			a.move(w, lane(m), b)
		}
	}
}

// moveAll copies between the registers of lanes and memory at w.ea.
func (a *access) moveAll(w *warp, m uint32, data []byte) {
	if !a.simple || m != full {
		n := uint64(a.total())
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			a.move(w, l, data[w.ea[l]:][:n])
		}
		return
	}
	for i, r := range a.regs {
		bank, from := w.lanes32(r.off), data[4*i:]
		if a.store {
			for l := range bank {
				binary.LittleEndian.PutUint32(from[w.ea[l]:], bank[l])
			}
			continue
		}
		for l := range bank {
			bank[l] = binary.LittleEndian.Uint32(from[w.ea[l]:])
		}
	}
}

// spread gives every lane the same memory.
func (a *access) spread(w *warp, b []byte) {
	for i, r := range a.regs {
		v := extend(getUint(b[a.size*i:][:a.size]), a.signed, a.size)
		if !r.wide {
			fill32(w.lanes32(r.off), uint32(v))
			continue
		}
		bank := w.lanes64(r.off)
		for l := range bank {
			bank[l] = v
		}
	}
}

// shared accesses shared memory at w.ea.
func (a *access) shared(w *warp, m uint32) {
	sh := &w.blk.sh
	n := a.total()
	cells := uint(max(n>>sh.shift, 1))
	k, races := w.sharedKeys(), w.blk.launch.races && !a.strong
	last, same := ^uint64(0), 0
	for q := m; q != 0; q &= q - 1 {
		l := lane(q)
		p := w.ea[l]
		if p == last {
			// After two readers of one warp the cell says so: no more to note.
			if same++; same > 1 && !a.store {
				continue
			}
		} else {
			last, same = p, 0
		}
		if p > uint64(len(sh.data)-n) || len(sh.data) < n {
			w.fail(l, OutOfBounds, "%s of %d bytes of shared memory at %d, of %d bytes in all", a.verb(), n, int64(p), len(sh.data))
		}
		if p&uint64(n-1) != 0 {
			w.aligned(l, p, n, a.verb())
		}
		if a.store {
			w.sharedWrite(l, uint(p)>>sh.shift, cells, k, races)
		} else {
			w.sharedRead(l, uint(p)>>sh.shift, cells, k, races)
		}
	}
	a.moveAll(w, m, sh.data)
}

// local accesses the lanes' own memory at w.ea.
func (a *access) local(w *warp, m uint32) {
	n, size := a.total(), w.blk.k.localSize
	for ; m != 0; m &= m - 1 {
		l := lane(m)
		p := w.ea[l]
		if p > uint64(size-n) || size < n {
			w.fail(l, OutOfBounds, "%s of %d bytes of local memory at %d, of %d bytes in all", a.verb(), n, int64(p), size)
		}
		w.aligned(l, p, n, a.verb())
		at := l*size + int(p)
		set := w.localSet[at:][:n]
		for i := range set {
			if a.store {
				set[i] = 1
			} else if set[i] == 0 {
				w.fail(l, Uninitialized, "local memory at byte %d was never written", p)
			}
		}
		a.move(w, l, w.local[at:][:n])
	}
}

// locate finds the allocation of an access, or fails.
func (w *warp) locate(l int, p uint64, n int, verb string) *alloc {
	mem := w.blk.launch.mem
	a := mem.find(p)
	if a == nil || p-a.base >= uint64(len(a.data)) || uint64(n) > uint64(len(a.data))-(p-a.base) {
		kind, what := mem.describe(p)
		w.fail(l, kind, "%s of %d bytes at %#x: %s", verb, n, p, what)
	}
	return a
}

// global accesses global memory at w.ea.
func (a *access) global(w *warp, m uint32) {
	n := uint64(a.total())
	shift := w.blk.k.shift
	cells := uint(max(n>>shift, 1))
	races := w.blk.launch.races && !a.strong
	k := w.globalKeys()
	al := w.blk.cache[a.memOp]
	var rc *raceCells
	var one *alloc // of the lanes that are moved together
	together := uint32(0)
	for q := m; q != 0; q &= q - 1 {
		l := lane(q)
		p := w.ea[l]
		off := p - al.base
		if off >= uint64(len(al.data)) || n > uint64(len(al.data))-off {
			al = w.locate(l, p, int(n), a.verb())
			w.blk.cache[a.memOp] = al
			off, rc = p-al.base, nil
		}
		if off&(n-1) != 0 {
			w.aligned(l, p, int(n), a.verb())
		}
		if races && !al.readOnly {
			if rc == nil {
				rc = al.cells(shift, &w.blk.launch.mem.mu)
			}
			switch {
			case a.store:
				w.globalWrite(l, rc, uint(off)>>shift, cells, k)
			case a.cached:
				w.cachedRead(l, rc, uint(off)>>shift, cells)
			default:
				w.globalRead(l, rc, uint(off)>>shift, cells, k)
			}
		}
		if al.set != nil {
			a.initialized(w, l, al, off, n)
		}
		if a.store && al.readOnly {
			w.fail(l, ReadOnlyWrite, "write of %d bytes at %#x", n, p)
		}
		if one == nil {
			one = al
		}
		if al == one {
			w.ea[l] = off
			together |= 1 << l
		} else {
			a.move(w, l, al.data[off:][:n])
		}
	}
	a.moveAll(w, together, one.data)
}

// allSet is the marks of four written bytes.
const allSet = 0x01010101

// initialized checks, or notes, that bytes were written.
func (a *access) initialized(w *warp, l int, al *alloc, off, n uint64) {
	set := al.set[off:][:n]
	if n == 4 {
		if a.store {
			binary.LittleEndian.PutUint32(set, allSet)
			return
		}
		if binary.LittleEndian.Uint32(set) == allSet {
			return
		}
	}
	for i := range set {
		if a.store {
			set[i] = 1
		} else if set[i] == 0 {
			w.fail(l, Uninitialized, "byte %d of an allocation of %d bytes was never written", off+uint64(i), len(al.data))
		}
	}
}

// generic sorts the lanes by the window that their address is in.
func (a *access) generic(w *warp, m uint32) {
	var sh, lo uint32
	for q := m; q != 0; q &= q - 1 {
		l := lane(q)
		switch p := w.ea[l]; {
		case p-sharedWindow < windowSize:
			sh |= 1 << l
			w.ea[l] = p - sharedWindow
		case p-localWindow < windowSize:
			lo |= 1 << l
			w.ea[l] = p - localWindow
		}
	}
	if sh != 0 {
		a.shared(w, sh)
	}
	if lo != 0 {
		a.local(w, lo)
	}
	if gl := m &^ (sh | lo); gl != 0 {
		a.global(w, gl)
	}
}

// isSpace decodes isspacep.space p, a.
func (d *decoder) isSpace(in *instr) exec {
	p, a := d.pred(in, in.args[0]), d.src64(in, 1)
	inside := func(x uint64) bool { return x-sharedWindow >= windowSize && x-localWindow >= windowSize }
	switch in.parts[1] {
	case "shared", "shared::cta":
		inside = func(x uint64) bool { return x-sharedWindow < windowSize }
	case "local":
		inside = func(x uint64) bool { return x-localWindow < windowSize }
	case "global":
	default:
		d.fail(in, "unknown space")
	}
	return func(w *warp, m uint32) {
		v := uint32(0)
		for q := m; q != 0; q &= q - 1 {
			if inside(w.r64[a+lane(q)]) {
				v |= 1 << lane(q)
			}
		}
		w.setPred(p, m, v)
	}
}
