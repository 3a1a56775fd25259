package plan

import (
	"errors"
	"fmt"
	"slices"

	"aegis/model/op"
)

// What corrupts rows, keeps codes sparse and weights small.
const (
	Clamp           Op = "clamp"             // (rows) y ← x; Numbers are its ends
	ClampGrad       Op = "clamp-grad"        // (rows) dx ← dy, x; Numbers
	TopK            Op = "top-k"             // (rows) y ← x; K
	TopKGrad        Op = "top-k-grad"        // (rows) dx ← dy, x; K
	ChannelMeanGrad Op = "channel-mean-grad" // (rows) dx ← x, dmean
	RateKL          Op = "rate-kl"           // (sum)  value ← mean; Numbers[0] is the rate
	RateKLGrad      Op = "rate-kl-grad"      // (sum)  dmean ← mean, [scalar]; Numbers[0], Factor, Scaled
	Decay           Op = "decay"             // (sum)  g ← g, w; Numbers are L1 and L2
)

var regularFamily = family{
	decode: decodeRegular,
	rules: []rule{
		{op: Clamp, dst: []role{rows}, src: []role{rows}, alike: true, detail: numbersText},
		{op: ClampGrad, dst: []role{rows}, src: []role{rows, rows}, alike: true, detail: numbersText},
		{op: TopK, dst: []role{rows}, src: []role{rows}, alike: true, shapes: topKShapes, detail: kText},
		{op: TopKGrad, dst: []role{rows}, src: []role{rows, rows}, alike: true, shapes: topKShapes, detail: kText},
		{
			op: ChannelMeanGrad, dst: []role{rows}, src: []role{rows, whole},
			shapes: func(o operands) error {
				if !slices.Equal(o.src(0), o.dst(0)) {
					return errors.New("want x and dx of one shape")
				}
				return channelShapes(o.src(0), o.src(1))
			},
		},
		{
			op: RateKL, sum: true, dst: []role{whole}, src: []role{whole}, detail: numbersText,
			shapes: func(o operands) error {
				if len(o.dst(0)) != 0 || len(o.src(0)) != 1 {
					return errors.New("want a scalar ← means (C)")
				}
				return nil
			},
		},
		{
			op: RateKLGrad, sum: true, dst: []role{whole}, src: []role{whole}, scalar: maybe, alike: true,
			detail: func(in Instr) string { return numbersText(in) + factorText(in) },
		},
		{op: Decay, sum: true, dst: []role{whole}, src: []role{whole, whole}, alike: true, detail: numbersText},
	},
}

func numbersText(in Instr) string { return fmt.Sprintf(" %v", in.Numbers) }

func kText(in Instr) string { return fmt.Sprintf(" %d", in.K) }

func topKShapes(o operands) error {
	if x := o.src(0); len(x) < 2 || o.in.K < 1 || o.in.K > x[1] || o.plan.Buffers[o.in.Src[0]].Size() != x[0]*x[1] {
		return errors.New("want codes (B,Z) or (B,Z,1,1), 1 ≤ K ≤ Z")
	}
	return nil
}

func decodeRegular(d *decoder, n node) (int, error) {
	switch def := n.def.(type) {
	case op.ClampDef:
		return d.emit(n, Instr{Op: Clamp, Numbers: [2]float64{def.Lo, def.Hi}}, n.in...)
	case op.ClampGradDef:
		return d.emit(n, Instr{Op: ClampGrad, Numbers: [2]float64{def.Lo, def.Hi}}, n.in...)
	case op.TopKDef:
		return d.emit(n, Instr{Op: TopK, K: def.K}, n.in...)
	case op.TopKGradDef:
		return d.emit(n, Instr{Op: TopKGrad, K: def.K}, n.in...)
	case op.ChannelMeanGradDef:
		if err := d.checkWeights(n, 2); err != nil {
			return 0, err
		}
		return d.emit(n, Instr{Op: ChannelMeanGrad}, n.in[:2]...)
	case op.RateKLDef:
		return d.emit(n, Instr{Op: RateKL, Numbers: [2]float64{def.Rate}}, n.in...)
	case op.RateKLGradDef:
		factor, scalar, err := d.upstream(n.in[1])
		if err != nil {
			return 0, fmt.Errorf("node %q: the divergence is scaled by %w", n.Name(), err)
		}
		in := Instr{Op: RateKLGrad, Numbers: [2]float64{def.Rate}, Factor: factor, Scaled: scalar != nil}
		return d.emit(n, in, append(n.in[:1:1], scalar...)...)
	case op.DecayDef:
		return d.emit(n, Instr{Op: Decay, Numbers: [2]float64{def.L1, def.L2}}, n.in...)
	}
	return 0, errUnknown
}
