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

// roles returns what each matrix of weights is used for.
func (p *Plan) roles() (map[int]Op, error) {
	roles := make(map[int]Op)
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if !isProduct(in.Op) {
				continue
			}
			w := p.Root(in.Src[1])
			if other, ok := roles[w]; ok && other != in.Op {
				return nil, fmt.Errorf("phase %s: %s is a weight of %s and of %s; one matrix cannot serve both", ph.Name, p.Buffers[w].Name, other, in.Op)
			}
			roles[w] = in.Op
		}
	}
	return roles, nil
}

// layOutWeights makes matrices of weights, and of everything that is added to
// them: gradients and slots.
func (p *Plan) layOutWeights() error {
	roles, err := p.roles()
	if err != nil {
		return err
	}
	for w := range roles {
		p.Buffers[w].Layout = Matrix
	}
	for i := range p.Buffers {
		if b := &p.Buffers[i]; b.Kind == Slot || b.Kind == Grad {
			b.Layout = p.Buffers[b.Of].Layout
		}
	}
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if isDW(in.Op) && !in.Update {
				p.Buffers[in.Dst[0]].Layout = Matrix
			}
			if in.Op == AddSums {
				p.Buffers[in.Dst[0]].Layout = p.Buffers[in.Src[0]].Layout
			}
		}
	}
	return nil
}

// layOutImages puts channels last.
func (p *Plan) layOutImages() {
	for _, ph := range p.Phases {
		for _, in := range ph.Gradients {
			if !in.Op.PerRow() {
				continue
			}
			for _, d := range in.Dst {
				if b := &p.Buffers[d]; len(b.Shape) == 4 {
					b.Layout = NHWC
				}
			}
		}
	}
}

// Windowed is a convolution seen from its larger side: a kernel that moves
// over image (B,C,H,W) and stops at each position of small (B,O,h,w), with
// weights (O,C,kH,kW). The two sides of a transposed convolution, and those
// of a gradient by the image, are written and read the other way around.
func (in Instr) Windowed() (image, small, weights int) {
	switch in.Op {
	case Conv2d:
		return in.Src[0], in.Dst[0], in.Src[1]
	case Conv2dDX:
		return in.Dst[0], in.Src[0], in.Src[1]
	case Conv2dDW:
		return in.Src[1], in.Src[0], in.Dst[0]
	case ConvTranspose2d:
		return in.Dst[0], in.Src[0], in.Src[1]
	case ConvTranspose2dDX:
		return in.Src[0], in.Dst[0], in.Src[1]
	case ConvTranspose2dDW:
		return in.Src[0], in.Src[1], in.Dst[0]
	}
	return -1, -1, -1
}

// Whole says that the only patch of a convolution, a transposed one or one of
// their gradients is the whole image: it is then a linear layer.
func (p *Plan) Whole(in Instr) bool {
	i, s, w := in.Windowed()
	image, small, kernel := p.Buffers[i].Shape, p.Buffers[s].Shape, p.Buffers[w].Shape
	return small[2]*small[3] == 1 && image[2] == kernel[2] && image[3] == kernel[3] && in.Window.Padding == [2]int{}
}

// Scatters says that an instruction adds patches to an image: a transposed
// convolution or the gradient of a convolution by its image, unless the only
// patch is the whole image. The values of a patch are then columns of a product.
// Linear layers go back through the matrix as it is: a copy of big weights costs
// more to keep than it saves.
func (p *Plan) Scatters(in Instr) bool {
	return (in.Op == Conv2dDX || in.Op == ConvTranspose2d) && !p.Whole(in)
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
	for i := range p.Phases {
		for _, section := range p.Phases[i].sections() {
			for k := range section {
				in := &section[k]
				if c, ok := copies[in.Dst[0]]; ok && (in.Update || in.Op == Update) {
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
