package plan

import "fmt"

// layOut gives every buffer its layout and turns each change of shape into a
// view, or into a Pack where the two shapes lie differently in memory.
func (p *Plan) layOut() error {
	if p.Options.ChannelsLast {
		if err := p.layOutWeights(); err != nil {
			return err
		}
		p.layOutImages()
		p.copyWeights()
	}
	for i := range p.Phases {
		p.packOutputs(&p.Phases[i])
		p.resolveViews(&p.Phases[i])
	}
	return nil
}

// layers returns what each matrix of weights is used for.
func (p *Plan) layers() (map[int]Op, error) {
	layers := make(map[int]Op)
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if !in.Op.rule().isProduct() {
				continue
			}
			w := p.Root(in.weightsOf())
			if other, ok := layers[w]; ok && other != in.Op {
				return nil, fmt.Errorf("phase %s: %s is a weight of %s and of %s; one matrix cannot serve both", ph.Name, p.Buffers[w].Name, other, in.Op)
			}
			layers[w] = in.Op
		}
	}
	return layers, nil
}

// layOutWeights makes matrices of weights, and of everything that is added to
// them: gradients and slots.
func (p *Plan) layOutWeights() error {
	layers, err := p.layers()
	if err != nil {
		return err
	}
	for w := range layers {
		p.Buffers[w].Layout = Matrix
	}
	p.eachShadow(func(shadow, of int) { p.Buffers[shadow].Layout = p.Buffers[of].Layout })
	for i := range p.Buffers {
		if b := &p.Buffers[i]; b.Kind == Slot || b.Kind == Grad {
			b.Layout = p.Buffers[b.Of].Layout
		}
	}
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if in.Op.rule().isDW() && !in.Update {
				p.Buffers[in.Dst[0]].Layout = Matrix
			}
			if r := in.Op.rule(); r.sum && r.alike {
				p.Buffers[in.Dst[0]].Layout = p.Buffers[in.Src[0]].Layout
			}
		}
	}
	return nil
}

// eachShadow visits the parameters that follow others.
func (p *Plan) eachShadow(visit func(shadow, of int)) {
	for _, ph := range p.Phases {
		for _, in := range ph.Update {
			if in.Op == Follow {
				visit(in.Dst[0], in.Src[0])
			}
		}
	}
}

// layOutImages puts channels last.
func (p *Plan) layOutImages() {
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			dst, _ := p.roles(&ph, in)
			for _, d := range having(in.Dst, dst, rows) {
				if b := &p.Buffers[d]; len(b.Shape) == 4 {
					b.Layout = NHWC
				}
			}
		}
	}
}

// copyWeights gives what scatters a transposed copy of its weights, which every
// update of the weights refreshes.
func (p *Plan) copyWeights() {
	copies := make(map[int]int)
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if !p.Scatters(in) {
				continue
			}
			w := in.Src[1]
			if _, ok := copies[w]; !ok {
				copies[w] = p.add(Buffer{
					Name: p.Buffers[w].Name + ".copy", Kind: Copy, Shape: p.Buffers[w].Shape, Of: w, Layout: Transpose,
				})
			}
			in.Src[1] = copies[w]
		}
	}
	p.eachShadow(func(shadow, of int) {
		if _, ok := copies[of]; ok {
			copies[shadow] = p.add(Buffer{
				Name: p.Buffers[shadow].Name + ".copy", Kind: Copy, Shape: p.Buffers[shadow].Shape, Of: shadow, Layout: Transpose,
			})
		}
	})
	for i := range p.Phases {
		for _, section := range p.Phases[i].sections() {
			for k := range section {
				in := &section[k]
				if c, ok := copies[in.Dst[0]]; ok && (in.Update || in.Op.rule().updates || in.Op.rule().keeps) {
					in.Dst = append(in.Dst, c)
				}
			}
		}
	}
}

// plain says that a buffer's numbers lie in the order of its shape.
func (b Buffer) plain() bool {
	if b.Layout == NHWC {
		return b.Shape[1] == 1 || b.Shape[2]*b.Shape[3] == 1
	}
	return b.Layout == RowMajor
}

// packOutputs brings outputs into the order of their shapes.
func (p *Plan) packOutputs(ph *Phase) {
	for i := range ph.Outputs {
		out := &ph.Outputs[i]
		b := &p.Buffers[out.Buffer]
		if b.plain() {
			continue
		}
		if b.Kind == Result {
			b.Kind = Temp
		}
		packed := p.add(Buffer{Name: out.Name, Kind: Result, Shape: b.Shape, Of: -1})
		ph.Gradients = append(ph.Gradients, newInstr(Pack, []int{packed}, []int{out.Buffer}))
		out.Buffer = packed
	}
}

// resolveViews makes views where a shape changes and memory does not, and
// packs the others.
func (p *Plan) resolveViews(ph *Phase) {
	gone := make(map[int]bool)
	for i := range ph.Gradients {
		in := &ph.Gradients[i]
		if in.Op != reshape {
			continue
		}
		x := p.Root(in.Src[0])
		root, y := &p.Buffers[x], &p.Buffers[in.Dst[0]]
		if !root.plain() || !y.plain() {
			in.Op = Pack
			continue
		}
		if y.Kind == Result && root.Kind == Temp {
			root.Kind = Result
		}
		y.Kind, y.Of = View, x
		gone[i] = true
	}
	ph.remove(gone)
}
