package asm

// patches writes the kernels that move runs of numbers, a few at a time, as
// convolutions do between an image and its patches.
func (w *writer) patches() {
	w.patch("copyRuns", false)
	w.patch("addRuns", true)
}

// patch goes over places and over the runs of each: DI and SI are a place in
// dst and src, DX and AX a run of it, R14 how far in the run. BX is the bytes
// in whole vectors, R10 the rest in floats.
func (w *writer) patch(name string, add bool) {
	d := w.begin(name)
	reg := w.reg + "0"
	w.p("MOVQ %s, DI\nMOVQ %s, SI", w.arg(d, "dst"), w.arg(d, "src"))
	w.p("MOVQ %s, R8\nMOVQ %s, R9\nMOVQ %s, R10", w.arg(d, "places"), w.arg(d, "runs"), w.arg(d, "length"))
	w.p("MOVQ %s, R11\nMOVQ %s, R12", w.arg(d, "dstPlace"), w.arg(d, "dstRun"))
	w.p("MOVQ %s, R13\nMOVQ %s, R15", w.arg(d, "srcPlace"), w.arg(d, "srcRun"))
	w.p("SHLQ $2, R11\nSHLQ $2, R12\nSHLQ $2, R13\nSHLQ $2, R15")
	w.p("MOVQ R10, BX\nANDQ $%d, R10\nSUBQ R10, BX\nSHLQ $2, BX\nMOVQ R10, CX", w.lanes-1)
	w.maskCX("K1", "Y15")
	move := func(masked bool) {
		w.vectorLoad("(AX)(R14*1)", reg, masked)
		if add {
			sum := w.reg + "1"
			w.vectorLoad("(DX)(R14*1)", sum, masked)
			w.p("VADDPS %s, %s, %s", reg, sum, reg)
		}
		w.vectorStore(reg, "(DX)(R14*1)", masked)
	}
	w.p("place:\nMOVQ DI, DX\nMOVQ SI, AX\nMOVQ R9, CX\nrun:\nXORQ R14, R14\nvector:\nCMPQ R14, BX\nJGE rest")
	move(false)
	w.p("ADDQ $%d, R14\nJMP vector\nrest:\nTESTQ R10, R10\nJZ moved", w.bytes())
	move(true)
	w.p("moved:\nADDQ R12, DX\nADDQ R15, AX\nDECQ CX\nJNZ run")
	w.p("ADDQ R11, DI\nADDQ R13, SI\nDECQ R8\nJNZ place\nVZEROUPPER\nRET")
}
