package plan

import (
	"errors"

	"aegis/model/op"
)

// ChannelMean is a statistic of a batch, over its real rows.
const ChannelMean Op = "channel-mean" // (sum) mean ← x: of each channel, over rows and positions

var statisticsFamily = family{
	decode: decodeStatistics,
	rules: []rule{{
		op: ChannelMean, sum: true, dst: []role{whole}, src: []role{rows},
		shapes: func(o operands) error {
			if x, mean := o.src(0), o.dst(0); len(mean) != 1 || len(x) < 2 || x[1] != mean[0] {
				return errors.New("want x (B,C,…), mean (C)")
			}
			return nil
		},
		name: func(_ Instr, of names) string { return of(0) + ".mean" },
	}},
}

func decodeStatistics(d *decoder, n node) (int, error) {
	if _, ok := n.def.(op.ChannelMeanDef); !ok {
		return 0, errUnknown
	}
	if err := d.checkRowWeights(n); err != nil {
		return 0, err
	}
	return d.emit(n, Instr{Op: ChannelMean}, n.in[:1]...)
}
