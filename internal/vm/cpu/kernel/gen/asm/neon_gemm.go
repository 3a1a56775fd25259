package asm

func (w arm) gemm() {}
