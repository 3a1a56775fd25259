package asm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Registers of a loop. R10 to R12 and R16 hold what an operation needs.
const (
	byteOffset = "R1"  // of the round's values
	remaining  = "R2"  // values, less a vector's
	table      = "R20" // of constants
)

// loop writes a kernel: whole vectors first, then a round of the rest, whose
// vectors are read and written in part. The constants that are used most often
// stay in registers, as many as the round leaves room for.
func (w arm) loop(k kernel) {
	for pins := w.regs; pins >= 0; pins-- {
		try := arm{&writer{isa: w.isa, decls: w.decls, names: slices.Clone(w.names), bits: maps.Clone(w.bits)}}
		try.loopWith(k, pins)
		if pins > 0 && errors.Is(try.err, errRegisters) {
			continue
		}
		w.adopt(try.writer)
		return
	}
}

func (w arm) loopWith(k kernel, pins int) {
	l := w.newLoop(k, w.lower)
	w.p("MOVD %s, %s", w.length(l.decl, k.length), remaining)
	w.open(l, pins)
	w.p("MOVD $0, %s\nSUBS $%d, %[3]s, %[3]s\nBLT rest\nwhole:", byteOffset, w.lanes, remaining)
	l.round()
	w.p("ADD $%d, %[2]s, %[2]s\nSUBS $%[3]d, %[4]s, %[4]s\nBGE whole", w.bytes(), byteOffset, w.lanes, remaining)
	w.p("rest:\nADDS $%d, %[2]s, %[2]s\nBEQ done", w.lanes, remaining)
	l.tail = true
	if l.sums != nil { // what is not there may have a term
		l.present = l.take()
		w.p("MOVD $lanemask<>+%d(SB), R10\nSUB %s<<2, R10, R10\nFMOVQ (R10), %s", w.bytes(), remaining, as("F", l.present))
	}
	l.round()
	w.p("done:")
	w.close(l)
	w.p("RET")
}

// open loads pointers, parameters and so many constants.
func (w arm) open(l *loop, pins int) {
	registers := []string{"R3", "R4", "R5", "R6", "R7", "R8", "R9"}
	for _, p := range l.decl.params {
		if strings.HasPrefix(p.kind, "[]") {
			l.pointers[p.name] = registers[len(l.pointers)]
			w.p("MOVD %s, %s", w.arg(l.decl, p.name), l.pointers[p.name])
		} else if v, ok := l.scalars[p.name]; ok {
			r := l.take()
			l.ops[v].pinned = r
			w.p("FMOVS %s, %s\nVDUP %[3]s.S[0], %[3]s.S4", w.arg(l.decl, p.name), as("F", r), r)
		}
	}
	for i := range l.sums {
		l.sums[i] = l.take()
		w.zero(l.sums[i])
	}
	if slices.ContainsFunc(l.ops, func(o operation) bool { return o.kind == loadMask }) {
		l.present = l.take()
		w.p("MOVD $lanebits<>(SB), R10\nFMOVQ (R10), %s", as("F", l.present))
	}
	w.pin(l, pins)
}

// pin loads the constants that are read most often, at most so many. One that a
// sum starts from does not count: it is loaded into the sum's register.
func (w arm) pin(l *loop, most int) {
	uses := make(map[string]int)
	var names []string
	for i, o := range l.ops {
		for at, a := range o.args {
			if name := l.ops[a].constant; name != "" && (at < 2 || (o.kind != mulAdd && o.kind != mulSub)) {
				uses[name]++
			}
		}
		if name := l.ops[i].constant; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	w.p("MOVD $constants<>(SB), %s", table)
	slices.SortStableFunc(names, func(a, b string) int { return uses[b] - uses[a] })
	pinned := make(map[string]string)
	for _, name := range names[:min(most, len(names))] {
		if uses[name] > 0 {
			pinned[name] = l.take()
			w.loadConstant(name, pinned[name])
		}
	}
	for i := range l.ops {
		if r, ok := pinned[l.ops[i].constant]; ok {
			l.ops[i].pinned = r
		}
	}
}

func (w arm) loadConstant(name, dst string) {
	w.p("FMOVQ %d(%s), %s", w.offset(name), table, as("F", dst))
}

// close adds up the sum, always in the same order, and returns it.
func (w arm) close(l *loop) {
	if l.sums == nil {
		return
	}
	w.addDoubles(l.sums[0], l.sums[0], l.sums[1])
	w.addPair(l.sums[0], l.sums[0])
	w.p("FMOVD %s, sum+%d(FP)", as("F", l.sums[0]), l.decl.result)
}

// label returns a label that the function has once.
func (l *loop) label() string {
	l.labels++
	return fmt.Sprintf("part%d", l.labels)
}
