#include "textflag.h"

// func loadMXCSR() uint32
TEXT ·loadMXCSR(SB), NOSPLIT, $0-4
	STMXCSR ret+0(FP)
	RET

// func storeMXCSR(v uint32)
TEXT ·storeMXCSR(SB), NOSPLIT, $0-4
	LDMXCSR v+0(FP)
	RET

// func cpuid() (bx, dx, cx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-12
	XORL AX, AX
	XORL CX, CX
	CPUID
	MOVL BX, bx+0(FP)
	MOVL DX, dx+4(FP)
	MOVL CX, cx+8(FP)
	RET

// func Prefetch(p []byte)
TEXT ·Prefetch(SB), NOSPLIT, $0-24
	MOVQ p_base+0(FP), SI
	MOVQ p_len+8(FP), CX
	ADDQ SI, CX
	ANDQ $~63, SI
line:
	CMPQ SI, CX
	JGE  done
	PREFETCHT0 (SI)
	ADDQ $64, SI
	JMP  line
done:
	RET
