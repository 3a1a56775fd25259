package plan

import (
	"errors"
	"fmt"

	"aegis/model/op"
)

// Columns side by side.
const (
	Concat  Op = "concat"  // (rows) c ← a, b: columns of a, then of b
	Columns Op = "columns" // (rows) y ← x: as many columns as y has, from column Number on
)

var concatFamily = family{
	decode: decodeConcat,
	rules: []rule{
		{op: Concat, dst: []role{rows}, src: []role{rows, rows}, shapes: func(o operands) error {
			a, b, c := o.src(0), o.src(1), o.dst(0)
			if len(a) != 2 || len(b) != 2 || len(c) != 2 || c[1] != a[1]+b[1] {
				return errors.New("want (B,N+M) ← (B,N), (B,M)")
			}
			return nil
		}},
		{
			op: Columns, dst: []role{rows}, src: []role{rows},
			shapes: func(o operands) error {
				x, y := o.src(0), o.dst(0)
				if len(x) != 2 || len(y) != 2 || o.in.Number < 0 || int(o.in.Number)+y[1] > x[1] {
					return errors.New("want columns of (B,N)")
				}
				return nil
			},
			detail: func(in Instr) string { return fmt.Sprintf(" from %g", in.Number) },
		},
	},
}

func decodeConcat(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.ConcatDef:
		return d.emit(n, Instr{Op: Concat}, n.in...)
	case op.ColumnsDef:
		return d.emit(n, Instr{Op: Columns, Number: float64(def.From)}, n.in...)
	}
	return 0, errUnknown
}
