#include "textflag.h"

// func loadFPCR() uint64
TEXT ·loadFPCR(SB), NOSPLIT, $0-8
	MOVD FPCR, R0
	MOVD R0, ret+0(FP)
	RET

// func storeFPCR(v uint64)
TEXT ·storeFPCR(SB), NOSPLIT, $0-8
	MOVD v+0(FP), R0
	MOVD R0, FPCR
	RET

// func Prefetch(p []byte)
TEXT ·Prefetch(SB), NOSPLIT, $0-24
	MOVD p_base+0(FP), R0
	MOVD p_len+8(FP), R1
	ADD  R0, R1
	AND  $~63, R0
line:
	CMP  R1, R0
	BHS  done
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	B    line
done:
	RET
