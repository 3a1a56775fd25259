package asm

import (
	"fmt"
	"slices"
)

// products adds A·B, row after row of B, by loops that suit how A lies:
//
//   - four:    columns of A lie together. Each row's next four values are one
//     vector, and its lanes multiply four rows of B.
//   - columns: rows of A lie together, as in a transposed A and in copies. A
//     column's values are one or two vectors, and their lanes multiply a row of B.
//   - one:     any other A, and what is left of four. A row's value fills a
//     vector.
//
// Around them is a loop over runs.
func (c neonTile) products() {
	c.field("b", "R7")
	c.point("R7")
	c.field("runs", runsLeft)
	c.field("a", c.rowPointer(0))
	c.field("atA", "R7")
	c.p("ADD R7, %[1]s, %[1]s", c.rowPointer(0))
	c.field("rowA", "R21")
	if c.rows > 1 {
		c.p("CMP $4, R21\nBEQ byColumns")
	}
	for r := 1; r < c.rows; r++ {
		c.p("ADD R21, %s, %s", c.rowPointer(r-1), c.rowPointer(r))
	}
	c.byRows()
	if c.rows > 1 {
		c.p("B multiplied")
		c.byColumns()
	}
	c.p("multiplied:")
}

// rowPointer is the register that points into a row of A, or to a group of rows
// that lie together.
func (c neonTile) rowPointer(i int) string {
	return []string{"R13", "R14", "R15", "R16", "R17", "R19"}[i]
}

// byRows has a pointer for each row of A: the loops four and one.
func (c neonTile) byRows() {
	c.p("rowsRun:")
	c.field("k", columnsLeft)
	c.p("CMP $4, %s\nBNE one\nSUBS $4, %[2]s, %[2]s\nBLT rest\nPCALIGN $16\nfour:", colA, columnsLeft)
	a := func(row int) string { return c.spare(row) }
	for r := range c.rows {
		c.p("FMOVQ.P 16(%s), %s", c.rowPointer(r), as("F", a(r)))
	}
	for lane := range 4 {
		c.addRow(c.rows, func(row int, b, sum string) { c.mulAddLane(sum, b, a(row), lane) })
	}
	c.p("SUBS $4, %[1]s, %[1]s\nBGE four\nrest:\nADDS $4, %[1]s, %[1]s\nBEQ rowsEnd\nPCALIGN $16\none:", columnsLeft)
	c.oneColumn()
	c.p("SUBS $1, %[1]s, %[1]s\nBNE one\nrowsEnd:", columnsLeft)
	c.nextRun("rowsRun", c.rows)
}

// nextRun goes back for another run, if there is one.
func (c neonTile) nextRun(label string, pointers int) {
	c.p("SUBS $1, %[1]s, %[1]s\nBEQ multiplied", runsLeft)
	for i := range pointers {
		c.p("ADD %s, %[2]s, %[2]s", jumpA, c.rowPointer(i))
	}
	c.p("B %s", label)
}

// oneColumn adds a column of A times a row of B.
func (c neonTile) oneColumn() {
	b := c.loadRow(0)
	left := c.regs - c.rows*c.vecs - c.vecs
	for r := range c.rows {
		a := c.spare(c.vecs + r%left)
		c.p("VLD1R.P (%s)(%s), [%s.S4]", c.rowPointer(r), colA, a)
		for v := range c.vecs {
			c.p("VFMLA %s.S4, %s.S4, %s.S4", a, b(v), c.sum(r, v))
		}
	}
}

// loadRow loads a row of B to spare registers from first, all of it.
func (c neonTile) loadRow(first int) (b func(vec int) string) {
	b = func(vec int) string { return c.spare(first + vec) }
	for i := range c.pieces {
		c.load(i, ldB, b)
	}
	return b
}

// addRow adds a row of B times a column of A, which add multiplies by. B has the
// spare registers from first: where they are too few for the row, its pieces
// come one after the other.
func (c neonTile) addRow(first int, add func(row int, b, sum string)) {
	if c.regs-c.rows*c.vecs-first >= c.vecs {
		b := c.loadRow(first)
		for r := range c.rows {
			for v := range c.vecs {
				add(r, b(v), c.sum(r, v))
			}
		}
		return
	}
	for i, p := range c.pieces {
		b := func(vec int) string { return c.spare(first + vec - p.vec) }
		c.load(i, ldB, b)
		for r := range c.rows {
			for v := p.vec; v < p.vec+p.vectors; v++ {
				add(r, b(v), c.sum(r, v))
			}
		}
	}
}

// byColumns has a pointer for each group of 4, 2 and 1 rows of A: two columns a
// round.
func (c neonTile) byColumns() {
	groups := slices.DeleteFunc([]int{4, 2, 1}, func(n int) bool { return c.rows&n == 0 })
	c.p("byColumns:")
	for i := 1; i < len(groups); i++ {
		c.p("ADD $%d, %s, %s", 4*groups[i-1], c.rowPointer(i-1), c.rowPointer(i))
	}
	c.p("columnsRun:")
	c.field("k", columnsLeft)
	c.p("SUBS $2, %[1]s, %[1]s\nBLT last\nPCALIGN $16\ncolumns:", columnsLeft)
	c.columnOf(groups)
	c.columnOf(groups)
	c.p("SUBS $2, %[1]s, %[1]s\nBGE columns\nlast:\nTBZ $0, %[1]s, columnsEnd", columnsLeft) // -1 is odd: one is left
	c.columnOf(groups)
	c.p("columnsEnd:")
	c.nextRun("columnsRun", len(groups))
}

// columnOf adds a column of A, whose rows lie together in groups, times a row of
// B.
func (c neonTile) columnOf(groups []int) {
	for i, n := range groups {
		to := fmt.Sprintf("VLD1.P (%s)(%s), [%s.S%d]", c.rowPointer(i), colA, c.spare(i), n)
		if n == 1 {
			to = fmt.Sprintf("VLD1R.P (%s)(%s), [%s.S4]", c.rowPointer(i), colA, c.spare(i))
		}
		c.p("%s", to)
	}
	c.addRow(len(groups), func(row int, b, sum string) {
		group := 0
		for row >= groups[group] {
			row -= groups[group]
			group++
		}
		c.mulAddLane(sum, b, c.spare(group), row)
	})
}
