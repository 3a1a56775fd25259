package asm

import (
	"errors"
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

var errRegisters = errors.New("out of registers")

// value is the result of an operation in a loop: a vector, or a mask.
type value int

// loop is a kernel while it is written.
type loop struct {
	*writer
	decl  *decl
	lower func(l *loop, o *operation, v value) // writes an operation's instructions
	ops   []operation
	loads map[string]value
	last  []int // operation that uses a value last

	pointers map[string]string // slice to register
	scalars  map[string]value  // parameter to value
	sums     []string          // registers of the sum

	free  []string // vector registers, the next one last
	masks []string // mask registers, where there are some
	where map[value]string
	tail  bool // writing the last, partial round
	skips int  // labels

	// Of NEON: the bits of lanes, or those of the last round that are there.
	present string
	labels  int
}

// newLoop builds a kernel's round and writes the beginning of its function.
func (w *writer) newLoop(k kernel, lower func(l *loop, o *operation, v value)) *loop {
	l := &loop{
		writer: w, decl: w.begin(k.name), lower: lower,
		loads: make(map[string]value), pointers: make(map[string]string), scalars: make(map[string]value),
	}
	for i := range w.regs {
		l.free = append(l.free, fmt.Sprintf("%s%d", w.reg, i))
	}
	slices.Reverse(l.free) // low registers first, from the end
	k.body(l)
	l.liveness()
	return l
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
		o := &l.ops[i]
		if !o.placed() {
			continue
		}
		l.lower(l, o, value(i))
		for _, a := range o.args {
			l.release(a, i)
		}
		if !o.void() && l.last[i] == i {
			l.fail("%s: operation %d is never used", l.decl.name, i)
		}
	}
}

func (l *loop) take() string {
	if len(l.free) == 0 {
		l.fail("%s: %w", l.decl.name, errRegisters)
		return l.reg + "0"
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
	if !o.mask() || l.masks == nil {
		l.where[v] = l.take()
		return l.where[v]
	}
	if len(l.masks) == 0 {
		l.fail("%s: out of masks", l.decl.name)
		return "none"
	}
	l.where[v] = l.masks[len(l.masks)-1]
	l.masks = l.masks[:len(l.masks)-1]
	return l.where[v]
}

// dies tells whether v is a register that is not used after operation i.
func (l *loop) dies(v value, i value) bool {
	_, ok := l.where[v]
	return ok && l.last[v] == int(i)
}

func (l *loop) isConstant(v value) bool { return l.ops[v].constant != "" }

// register returns the register that a value is in.
func (l *loop) register(v value) string {
	if r := l.ops[v].pinned; r != "" {
		return r
	}
	r, ok := l.where[v]
	if !ok {
		l.fail("%s: value %d has no register", l.decl.name, v)
	}
	return r
}

// as returns the same register in another width.
func as(letter, register string) string { return letter + register[1:] }
