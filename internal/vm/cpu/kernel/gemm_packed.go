package kernel

import "unsafe"

// gemmPacked computes a big product from copies: a block of A tile by tile,
// column after column of each; a block of B panel by panel, row after row. K
// is above 0.
func (s *Set) gemmPacked(p *Product, scratch *Scratch) {
	c, t := s.tiles, &scratch.tile
	a, b := scratch.a[:], scratch.b[:]
	t.next, t.panel = 0, 0
	depth, width := blockDepth(p.K, packDepth), c.vecs*c.lanes
	t.rowA, t.colA, t.ldB = float, uintptr(c.rows)*float, uintptr(width)*float
	most := packRows / c.rows * c.rows
	for i := 0; i < p.M; i += most {
		rows := min(most, p.M-i)
		for k := 0; k < p.K; k += depth {
			kc := min(depth, p.K-k)
			t.runs = 1
			t.block(p, k, kc)
			t.flags |= fetchC
			t.stepA, t.stepC, t.stepY = uintptr(c.rows*kc)*float, uintptr(c.rows)*t.ldC, uintptr(c.rows)*t.ldY
			s.packA(a, p, i, rows, k, kc)
			for j := 0; j < p.N; j += packCols {
				cols := min(packCols, p.N-j)
				packB(b, p, k, kc, j, cols, width)
				c.packedBlock(t, p, a, b, i, rows, j, cols)
			}
		}
	}
}

// packedBlock computes rows i to i+rows of columns j to j+cols from the copies
// of a block of A and a block of B.
func (c *tiles) packedBlock(t *tile, p *Product, a, b []float32, i, rows, j, cols int) {
	near, width := nearRows/c.rows*c.rows, c.vecs*c.lanes
	for r := 0; r < rows; r += near {
		high := min(near, rows-r)
		for q := 0; q < cols; q += width {
			t.a, t.b = at(a, r*t.k), at(b, q*t.k)
			c.packedPanel(t, p, place{i: i + r, j: j + q, cols: min(width, cols-q)}, high)
		}
	}
}

// packedPanel computes rows of a panel's columns.
func (c *tiles) packedPanel(t *tile, p *Product, at place, rows int) {
	count, rest := rows/c.rows, rows%c.rows
	switch {
	case count > 0 && at.cols == c.vecs*c.lanes:
		t.place(p, at, count)
		t.tail = c.lanes
		c.packed(t)
	case count > 0:
		c.run(t, p, at, c.rows, count)
	}
	if rest > 0 {
		t.a = unsafe.Add(t.a, uintptr(count)*t.stepA)
		at.i += count * c.rows
		c.run(t, p, at, rest, 1)
	}
}

// packA copies rows i to i+rows, columns k to k+kc of A: for each tile its
// columns one after the other.
func (s *Set) packA(dst []float32, p *Product, i, rows, k, kc int) {
	const group = 32 // tiles whose columns are read together: whole cache lines
	high := s.tiles.rows
	for r := 0; r < rows; r += group * high {
		n := min(group*high, rows-r)
		src := p.A[(i+r)*p.RowA+k*p.ColA:]
		if p.ColA != 1 {
			packColumns(dst[r*kc:], src, p.RowA, p.ColA, n, kc, high)
			continue
		}
		for q := 0; q < n; q += high {
			s.transpose(dst[(r+q)*kc:], high, src[q*p.RowA:], p.RowA, min(high, n-q), kc)
		}
	}
}

// packColumns is packA for an A whose columns are not next to each other.
func packColumns(dst, src []float32, rowA, colA, rows, kc, high int) {
	for q := range kc {
		column := src[q*colA:]
		for r := 0; r < rows; r += high {
			n := min(high, rows-r)
			to := dst[r*kc+q*high:][:n]
			if rowA == 1 {
				copy(to, column[r:])
				continue
			}
			for l := range to {
				to[l] = column[(r+l)*rowA]
			}
		}
	}
}

// packB copies rows k to k+kc, columns j to j+cols of B: panels of width
// columns, one after the other.
func packB(dst []float32, p *Product, k, kc, j, cols, width int) {
	for q := range kc {
		src := p.B[(k+q)*p.LdB+j:][:cols]
		for c := 0; c < cols; c += width {
			copy(dst[c*kc+q*width:], src[c:min(c+width, cols)])
		}
	}
}
