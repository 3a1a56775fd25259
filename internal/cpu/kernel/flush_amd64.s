#include "textflag.h"

// func loadMXCSR() uint32
TEXT ·loadMXCSR(SB), NOSPLIT, $0-4
	STMXCSR ret+0(FP)
	RET

// func storeMXCSR(v uint32)
TEXT ·storeMXCSR(SB), NOSPLIT, $0-4
	LDMXCSR v+0(FP)
	RET
