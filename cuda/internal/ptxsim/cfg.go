package ptxsim

// noJoin is the reconvergence point of a branch whose ways meet only at the
// end of the kernel.
const noJoin = -1

// successors lists where control may go behind instruction i of n; n is the
// exit.
func successors(code []inst, i int) []int {
	in := &code[i]
	switch {
	case in.kind == kindBranch && in.pred < 0:
		return []int{int(in.target)}
	case in.kind == kindBranch:
		return []int{i + 1, int(in.target)}
	case in.kind == kindExit && in.pred < 0:
		return []int{len(code)}
	case in.kind == kindExit:
		return []int{i + 1, len(code)}
	}
	return []int{i + 1}
}

// basicBlocks returns the first instruction of every block in order, and the
// block of every instruction. One more block stands for the exit.
func basicBlocks(code []inst) (starts, of []int) {
	leader := make([]bool, len(code)+1)
	leader[0], leader[len(code)] = true, true
	for i := range code {
		if code[i].kind == kindBranch || code[i].kind == kindExit {
			leader[i+1] = true
		}
		if code[i].kind == kindBranch {
			leader[code[i].target] = true
		}
	}
	of = make([]int, len(code)+1)
	for i := range leader {
		if leader[i] {
			starts = append(starts, i)
		}
		of[i] = len(starts) - 1
	}
	return starts, of
}

// joins sets the reconvergence point of every conditional branch: the
// immediate post-dominator of its block, by the iterative algorithm of
// Cooper, Harvey and Kennedy on the reversed graph.
func joins(code []inst) {
	starts, of := basicBlocks(code)
	exit := len(starts) - 1
	succ := make([][]int, len(starts))
	pred := make([][]int, len(starts))
	for b := range exit {
		for _, s := range successors(code, starts[b+1]-1) {
			succ[b] = append(succ[b], of[s])
			pred[of[s]] = append(pred[of[s]], b)
		}
	}
	order, number := reversePostorder(pred, exit)
	idom := make([]int, len(starts))
	for i := range idom {
		idom[i] = noJoin
	}
	idom[exit] = exit
	for changed := true; changed; {
		changed = false
		for _, b := range order {
			if b == exit {
				continue
			}
			if d := meet(succ[b], idom, number); d != idom[b] {
				idom[b], changed = d, true
			}
		}
	}
	for i := range code {
		if code[i].kind != kindBranch {
			continue
		}
		code[i].join = noJoin
		if d := idom[of[i]]; d != noJoin && d != exit {
			code[i].join = int32(starts[d])
		}
	}
}

// meet returns the closest common post-dominator of the successors.
func meet(succ, idom, number []int) int {
	d := noJoin
	for _, s := range succ {
		switch {
		case idom[s] == noJoin:
		case d == noJoin:
			d = s
		default:
			for a := s; a != d; {
				for number[a] > number[d] {
					a = idom[a]
				}
				for number[d] > number[a] {
					d = idom[d]
				}
			}
		}
	}
	return d
}

// reversePostorder orders the blocks from the exit along edges, and numbers
// them in that order. Blocks that never reach the exit are left out.
func reversePostorder(edges [][]int, exit int) (order, number []int) {
	seen := make([]bool, len(edges))
	var post []int
	var visit func(b int)
	visit = func(b int) {
		seen[b] = true
		for _, p := range edges[b] {
			if !seen[p] {
				visit(p)
			}
		}
		post = append(post, b)
	}
	visit(exit)
	number = make([]int, len(edges))
	for i := range post {
		b := post[len(post)-1-i]
		order = append(order, b)
		number[b] = i
	}
	return order, number
}
