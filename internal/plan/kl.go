package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// The divergence of a code from N(0, 1), beside what Loss and LossGrad give of
// op.KL.
const (
	KLMeans      Op = "kl-means"       // (sum)  means ← mu, logvar: of each dimension
	KLLogVar     Op = "kl-logvar"      // (rows) dlogvar ← logvar, [scalar]; Factor, Scaled
	KLMeansMu    Op = "kl-means-mu"    // (rows) dmu ← mu, dmeans
	KLMeansVar   Op = "kl-means-var"   // (rows) dlogvar ← logvar, dmeans
	FreeBits     Op = "free-bits"      // (sum)  value ← means; Number is the floor
	FreeBitsGrad Op = "free-bits-grad" // (sum)  dmeans ← means, [scalar]; Number, Factor, Scaled
)

var klFamily = family{
	decode: decodeKL,
	rules: []rule{
		{
			op: KLMeans, sum: true, dst: []role{whole}, src: []role{rows, rows},
			shapes: func(o operands) error {
				if mu, means := o.src(0), o.dst(0); len(mu) != 2 || !slices.Equal(mu, o.src(1)) || !slices.Equal(means, mu[1:]) {
					return errors.New("want means (Z) ← mu (B,Z), logvar (B,Z)")
				}
				return nil
			},
		},
		{op: KLLogVar, dst: []role{rows}, src: []role{rows}, scalar: maybe, alike: true, detail: factorText},
		{op: KLMeansMu, dst: []role{rows}, src: []role{rows, whole}, shapes: byDimension},
		{op: KLMeansVar, dst: []role{rows}, src: []role{rows, whole}, shapes: byDimension},
		{
			op: FreeBits, sum: true, dst: []role{whole}, src: []role{whole}, detail: floorText,
			shapes: func(o operands) error {
				if len(o.dst(0)) != 0 || len(o.src(0)) != 1 {
					return errors.New("want a scalar ← means (Z)")
				}
				return nil
			},
		},
		{
			op: FreeBitsGrad, sum: true, dst: []role{whole}, src: []role{whole}, scalar: maybe, alike: true,
			detail: func(in Instr) string { return floorText(in) + factorText(in) },
		},
	},
}

// floorText is what a dimension counts at least.
func floorText(in Instr) string { return fmt.Sprintf(" from %g", in.Number) }

func byDimension(o operands) error {
	x, means := o.src(0), o.src(1)
	if len(x) != 2 || len(means) != 1 || means[0] != x[1] || !slices.Equal(x, o.dst(0)) {
		return errors.New("want (B,Z) ← (B,Z), (Z)")
	}
	return nil
}

func decodeKL(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.KLMeansDef:
		if err := d.checkRowWeights(n); err != nil {
			return 0, err
		}
		return d.emit(n, Instr{Op: KLMeans}, n.in[:2]...)
	case op.KLGradDef:
		return d.klGrad(n, def)
	case op.FreeBitsDef:
		return d.emit(n, Instr{Op: FreeBits, Number: def.Floor}, n.in...)
	case op.FreeBitsGradDef:
		factor, scalar, err := d.upstream(n.in[1])
		if err != nil {
			return 0, fmt.Errorf("node %q: the loss is scaled by %w", n.Name(), err)
		}
		in := Instr{Op: FreeBitsGrad, Number: def.Floor, Factor: factor, Scaled: scalar != nil}
		return d.emit(n, in, append(n.in[:1:1], scalar...)...)
	}
	return 0, errUnknown
}

// klGrad is the gradient of one mean, or of a mean for each dimension.
func (d *decoder) klGrad(n node, def op.KLGradDef) (int, error) {
	if err := d.checkRowWeights(n); err != nil {
		return 0, err
	}
	if len(n.in[1].Shape()) > 0 {
		in := Instr{Op: KLMeansMu}
		if def.LogVar {
			in.Op = KLMeansVar
		}
		return d.emit(n, in, n.in[:2]...)
	}
	if !def.LogVar {
		return 0, errUnknown // a LossGrad
	}
	factor, scalar, err := d.upstream(n.in[1])
	if err != nil {
		return 0, fmt.Errorf("node %q: the loss is scaled by %w", n.Name(), err)
	}
	return d.emit(n, Instr{Op: KLLogVar, Factor: factor, Scaled: scalar != nil}, append(n.in[:1:1], scalar...)...)
}
