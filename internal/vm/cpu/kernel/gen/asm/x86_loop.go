package asm

import (
	"fmt"
	"strings"
)

// loop writes a kernel: whole vectors first, then the rest under a mask.
func (w x86) loop(k kernel) {
	l := w.newLoop(k, w.lower)
	for i := 2; w.wide() && i < 8; i++ {
		l.masks = append(l.masks, fmt.Sprintf("K%d", i))
	}
	if !w.wide() {
		l.free = l.free[1:] // the last register is the mask of the partial round
	}
	w.p("MOVQ %s, CX", w.length(l.decl, k.length))
	w.open(l)
	w.p("XORL AX, AX\nSUBQ $%d, CX\nJLT rest\nwhole:", w.lanes)
	l.round()
	w.p("ADDQ $%d, AX\nSUBQ $%d, CX\nJGE whole\nrest:\nADDQ $%d, CX\nJZ done", w.lanes, w.lanes, w.lanes)
	l.tail = true
	w.setMask()
	l.round()
	w.p("done:")
	w.close(l)
	w.p("VZEROUPPER\nRET")
}

// open loads pointers and parameters.
func (w x86) open(l *loop) {
	registers := []string{"R8", "R9", "R10", "R11", "R12", "R13"}
	for _, p := range l.decl.params {
		if strings.HasPrefix(p.kind, "[]") {
			l.pointers[p.name] = registers[len(l.pointers)]
			w.p("MOVQ %s, %s", w.arg(l.decl, p.name), l.pointers[p.name])
		} else if v, ok := l.scalars[p.name]; ok {
			l.ops[v].pinned = l.take()
			w.p("VBROADCASTSS %s, %s", w.arg(l.decl, p.name), l.ops[v].pinned)
		}
	}
	for i := range l.sums {
		l.sums[i] = l.take()
		w.p("VXORPS %[1]s, %[1]s, %[1]s", l.sums[i])
	}
}

// setMask makes a mask of the CX lanes that remain.
func (w x86) setMask() {
	if w.wide() {
		w.p("MOVL $1, DX\nSHLL CX, DX\nDECL DX\nKMOVW DX, K1")
		return
	}
	w.p("LEAQ lanemask<>+32(SB), DX\nMOVQ CX, BX\nSHLQ $2, BX\nSUBQ BX, DX\nVMOVUPS (DX), Y15")
}

// close adds up the sum, always in the same order, and returns it.
func (w x86) close(l *loop) {
	if l.sums == nil {
		return
	}
	a, b := l.sums[0], l.sums[1]
	w.p("VADDPD %s, %s, %s", b, a, a)
	if w.wide() {
		w.p("VEXTRACTF64X4 $1, %s, %s\nVADDPD %s, %s, %s", a, as("Y", b), as("Y", b), as("Y", a), as("Y", a))
	}
	x, y := as("X", a), as("X", b)
	w.p("VEXTRACTF128 $1, %s, %s\nVADDPD %s, %s, %s", as("Y", a), y, y, x, x)
	w.p("VUNPCKHPD %s, %s, %s\nVADDSD %s, %s, %s", x, x, y, y, x, x)
	w.p("VMOVSD %s, sum+%d(FP)", x, l.decl.result)
}
