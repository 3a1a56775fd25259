package ptxsim

// instruction decodes one instruction that only computes or moves data.
func (d *decoder) instruction(in *instr) exec {
	switch in.parts[0] {
	case "add", "sub", "mul", "mad", "fma", "min", "max", "abs", "neg", "div", "rem", "addc", "subc", "madc", "mul24", "mad24", "sad":
		return d.arithmetic(in)
	case "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh", "copysign", "testp":
		return d.function(in)
	case "and", "or", "xor", "not", "shl", "shr", "shf", "bfe", "bfi", "popc", "clz", "brev", "bfind", "prmt", "lop3", "cnot", "bmsk", "dp4a", "dp2a":
		return d.logic(in)
	case "setp", "set", "selp", "slct":
		return d.compare(in)
	case "mov", "cvta", "cvt":
		return d.move(in)
	case "ld", "ldu", "st", "prefetch", "prefetchu", "discard", "applypriority", "isspacep":
		return d.memory(in)
	case "atom", "red":
		return d.atomic(in)
	case "cp":
		return d.asyncCopy(in)
	case "shfl", "vote", "activemask", "match", "redux", "elect":
		return d.warpOp(in)
	case "mma", "ldmatrix":
		return d.matrix(in)
	case "membar", "fence", "nanosleep", "pmevent":
		return func(*warp, uint32) {}
	case "trap", "brkpt":
		return func(w *warp, m uint32) { w.fail(lane(m), Trap, "the kernel executed trap") }
	}
	d.fail(in, "unknown instruction")
	return nil
}
