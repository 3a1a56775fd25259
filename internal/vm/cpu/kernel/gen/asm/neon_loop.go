package asm

func (w arm) loop(k kernel) {}
