package ptxsim

// The loops over lanes. A full warp takes the first loop of each.

// un32 applies f to 32-bit lanes.
func un32(d, a int, f func(x uint32) uint32) exec {
	return func(w *warp, m uint32) {
		D, A := w.lanes32(d), w.lanes32(a)
		if m == full {
			for l := range D {
				D[l] = f(A[l])
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = f(A[l])
		}
	}
}

// bin32 applies f to pairs of 32-bit lanes.
func bin32(d, a, b int, f func(x, y uint32) uint32) exec {
	return func(w *warp, m uint32) {
		D, A, B := w.lanes32(d), w.lanes32(a), w.lanes32(b)
		if m == full {
			for l := range D {
				D[l] = f(A[l], B[l])
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = f(A[l], B[l])
		}
	}
}

// tri32 applies f to triples of 32-bit lanes.
func tri32(d, a, b, c int, f func(x, y, z uint32) uint32) exec {
	return func(w *warp, m uint32) {
		D, A, B, C := w.lanes32(d), w.lanes32(a), w.lanes32(b), w.lanes32(c)
		if m == full {
			for l := range D {
				D[l] = f(A[l], B[l], C[l])
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = f(A[l], B[l], C[l])
		}
	}
}

// bin64 applies f to pairs of 64-bit lanes.
func bin64(d, a, b int, f func(x, y uint64) uint64) exec {
	return func(w *warp, m uint32) {
		D, A, B := w.lanes64(d), w.lanes64(a), w.lanes64(b)
		if m == full {
			for l := range D {
				D[l] = f(A[l], B[l])
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = f(A[l], B[l])
		}
	}
}

// get reads one lane of a bank of any width.
func (w *warp) get(s src, l int) uint64 {
	if s.wide {
		return w.r64[s.off+l]
	}
	return uint64(w.r32[s.off+l])
}

// set writes one lane of a bank of any width.
func (w *warp) set(s src, l int, v uint64) {
	if s.wide {
		w.r64[s.off+l] = v
	} else {
		w.r32[s.off+l] = uint32(v)
	}
}

// mixed applies f to lanes of any widths; the first sources given count.
func mixed(d src, from []src, f func(x, y, z uint64) uint64) exec {
	var s [3]src
	copy(s[:], from)
	n := len(from)
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			var x, y, z uint64
			x = w.get(s[0], l)
			if n > 1 {
				y = w.get(s[1], l)
			}
			if n > 2 {
				z = w.get(s[2], l)
			}
			w.set(d, l, f(x, y, z))
		}
	}
}
