package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// The likelihood of rows under a normal distribution whose deviation is learned,
// from the mean of the sum of squares.
const (
	Gaussian     Op = "gaussian"      // (sum) value ← square, logsigma; Number is the values in a row
	Precision    Op = "precision"     // (sum) precision ← logsigma: what the squares are weighed by
	GaussianGrad Op = "gaussian-grad" // (sum) dlogsigma ← square, logsigma, [scalar]; Number, Factor, Scaled
)

var gaussianFamily = family{
	decode: decodeGaussian,
	rules: []rule{
		{op: Gaussian, sum: true, dst: []role{whole}, src: []role{whole, whole}, shapes: deviation, detail: valuesText},
		{op: Precision, sum: true, dst: []role{whole}, src: []role{whole}, shapes: deviation},
		{
			op: GaussianGrad, sum: true, dst: []role{whole}, src: []role{whole, whole}, scalar: maybe, shapes: deviation,
			detail: func(in Instr) string { return valuesText(in) + factorText(in) },
		},
	},
}

func valuesText(in Instr) string { return fmt.Sprintf(" of %g", in.Number) }

// deviation wants the logarithm of one deviation behind a square, where there
// is one, and what comes of it.
func deviation(o operands) error {
	last := len(o.in.Op.rule().src) - 1
	want := []int(nil)
	if o.in.Op == GaussianGrad {
		want = []int{1}
	}
	if !slices.Equal(o.src(last), []int{1}) || last == 1 && len(o.src(0)) != 0 || !slices.Equal(o.dst(0), want) {
		return errors.New("want the logarithm of a deviation (1), behind a scalar where it weighs one")
	}
	return nil
}

func decodeGaussian(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.GaussianDef:
		return d.emit(n, Instr{Op: Gaussian, Number: float64(def.Values)}, n.in...)
	case op.PrecisionDef:
		return d.emit(n, Instr{Op: Precision}, n.in...)
	case op.GaussianGradDef:
		factor, scalar, err := d.upstream(n.in[2])
		if err != nil {
			return 0, fmt.Errorf("node %q: the loss is scaled by %w", n.Name(), err)
		}
		in := Instr{Op: GaussianGrad, Number: float64(def.Values), Factor: factor, Scaled: scalar != nil}
		return d.emit(n, in, append(n.in[:2:2], scalar...)...)
	}
	return 0, errUnknown
}
