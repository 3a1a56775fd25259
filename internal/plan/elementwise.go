package plan

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"

	"aegis/model/op"
)

// What works value by value.
const (
	Add       Op = "add"        // (rows) c ← a, b
	AddSums   Op = "add-sums"   // (sum)  c ← a, b: gradients of one parameter, or loss terms
	Mul       Op = "mul"        // (rows) c ← a, b
	Scale     Op = "scale"      // (rows) y ← x, [scalar]; Factor, Scaled
	ScaleSums Op = "scale-sums" // (sum)  y ← x, [scalar], of a loss term; Factor, Scaled
	Lerp      Op = "lerp"       // (sum)  c ← a, b: a + Factor·(b − a), of what a step keeps
)

var elementwiseFamily = family{
	decode: decodeElementwise,
	rules: []rule{
		{op: Add, dst: []role{rows}, src: []role{rows, rows}, alike: true},
		{op: AddSums, sum: true, dst: []role{whole}, src: []role{whole, whole}, alike: true},
		{op: Mul, dst: []role{rows}, src: []role{rows, rows}, alike: true},
		{op: Scale, dst: []role{rows}, src: []role{rows}, scalar: maybe, alike: true, detail: factorText},
		{op: ScaleSums, sum: true, dst: []role{whole}, src: []role{whole}, scalar: maybe, alike: true, detail: factorText},
		{op: Lerp, sum: true, dst: []role{whole}, src: []role{whole, whole}, alike: true, detail: factorText},
	},
}

// factorText is what a result is multiplied by, where it is not 1.
func factorText(in Instr) string {
	text := ""
	if in.Factor != 1 {
		text = fmt.Sprintf(" ×%g", in.Factor)
	}
	if in.Scaled {
		text += " ×scalar"
	}
	return text
}

func decodeElementwise(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.AddDef:
		return d.sum(n)
	case op.MulDef:
		return d.emit(n, Instr{Op: Mul}, n.in...)
	case op.LerpDef:
		return d.emit(n, Instr{Op: Lerp, Factor: def.Weight}, n.in...)
	case op.ScaleDef:
		src, err := d.sources(n.in[:1])
		if err != nil {
			return 0, err
		}
		in := Instr{Op: Scale, Factor: def.Factor, Scaled: len(n.in) > 1}
		if !d.rows[src[0]] {
			in.Op = ScaleSums
		}
		return d.emit(n, in, n.in...)
	}
	if isAdd(n) {
		return d.sum(n)
	}
	return 0, errUnknown
}

// sum adds rows, gradients of one parameter, or terms of a loss.
func (d *decoder) sum(n node) (int, error) {
	src, err := d.sources(n.in)
	if err != nil {
		return 0, err
	}
	if d.rows[src[0]] != d.rows[src[1]] {
		return 0, errUnknown
	}
	for _, s := range src {
		if d.plan.Buffers[s].Kind == Param {
			return 0, errUnknown
		}
	}
	if d.rows[src[0]] {
		return d.emit(n, Instr{Op: Add}, n.in...)
	}
	return d.emit(n, Instr{Op: AddSums}, n.in...)
}

// upstream takes the gradient that reaches a loss term apart: a factor, and at
// most one scalar that changes from step to step.
func (d *decoder) upstream(n *G.Node) (factor float64, scalar []*G.Node, err error) {
	if c, ok := n.Op().(interface{ Value() G.Value }); ok && c.Value() != nil {
		if v, ok := c.Value().Data().(float32); ok {
			return float64(v), nil, nil
		}
	}
	own, ok := n.Op().(*op.Op)
	if !ok {
		return 0, nil, fmt.Errorf("%q; want the constant 1, or op.Scale and op.ScaleBy of it", n.Name())
	}
	def, ok := own.Definition.(op.ScaleDef)
	if !ok {
		return 0, nil, fmt.Errorf("%q; want the constant 1, or op.Scale and op.ScaleBy of it", n.Name())
	}
	in := children(d.graph, n)
	if factor, scalar, err = d.upstream(in[0]); err != nil {
		return 0, nil, err
	}
	if len(in) > 1 {
		scalar = append(scalar, in[1])
	}
	if len(scalar) > 1 {
		return 0, nil, fmt.Errorf("%d scalars; want one at most: let the program multiply them", len(scalar))
	}
	return factor * def.Factor, scalar, nil
}

// isAdd recognises what gorgonia.Grad adds up the gradients of one node with.
// Gorgonia does not export that op's type.
func isAdd(n node) bool {
	return fmt.Sprintf("%T", n.Op()) == "gorgonia.elemBinOp" && strings.HasPrefix(n.Op().String(), "+ ") &&
		len(n.in) == 2 && n.in[0].Shape().Eq(n.in[1].Shape())
}
