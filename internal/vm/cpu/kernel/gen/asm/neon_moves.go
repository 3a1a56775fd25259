package asm

func (w arm) moves() {}
