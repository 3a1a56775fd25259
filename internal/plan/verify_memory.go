package plan

import (
	"fmt"
	"slices"
)

// checkLayouts holds every buffer to the layouts that its readers take.
func (p *Plan) checkLayouts() error {
	for i, b := range p.Buffers {
		if err := p.checkLayout(b); err != nil {
			return fmt.Errorf("%s: %w", p.label(i), err)
		}
	}
	for _, ph := range p.Phases {
		for _, out := range ph.Outputs {
			if b := p.Buffers[out.Buffer]; !b.plain() {
				return fmt.Errorf("phase %s: output %s is %s; want the order of its shape", ph.Name, out.Name, b.Layout)
			}
		}
	}
	err := p.each(func(_ *Phase, _ int, in Instr) error { return p.checkAlike(in) })
	if err != nil || !p.Options.ChannelsLast {
		return err
	}
	layers, err := p.layers()
	if err != nil {
		return err
	}
	return p.each(func(_ *Phase, _ int, in Instr) error {
		return p.checkWeights(in, layers)
	})
}

// checkLayout looks at one buffer: what can have its order, and what must
// have another's.
func (p *Plan) checkLayout(b Buffer) error {
	l := b.Layout
	switch {
	case l != RowMajor && !p.Options.ChannelsLast:
		return fmt.Errorf("is %s; want %s", l, RowMajor)
	case l == NHWC && len(b.Shape) != 4:
		return fmt.Errorf("shape %v cannot be %s", b.Shape, l)
	case (l == Matrix || l == Transpose) && len(b.Shape) != 2 && len(b.Shape) != 4:
		return fmt.Errorf("shape %v cannot be %s", b.Shape, l)
	case (b.Kind == Copy) != (l == Transpose):
		return fmt.Errorf("is %s; only copies of parameters are %s", l, Transpose)
	}
	if b.Of < 0 {
		return nil
	}
	of := p.Buffers[b.Of]
	switch b.Kind {
	case Slot, Grad:
		if l != of.Layout {
			return fmt.Errorf("is %s; want %s as its parameter", l, of.Layout)
		}
	case View:
		if !b.plain() || !of.plain() || b.Size() != of.Size() || of.Kind == View {
			return fmt.Errorf("%v %s is no view of %v %s", b.Shape, l, of.Shape, of.Layout)
		}
	}
	return nil
}

// checkAlike wants one layout where values are taken from the same place.
func (p *Plan) checkAlike(in Instr) error {
	if !in.Op.rule().alike {
		return nil
	}
	for i, v := range in.Src {
		if in.Scaled && i == len(in.Op.rule().src) {
			continue // a scalar
		}
		if p.Buffers[v].Layout != p.Buffers[in.Dst[0]].Layout {
			return fmt.Errorf("%s is %s; want %s as %s", p.label(v), p.Buffers[v].Layout, p.Buffers[in.Dst[0]].Layout, p.label(in.Dst[0]))
		}
	}
	return nil
}

// checkWeights looks at the order of weights, and whether their gradient is
// that of the product that they are used for.
func (p *Plan) checkWeights(in Instr, layers map[int]Op) error {
	r, w, want := in.Op.rule(), in.weightsOf(), Matrix
	if w < 0 {
		return nil
	}
	if r.isDW() {
		param := w
		if p.Buffers[w].Kind == Grad {
			param = p.Buffers[w].Of
		}
		if layer, ok := layers[param]; ok && r.layer != layer {
			return fmt.Errorf("%s is a weight of %s", p.label(param), layer)
		}
	} else if p.Scatters(in) {
		want = Transpose
	}
	if got := p.Buffers[w].Layout; got != want {
		return fmt.Errorf("weights %s are %s; want %s", p.label(w), got, want)
	}
	return nil
}

// checkMemory follows the arena through a step: nobody writes over a buffer
// between the moment that writes it and the last one that reads it.
func (p *Plan) checkMemory() error {
	if err := p.checkOffsets(); err != nil {
		return err
	}
	moments := p.moments()
	written := make(map[int]int) // when each buffer is, once in a step
	k := 0
	_ = p.each(func(_ *Phase, _ int, in Instr) error {
		for _, v := range in.Dst {
			if p.Buffers[v].inArena() {
				written[v] = moments[k]
			}
		}
		k++
		return nil
	})
	k = 0
	return p.each(func(_ *Phase, _ int, in Instr) error {
		now := moments[k]
		k++
		for _, v := range slices.Concat(in.Src, in.Dst) {
			v = p.Root(v)
			since, ok := written[v]
			for other, when := range written {
				if ok && other != v && since <= when && when <= now && p.overlap(other, v) {
					return fmt.Errorf("%s shares memory with %s, which is written meanwhile", p.label(v), p.label(other))
				}
			}
		}
		return nil
	})
}

// overlap says that two buffers have memory in common.
func (p *Plan) overlap(a, b int) bool {
	x, y := p.Buffers[a], p.Buffers[b]
	return x.Offset < y.Offset+y.Size() && y.Offset < x.Offset+x.Size()
}

// checkOffsets wants every buffer inside the arena and aligned, views on what
// they view, and results alone.
func (p *Plan) checkOffsets() error {
	for i, b := range p.Buffers {
		switch {
		case p.kept(i):
			if b.Offset != -1 {
				return fmt.Errorf("%s is in the arena; a VM keeps it", p.label(i))
			}
			continue
		case b.Offset < 0 || b.Offset+b.Size() > p.Arena || b.Offset%alignment != 0:
			return fmt.Errorf("%s: offset %d; want a multiple of %d, with its %d floats in an arena of %d",
				p.label(i), b.Offset, alignment, b.Size(), p.Arena)
		case b.Kind == View:
			if at := p.Buffers[b.Of].Offset; b.Offset != at {
				return fmt.Errorf("%s: offset %d; want %d of what it views", p.label(i), b.Offset, at)
			}
			continue
		}
		for k, other := range p.Buffers {
			if p.alone(i) && k != i && other.inArena() && p.overlap(i, k) {
				return fmt.Errorf("%s shares memory with %s; want its own for results", p.label(i), p.label(k))
			}
		}
	}
	return nil
}

// alone says that a buffer shares its memory with none: an output, which is
// read when all is over, or a scalar, which is there before all.
func (p *Plan) alone(v int) bool {
	if p.Buffers[v].Kind == Scalar {
		return true
	}
	for _, ph := range p.Phases {
		for _, out := range ph.Outputs {
			if p.Root(out.Buffer) == v {
				return true
			}
		}
	}
	return false
}
