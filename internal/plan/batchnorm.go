package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// Batch norm. Moments are mean, biased and unbiased variance of each channel.
const (
	Moments         Op = "moments"           // (sum)  m ← x: (3,C)
	Track           Op = "track"             // (sum)  running ← running, m: running + Factor·(m[Moment] − running)
	BatchNorm       Op = "batch-norm"        // (rows) y ← x, m, γ, β; Factor is ε; Activation
	RunningNorm     Op = "running-norm"      // (rows) y ← x, mean, variance, γ, β; Factor is ε; Activation
	BatchNormDGamma Op = "batch-norm-dgamma" // (sum)  dγ, dβ ← dy, m, x; Factor is ε
	BatchNormDX     Op = "batch-norm-dx"     // (rows) dx ← dy, m, γ, dγ, dβ, x; Factor is ε
)

var batchNormFamily = family{
	decode: decodeBatchNorm,
	rules: []rule{
		{
			op: Moments, sum: true, dst: []role{whole}, src: []role{rows},
			shapes: func(o operands) error { return channelShapes(o.src(0), o.dst(0)) },
			name:   func(_ Instr, of names) string { return of(0) + ".moments" },
		},
		{
			op: Track, sum: true, dst: []role{whole}, src: []role{whole, whole},
			shapes: func(o operands) error {
				if r, m := o.src(0), o.src(1); !slices.Equal(r, o.dst(0)) || len(r) != 1 || !slices.Equal(m, []int{3, r[0]}) {
					return errors.New("want running (C) ← running (C), moments (3,C)")
				}
				return nil
			},
			detail: func(in Instr) string { return fmt.Sprintf(" moment %d", in.Moment) + factorText(in) },
		},
		{
			op: BatchNorm, dst: []role{rows}, src: []role{rows, whole, whole, whole}, activation: true,
			shapes: normShapes, name: normName, detail: epsilonText,
		},
		{
			op: RunningNorm, dst: []role{rows}, src: []role{rows, whole, whole, whole, whole}, activation: true,
			shapes: normShapes, name: normName, detail: epsilonText,
		},
		{
			op: BatchNormDGamma, sum: true, dst: []role{whole, whole}, src: []role{rows, whole, rows}, biased: true,
			shapes: func(o operands) error { return channelShapes(o.src(2), o.src(1), o.dst(0), o.dst(1)) },
			detail: epsilonText, beside: biasBeside,
		},
		{
			op: BatchNormDX, dst: []role{rows}, src: []role{rows, whole, whole, whole, whole, rows},
			shapes: func(o operands) error {
				if !slices.Equal(o.dst(0), o.src(0)) || !slices.Equal(o.dst(0), o.src(5)) {
					return errors.New("want dx, dy and x of one shape")
				}
				return channelShapes(o.src(0), o.src(1), o.src(2), o.src(3), o.src(4))
			},
			name: func(_ Instr, of names) string { return of(5) + ".grad" }, detail: epsilonText,
		},
	},
}

func decodeBatchNorm(d *decoder, n node) (int, error) {
	if len(n.in) == 0 {
		return 0, errUnknown
	}
	rest, last := n.in[:len(n.in)-1], len(n.in)-1
	in := Instr{}
	switch def := n.def.(type) {
	case op.MomentsDef:
		in.Op = Moments
	case op.BatchNormDef:
		in.Op, in.Factor = BatchNorm, def.Epsilon
	case op.BatchNormDGammaDef:
		in.Op, in.Factor = BatchNormDGamma, def.Epsilon
	case op.BatchNormDXDef:
		in.Op, in.Factor = BatchNormDX, def.Epsilon
	case op.RunningNormDef:
		return d.emit(n, Instr{Op: RunningNorm, Factor: def.Epsilon}, n.in...)
	case op.TrackDef:
		return d.emit(n, Instr{Op: Track, Factor: def.Weight, Moment: def.Moment}, n.in...)
	default:
		return 0, errUnknown
	}
	if err := d.checkWeights(n, last); err != nil {
		return 0, err
	}
	return d.emit(n, in, rest...)
}

// normShapes checks batch norm of either kind.
func normShapes(o operands) error {
	if !slices.Equal(o.src(0), o.dst(0)) {
		return errors.New("want x and y of one shape")
	}
	var rest [][]int
	for i := 1; i < len(o.in.Op.rule().src); i++ {
		rest = append(rest, o.src(i))
	}
	return channelShapes(o.src(0), rest...)
}

// channelShapes checks x (B,C,…) and moments (3,C) or values (C).
func channelShapes(x []int, rest ...[]int) error {
	ok := len(x) >= 2
	for _, s := range rest {
		ok = ok && (len(s) == 1 && s[0] == x[1] || len(s) == 2 && s[0] == 3 && s[1] == x[1])
	}
	if !ok {
		return errors.New("want x (B,C,…), moments (3,C), else a value for each channel (C)")
	}
	return nil
}

func normName(in Instr, of names) string { return of(0) + ".norm" }

func epsilonText(in Instr) string { return fmt.Sprintf(" ε %g", in.Factor) }
