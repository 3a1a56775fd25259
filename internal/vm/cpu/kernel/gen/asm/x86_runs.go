package asm

// runs writes the kernels that move runs of numbers, a few at a time, as
// convolutions do with the rows of images.
func (w x86) runs() {
	w.copyRuns()
	if w.spread { // AVX2 has no instruction that spreads numbers
		w.addSpread()
	}
}

// copyRuns goes over places and over the runs of each: DI and SI are a place in
// dst and src, DX and AX a run of it, R14 how far in the run. BX is the bytes
// in whole vectors, R10 the rest in floats.
func (w x86) copyRuns() {
	d := w.begin("copyRuns")
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
		w.vectorStore(reg, "(DX)(R14*1)", masked)
	}
	w.p("place:\nMOVQ DI, DX\nMOVQ SI, AX\nMOVQ R9, CX\nrun:\nXORQ R14, R14\nvector:\nCMPQ R14, BX\nJGE rest")
	move(false)
	w.p("ADDQ $%d, R14\nJMP vector\nrest:\nTESTQ R10, R10\nJZ moved", w.bytes())
	move(true)
	w.p("moved:\nADDQ R12, DX\nADDQ R15, AX\nDECQ CX\nJNZ run")
	w.p("ADDQ R11, DI\nADDQ R13, SI\nDECQ R8\nJNZ place\nVZEROUPPER\nRET")
}

// addSpread spreads so many numbers over a vector as have room there, step
// lanes apart: K1 has a bit for each, K2 for those of a run's last vector. R13
// numbers make a vector, R14 vectors a run.
func (w x86) addSpread() {
	d := w.begin("addSpread")
	w.p("MOVQ %s, DI\nMOVQ %s, SI\nMOVQ %s, R8", w.arg(d, "dst"), w.arg(d, "src"), w.arg(d, "runs"))
	w.p("MOVQ %s, R10\nMOVQ %s, R11\nMOVQ %s, R12", w.arg(d, "step"), w.arg(d, "dstRun"), w.arg(d, "srcRun"))
	w.p("SHLQ $2, R11\nSHLQ $2, R12")
	w.p("MOVQ $15, AX\nXORQ DX, DX\nDIVQ R10\nLEAQ 1(AX), R13")
	w.p("MOVQ %s, AX\nXORQ DX, DX\nDIVQ R13\nMOVQ AX, R14\nMOVQ DX, R15", w.arg(d, "length"))
	mask := func(name, count, k string) {
		w.p("MOVQ R10, CX\nXORL BX, BX\nMOVQ %[2]s, AX\n%[1]s:\nSHLL CX, BX\nORL $1, BX\nDECQ AX\nJGT %[1]s\nKMOVW BX, %[3]s", name, count, k)
	}
	mask("full", "R13", "K1")
	mask("last", "R15", "K2")
	add := func(k string) {
		w.p("VEXPANDPS.Z (AX), %[1]s, Z0\nVMOVUPS.Z (DX), %[1]s, Z1\nVADDPS Z1, Z0, Z0\nVMOVUPS Z0, %[1]s, (DX)", k)
	}
	w.p("MOVQ R13, BX\nIMULQ R10, BX\nSHLQ $2, BX\nSHLQ $2, R13") // a vector's way in dst and in src, in bytes
	w.p("run:\nMOVQ DI, DX\nMOVQ SI, AX\nMOVQ R14, CX\nTESTQ CX, CX\nJZ rest\nvector:")
	add("K1")
	w.p("ADDQ BX, DX\nADDQ R13, AX\nDECQ CX\nJNZ vector\nrest:\nTESTQ R15, R15\nJZ added")
	add("K2")
	w.p("added:\nADDQ R11, DI\nADDQ R12, SI\nDECQ R8\nJNZ run\nVZEROUPPER\nRET")
}
