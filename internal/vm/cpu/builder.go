package cpu

import (
	"fmt"
	"slices"

	"aegis/internal/plan"
)

// builder turns a phase's instructions into tasks.
type builder struct {
	exec  *exec
	phase *phase
	masks map[maskKind]*mask // that are drawn in the phase

	followers map[string]*follower // that follow updates of the phase at once
}

// rows adds an instruction as a task to the stage in progress.
func (b *builder) rows(in plan.Instr, run func(w *worker, from, to int)) {
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.rows = append(s.rows, rowTask{run: run, reads: in.Src, writes: in.Dst})
}

// dense adds one that reads a big weight matrix.
func (b *builder) dense(in plan.Instr, run func(w *worker, from, to int)) {
	b.rows(in, run)
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.rows[len(s.rows)-1].dense = true
}

// unit adds a unit to the stage in progress, which reads rows of buffers.
func (b *builder) unit(cost float64, run func(w *worker), reads ...int) {
	s := &b.phase.stages[len(b.phase.stages)-1]
	s.units = append(s.units, unit{run: run, cost: cost})
	s.reads = append(s.reads, reads...)
}

// early adds a partial sum to the stage that takes rows through, right behind
// the task that writes the last of its operands, or what they are views of: they
// are still in the cache.
func (b *builder) early(run func(w *worker, from, to int), operands ...int) {
	root := b.exec.plan.Root
	writes := func(w int) bool {
		return slices.ContainsFunc(operands, func(o int) bool { return root(o) == root(w) })
	}
	last := len(b.phase.stages) - 1
	if !slices.ContainsFunc(b.phase.stages, func(s stage) bool { return len(s.rows) > 0 }) {
		// All its operands are an earlier phase's.
		b.phase.stages = slices.Insert(b.phase.stages, last, stage{rows: []rowTask{{run: run, reads: operands, early: true}}})
		return
	}
	for i := last; i >= 0; i-- {
		s := &b.phase.stages[i]
		if len(s.rows) == 0 {
			continue
		}
		at := 0
		for k, task := range s.rows {
			if task.early && k == at || slices.ContainsFunc(task.writes, writes) {
				at = k + 1
			}
		}
		s.rows = slices.Insert(s.rows, at, rowTask{run: run, reads: operands, early: true})
		return
	}
}

// add translates one instruction.
func (b *builder) add(in plan.Instr) error {
	switch in.Op {
	case plan.Load:
		return b.load(in)
	case plan.OneHot:
		return b.oneHot(in)
	case plan.Noise:
		return b.noise(in)
	case plan.Drop:
		return b.drop(in)
	case plan.Linear:
		return b.linear(in)
	case plan.LinearDX:
		return b.linearDX(in)
	case plan.LinearDW:
		return b.linearDW(in)
	case plan.Conv2d:
		return b.conv2d(in)
	case plan.Conv2dDX:
		return b.conv2dDX(in)
	case plan.Conv2dDW:
		return b.conv2dDW(in)
	case plan.ConvTranspose2d:
		return b.convTranspose2d(in)
	case plan.ConvTranspose2dDX:
		return b.convTranspose2dDX(in)
	case plan.ConvTranspose2dDW:
		return b.convTranspose2dDW(in)
	case plan.Activate:
		return b.activate(in)
	case plan.Slope:
		return b.slope(in)
	case plan.Loss, plan.LossGrad:
		return b.loss(in)
	case plan.Add, plan.Mul, plan.Scale:
		return b.elementwise(in)
	case plan.AddSums, plan.ScaleSums, plan.Lerp:
		return b.sums(in)
	case plan.KLLogVar, plan.KLMeansMu, plan.KLMeansVar:
		return b.klGrad(in)
	case plan.KLMeans:
		return b.klMeans(in)
	case plan.FreeBits, plan.FreeBitsGrad:
		return b.freeBits(in)
	case plan.Gaussian, plan.Precision, plan.GaussianGrad:
		return b.gaussian(in)
	case plan.Concat, plan.Columns:
		return b.concat(in)
	case plan.ChannelMean:
		return b.channelMean(in)
	case plan.Moments:
		return b.moments(in)
	case plan.Track:
		return b.track(in)
	case plan.BatchNorm, plan.RunningNorm:
		return b.batchNorm(in)
	case plan.BatchNormDGamma:
		return b.batchNormDGamma(in)
	case plan.BatchNormDX:
		return b.batchNormDX(in)
	case plan.Clamp, plan.ClampGrad:
		return b.clamp(in)
	case plan.TopK, plan.TopKGrad:
		return b.topK(in)
	case plan.ChannelMeanGrad:
		return b.channelMeanGrad(in)
	case plan.RateKL, plan.RateKLGrad:
		return b.rateKL(in)
	case plan.Decay:
		return b.decay(in)
	case plan.Mixture:
		return b.mixture(in)
	case plan.Pack:
		return b.pack(in)
	case plan.ClipNorm:
		return b.clipNorm(in)
	case plan.Update:
		return b.update(in)
	case plan.Keep:
		return b.keep(in)
	case plan.Follow:
		return b.follow(in)
	}
	return fmt.Errorf("no instruction %q", in.Op)
}
