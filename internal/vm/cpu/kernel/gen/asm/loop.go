package asm

import (
	"fmt"
	"slices"
	"strings"
)

// kernel is a loop over slices of equal length.
type kernel struct {
	name   string
	table  string        // the field of Set that it is in; "": it is a field itself
	key    string        // its key or field there; "": its name
	length string        // the slice whose length counts
	body   func(b *loop) // builds the straight line of one round
}

// value is the result of an operation in a loop: a vector, or a mask.
type value int

// operation is one step of a loop. write writes its instructions, given where
// its operands are; dst is a fresh register or one that dies here.
type operation struct {
	args []value
	mask bool // the result is a mask
	void bool // there is no result

	constant string // operand in memory, where it is a constant
	pinned   string // register, where it is a parameter
	lower    func(l *loop, o *operation, v value)
}

// loop is a kernel while it is written.
type loop struct {
	*writer
	decl  *decl
	ops   []operation
	loads map[string]value
	last  []int // operation that uses a value last

	pointers map[string]string // slice to register
	scalars  map[string]value  // parameter to value
	sums     []string          // registers of the sum

	free  []string // vector registers
	masks []string
	where map[value]string
	tail  bool // writing the last, partial round
	skips int  // labels
}

// loop writes a kernel: whole vectors first, then the rest under a mask.
func (w *writer) loop(k kernel) {
	l := &loop{
		writer: w, decl: w.begin(k.name),
		loads: make(map[string]value), pointers: make(map[string]string), scalars: make(map[string]value),
	}
	for i := range w.regs {
		l.free = append(l.free, fmt.Sprintf("%s%d", w.reg, i))
	}
	for i := 2; w.wide() && i < 8; i++ {
		l.masks = append(l.masks, fmt.Sprintf("K%d", i))
	}
	if !w.wide() {
		l.free = l.free[:15] // the last one is the mask of the partial round
	}
	slices.Reverse(l.free) // low registers first, from the end
	k.body(l)
	l.liveness()

	l.p("MOVQ %s, CX", w.length(l.decl, k.length))
	l.open()
	l.p("XORL AX, AX\nSUBQ $%d, CX\nJLT rest\nwhole:", w.lanes)
	l.round()
	l.p("ADDQ $%d, AX\nSUBQ $%d, CX\nJGE whole\nrest:\nADDQ $%d, CX\nJZ done", w.lanes, w.lanes, w.lanes)
	l.tail = true
	l.setMask()
	l.round()
	l.p("done:")
	l.close()
	l.p("VZEROUPPER\nRET")
}

// open loads pointers and parameters.
func (l *loop) open() {
	registers := []string{"R8", "R9", "R10", "R11", "R12", "R13"}
	for _, p := range l.decl.params {
		if strings.HasPrefix(p.kind, "[]") {
			l.pointers[p.name] = registers[len(l.pointers)]
			l.p("MOVQ %s, %s", l.arg(l.decl, p.name), l.pointers[p.name])
		} else if v, ok := l.scalars[p.name]; ok {
			l.ops[v].pinned = l.take()
			l.p("VBROADCASTSS %s, %s", l.arg(l.decl, p.name), l.ops[v].pinned)
		}
	}
	for i := range l.sums {
		l.sums[i] = l.take()
		l.p("VXORPS %[1]s, %[1]s, %[1]s", l.sums[i])
	}
}

// setMask makes a mask of the CX lanes that remain.
func (l *loop) setMask() {
	if l.wide() {
		l.p("MOVL $1, DX\nSHLL CX, DX\nDECL DX\nKMOVW DX, K1")
		return
	}
	l.p("LEAQ lanemask<>+32(SB), DX\nMOVQ CX, BX\nSHLQ $2, BX\nSUBQ BX, DX\nVMOVUPS (DX), Y15")
}

// liveness finds each value's last use.
func (l *loop) liveness() {
	l.last = make([]int, len(l.ops))
	for i := range l.ops {
		l.last[i] = i
		for _, a := range l.ops[i].args {
			l.last[a] = i
		}
	}
}

// round writes one round of the loop.
func (l *loop) round() {
	l.where = make(map[value]string)
	for i := range l.ops {
		if o := &l.ops[i]; o.lower != nil {
			o.lower(l, o, value(i))
			for _, a := range o.args {
				l.release(a, i)
			}
			if !o.void && l.last[i] == i {
				l.fail("%s: operation %d is never used", l.decl.name, i)
			}
		}
	}
}

func (l *loop) take() string {
	if len(l.free) == 0 {
		l.fail("%s: out of registers", l.decl.name)
		return "none"
	}
	r := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	return r
}

func (l *loop) give(r string) { l.free = append(l.free, r) }

// release frees the register of a value whose last use is operation i.
func (l *loop) release(v value, i int) {
	r, ok := l.where[v]
	if !ok || l.last[v] != i {
		return
	}
	delete(l.where, v)
	if strings.HasPrefix(r, "K") {
		l.masks = append(l.masks, r)
	} else {
		l.give(r)
	}
}

// result picks the register of a new value v. Registers of operands that die
// with it are taken first, so instructions must read all before they write.
func (l *loop) result(o *operation, v value) string {
	for _, a := range o.args {
		l.release(a, int(v))
	}
	if o.mask && l.wide() {
		if len(l.masks) == 0 {
			l.fail("%s: out of masks", l.decl.name)
			return "none"
		}
		l.where[v] = l.masks[len(l.masks)-1]
		l.masks = l.masks[:len(l.masks)-1]
	} else {
		l.where[v] = l.take()
	}
	return l.where[v]
}

// dies tells whether v is a register that is not used after operation i.
func (l *loop) dies(v value, i value) bool {
	_, ok := l.where[v]
	return ok && l.last[v] == int(i)
}

func (l *loop) isConstant(v value) bool { return l.ops[v].constant != "" }

// register returns the register of a value; a constant is broadcast into one
// first, which done gives back.
func (l *loop) register(v value) (r string, done func()) {
	switch {
	case l.isConstant(v):
		r = l.take()
		l.p("VBROADCASTSS %s, %s", l.ops[v].constant, r)
		return r, func() { l.give(r) }
	case l.ops[v].pinned != "":
		return l.ops[v].pinned, func() {}
	}
	r, ok := l.where[v]
	if !ok {
		l.fail("%s: value %d has no register", l.decl.name, v)
	}
	return r, func() {}
}

// operand returns a value as the operand that may be in memory, and the
// suffix that a constant there gives the instruction.
func (l *loop) operand(v value) (text, suffix string) {
	if l.isConstant(v) {
		if l.wide() {
			return l.ops[v].constant, ".BCST"
		}
		return l.ops[v].constant, ""
	}
	r, _ := l.register(v)
	return r, ""
}

func (l *loop) do(o operation) value {
	l.ops = append(l.ops, o)
	return value(len(l.ops) - 1)
}

// close adds up the sum, always in the same order, and returns it.
func (l *loop) close() {
	if l.sums == nil {
		return
	}
	a, b := l.sums[0], l.sums[1]
	l.p("VADDPD %s, %s, %s", b, a, a)
	if l.wide() {
		l.p("VEXTRACTF64X4 $1, %s, %s\nVADDPD %s, %s, %s", a, as("Y", b), as("Y", b), as("Y", a), as("Y", a))
	}
	x, y := as("X", a), as("X", b)
	l.p("VEXTRACTF128 $1, %s, %s\nVADDPD %s, %s, %s", as("Y", a), y, y, x, x)
	l.p("VUNPCKHPD %s, %s, %s\nVADDSD %s, %s, %s", x, x, y, y, x, x)
	l.p("VMOVSD %s, sum+%d(FP)", x, l.decl.result)
}

// as returns the same register in another width.
func as(letter, register string) string { return letter + register[1:] }
