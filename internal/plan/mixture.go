package plan

import (
	"errors"
	"slices"

	"aegis/model/op"
)

// What is drawn of noise.
const (
	Mixture Op = "mixture" // (rows) z ← normal, uniform: a draw of K Gaussians on a circle
)

var mixtureFamily = family{
	decode: func(d *decoder, n node) (int, error) {
		if def, ok := n.def.(op.MixtureDef); ok {
			return d.emit(n, Instr{Op: Mixture, K: def.Mixture.Components}, n.in...)
		}
		return 0, errUnknown
	},
	rules: []rule{{
		op: Mixture, dst: []role{rows}, src: []role{rows, rows}, detail: kText,
		shapes: func(o operands) error {
			normal, uniform := o.src(0), o.src(1)
			if len(normal) != 2 || normal[1] != 2 || !slices.Equal(o.dst(0), normal) || !slices.Equal(uniform, []int{normal[0], 1}) {
				return errors.New("want (B,2) ← (B,2), (B,1)")
			}
			return op.Mixture{Components: o.in.K}.Validate()
		},
	}},
}
