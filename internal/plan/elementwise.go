package plan

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
)

// Sums of two buffers.
const (
	Add     Op = "add"      // (rows) c ← a, b
	AddSums Op = "add-sums" // (sum)  c ← a, b: gradients of one parameter, or loss terms
)

var elementwiseFamily = family{
	decode: decodeElementwise,
	rules: []rule{
		{op: Add, dst: []role{rows}, src: []role{rows, rows}, alike: true},
		{op: AddSums, sum: true, dst: []role{whole}, src: []role{whole, whole}, alike: true},
	},
}

// decodeElementwise adds up gradients, or terms of a loss.
func decodeElementwise(d *decoder, n node) (int, error) {
	if !isAdd(n) {
		return 0, errUnknown
	}
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

// isAdd recognises what gorgonia.Grad adds up the gradients of one node with.
// Gorgonia does not export that op's type.
func isAdd(n node) bool {
	return fmt.Sprintf("%T", n.Op()) == "gorgonia.elemBinOp" && strings.HasPrefix(n.Op().String(), "+ ") &&
		len(n.in) == 2 && n.in[0].Shape().Eq(n.in[1].Shape())
}

// isOne recognises the constant 1 that gorgonia.Grad starts from.
func isOne(n *G.Node) bool {
	c, ok := n.Op().(interface{ Value() G.Value })
	if !ok || c.Value() == nil {
		return false
	}
	return c.Value().Data() == float32(1)
}
