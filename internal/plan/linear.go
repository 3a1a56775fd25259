package plan

import (
	"errors"
	"slices"
	"strings"

	"aegis/model/op"
	"aegis/model/program"
)

// Fully-connected layers.
const (
	Linear   Op = "linear"    // (rows) y ← x, w, b; Activation
	LinearDX Op = "linear-dx" // (rows) dx ← dz, w, [y]; Slope
	LinearDW Op = "linear-dw" // (sum)  dw, db ← dz, x, [slots…]; Update

	biasGrad Op = "bias-grad" // (sum) db ← dz; part of a weight gradient
)

var linearFamily = family{
	decode: decodeLinear,
	rules: []rule{
		{
			op: Linear, layer: Linear, dst: []role{rows}, src: []role{rows, weights, whole}, activation: true,
			shapes: func(o operands) error { return linearShapes(o.src(0), o.dst(0), o.src(1), o.src(2)) },
			flops:  linearFLOPs, name: layerName,
		},
		{
			op: LinearDX, layer: Linear, dst: []role{rows}, src: []role{rows, weights}, slope: maybe,
			shapes: func(o operands) error { return linearShapes(o.dst(0), o.src(0), o.src(1), nil) },
			flops:  linearFLOPs, name: dxName,
		},
		{
			op: LinearDW, layer: Linear, sum: true, dst: []role{weights, whole}, src: []role{rows, rows}, merges: true,
			shapes: func(o operands) error { return linearShapes(o.src(1), o.src(0), o.dst(0), o.dst(1)) },
			flops:  linearFLOPs, beside: biasBeside,
		},
		{
			op: biasGrad, sum: true, dst: []role{whole}, src: []role{rows}, graphOnly: true,
			shapes: func(o operands) error {
				if dz, db := o.src(0), o.dst(0); len(db) != 1 || len(dz) < 2 || dz[1] != db[0] {
					return errors.New("want dz (B,O,…), db (O)")
				}
				return nil
			},
		},
	},
}

func decodeLinear(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.LinearDef:
		return d.emit(n, Instr{Op: Linear, Activation: def.Activation}, n.in...)
	case op.LinearDXDef:
		return d.emit(n, Instr{Op: LinearDX}, n.in...)
	case op.LinearDWDef:
		return d.emit(n, Instr{Op: LinearDW}, n.in...)
	case op.BiasGradDef:
		return d.emit(n, Instr{Op: biasGrad}, n.in...)
	}
	return 0, errUnknown
}

// linearShapes checks x (B,I), y (B,O), w (O,I), b (O), or nil where there is
// none.
func linearShapes(x, y, w, b []int) error {
	if len(x) != 2 || len(y) != 2 || len(w) != 2 || x[0] != y[0] || w[0] != y[1] || w[1] != x[1] ||
		b != nil && !slices.Equal(b, y[1:]) {
		return errors.New("want inputs (B,I), outputs (B,O), weights (O,I), bias (O)")
	}
	return nil
}

// linearFLOPs multiplies and adds every weight once a row.
func linearFLOPs(p *Plan, in Instr) float64 { return p.productFLOPs(in, p.Batch) }

// productFLOPs counts the multiplications and additions of every weight at a
// number of positions.
func (p *Plan) productFLOPs(in Instr, positions int) float64 {
	return 2 * float64(program.Size(p.Buffers[in.weightsOf()].Shape)) * float64(positions)
}

// layerName is the name of a layer: that of its weights without the last part.
func layerName(_ Instr, of names) string { return strings.TrimSuffix(of(1), ".weight") }

func dxName(in Instr, of names) string { return layerName(in, of) + ".dx" }

// biasBeside is the gradient of a bias beside that of the weights.
func biasBeside(p *Plan, in Instr) (name string, shape []int) {
	return string(biasGrad), p.Buffers[in.Src[0]].Shape[1:2]
}
