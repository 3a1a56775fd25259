package plan

import (
	"slices"

	"aegis/model/op"
	"aegis/model/program"
)

// Drop multiplies by Bernoulli noise that it draws itself: two of one input see
// the same numbers, so that nobody writes them down as numbers.
const Drop Op = "drop" // (rows) y ← x; Input, Factor

var dropFamily = family{
	rules: []rule{{
		op: Drop, dst: []role{rows}, src: []role{rows}, alike: true,
		name:   func(_ Instr, of names) string { return of(0) + ".drop" },
		detail: func(in Instr) string { return " " + noiseText(in.Input) + factorText(in) },
	}},
}

// fuseDrops makes products with Bernoulli noise, or a multiple of it, draw it,
// where nothing else reads it.
func (p *Plan) fuseDrops(ph *Phase) {
	for _, noise := range ph.Gradients {
		if noise.Op != Noise || noise.Input.Kind != program.InputBernoulli {
			continue
		}
		factors := map[int]float64{noise.Dst[0]: 1} // by buffer
		for _, in := range ph.Gradients {
			if in.Op == Scale && !in.Scaled && in.Src[0] == noise.Dst[0] {
				factors[in.Dst[0]] = in.Factor
			}
		}
		if !ph.onlyMultiplied(factors) {
			continue
		}
		for i := range ph.Gradients {
			in := &ph.Gradients[i]
			if in.Op != Mul {
				continue
			}
			for k, s := range in.Src {
				if factor, ok := factors[s]; ok {
					x := in.Src[1-k]
					in.Op, in.Src, in.Input, in.Factor = Drop, []int{x}, noise.Input, factor
					p.Buffers[in.Dst[0]].Name = p.Buffers[x].Name + ".drop"
					break
				}
			}
		}
	}
}

// onlyMultiplied says that all readers of buffers are what makes one of them,
// and products of one of them with another buffer.
func (ph *Phase) onlyMultiplied(buffers map[int]float64) bool {
	known := func(b int) bool { _, ok := buffers[b]; return ok }
	for _, in := range ph.Gradients {
		reads := 0
		for _, s := range in.Src {
			if known(s) {
				reads++
			}
		}
		if reads > 0 && !(in.Op == Mul && reads == 1) && !(in.Op == Scale && known(in.Dst[0])) {
			return false
		}
	}
	return !slices.ContainsFunc(ph.Outputs, func(out Output) bool { return known(out.Buffer) })
}

// dropLast puts a drop behind the activation's gradient that reads it, where
// nothing else does: both are factors, and the activation's can be part of the
// product before.
func (ph *Phase) dropLast() {
	for i := range ph.Gradients {
		slope := &ph.Gradients[i]
		if slope.Op != Slope || ph.readers(slope.Src[0]) != 1 {
			continue
		}
		at := ph.producer(slope.Src[0])
		if at < 0 || ph.Gradients[at].Op != Drop || ph.producer(slope.Src[1]) >= at {
			continue
		}
		drop := &ph.Gradients[at]
		slope.Src[0], drop.Src[0] = drop.Src[0], slope.Src[0]
		slope.Dst, drop.Dst = drop.Dst, slope.Dst
		*slope, *drop = *drop, *slope
		ph.slopeOfDropped(&ph.Gradients[at], ph.Gradients[i])
	}
}

// slopeOfDropped takes a derivative that hangs on a sign alone at what was
// dropped: where that is 0, so is the gradient. What was not is then read once.
func (ph *Phase) slopeOfDropped(slope *Instr, back Instr) {
	if kind := slope.Slope.Kind; kind != op.ReLU && kind != op.LeakyReLU {
		return
	}
	for _, drop := range ph.Gradients {
		if drop.Op == Drop && drop.Src[0] == slope.Src[1] && drop.Input == back.Input && drop.Factor > 0 {
			slope.Src[1] = drop.Dst[0]
			return
		}
	}
}
