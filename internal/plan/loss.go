package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
	"aegis/model/program"
)

// Losses. The weights of rows are no operand: a VM is told how many rows count.
const (
	Loss     Op = "loss"      // (rows, then sum) value ← pred, target; Loss
	LossGrad Op = "loss-grad" // (rows, then sum) value, dpred ← pred, target, [scalar], [y]; Loss, Factor, Scaled, Slope
)

var lossFamily = family{
	decode: decodeLoss,
	rules: []rule{
		{
			op: Loss, dst: []role{whole}, src: []role{rows, rows},
			shapes: lossShapes, detail: lossDetail,
		},
		{
			op: LossGrad, dst: []role{whole, rows}, src: []role{rows, rows}, slope: maybe, scalar: maybe,
			name:   func(_ Instr, of names) string { return of(0) + ".grad" },
			shapes: lossShapes, detail: lossDetail,
			beside: func(*Plan, Instr) (name string, shape []int) { return string(Loss), nil },
		},
	},
}

func decodeLoss(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.LossDef:
		if err := d.checkRowWeights(n); err != nil {
			return 0, err
		}
		return d.emit(n, Instr{Op: Loss, Loss: def.Loss}, n.in[:2]...)
	case op.LossGradDef:
		if err := d.checkRowWeights(n); err != nil {
			return 0, err
		}
		factor, scalar, err := d.upstream(n.in[3])
		if err != nil {
			return 0, fmt.Errorf("node %q: the loss is scaled by %w", n.Name(), err)
		}
		return d.emit(n, Instr{Op: LossGrad, Loss: def.Loss, Factor: factor, Scaled: scalar != nil}, append(n.in[:2:2], scalar...)...)
	}
	return 0, errUnknown
}

func (d *decoder) checkRowWeights(n node) error { return d.checkWeights(n, min(2, len(n.in)-1)) }

// checkWeights wants an operand to be the weights of rows.
func (d *decoder) checkWeights(n node, at int) error {
	last := n.in[at]
	if w := d.graph.Input(last); w == nil || w.Kind != program.InputWeights {
		return fmt.Errorf("node %q: its rows are weighted by %q; want the graph's weights", n.Name(), last.Name())
	}
	return nil
}

func lossShapes(o operands) error {
	pred := o.src(0)
	if len(o.dst(0)) != 0 || !slices.Equal(pred, o.src(1)) || len(o.in.Dst) > 1 && !slices.Equal(pred, o.dst(1)) {
		return errors.New("want a scalar ← pred (B,…), target (B,…)")
	}
	return o.in.Loss.Validate()
}

func lossDetail(in Instr) string {
	text := in.Loss.String()
	if in.Op == LossGrad {
		text += factorText(in)
	}
	return text
}
