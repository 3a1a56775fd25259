package plan

import (
	"errors"

	"aegis/model/op"
)

// Changes of shape.
const (
	Pack Op = "pack" // (rows) y ← x: each row's values in the order of x's shape, in y's shape and layout

	reshape Op = "reshape" // (rows) y ← x; a view, or a Pack
)

var reshapeFamily = family{
	decode: decodeReshape,
	rules: []rule{
		{op: Pack, dst: []role{rows}, src: []role{rows}, shapes: sameSize},
		{
			op: reshape, dst: []role{rows}, src: []role{rows}, graphOnly: true, shapes: sameSize,
			name: func(_ Instr, of names) string { return of(0) + ".view" },
		},
	},
}

func decodeReshape(d *decoder, n node) (int, error) {
	if _, ok := n.def.(op.ReshapeDef); !ok {
		return 0, errUnknown
	}
	return d.emit(n, Instr{Op: reshape}, n.in...)
}

func sameSize(o operands) error {
	if o.plan.Buffers[o.in.Src[0]].Size() != o.plan.Buffers[o.in.Dst[0]].Size() {
		return errors.New("want as many values")
	}
	return nil
}
