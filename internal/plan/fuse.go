package plan

import (
	"fmt"

	"aegis/model/op"
)

// fuse joins instructions that one kernel does better: activations and their
// gradients with the products before them, losses with their gradients, masks
// that are drawn with what they mask, bias gradients with those of the weights, and updates behind their gradients.
func (p *Plan) fuse() error {
	for i := range p.Phases {
		ph := &p.Phases[i]
		p.fuseActivations(ph)
		ph.fuseLosses()
		p.fuseDrops(ph)
		ph.dropLast()
		p.fuseSlopes(ph)
		if err := ph.fuseBiases(); err != nil {
			return fmt.Errorf("phase %s: %w", ph.Name, err)
		}
		if p.Options.Merge && !p.Options.Exchange && !ph.Clip.On() {
			p.mergeUpdates(ph)
		}
	}
	if err := p.prune(); err != nil {
		return err
	}
	p.nameResults()
	return nil
}

// remove drops the instructions whose index is in gone.
func (ph *Phase) remove(gone map[int]bool) {
	var kept []Instr
	for i, in := range ph.Gradients {
		if !gone[i] {
			kept = append(kept, in)
		}
	}
	ph.Gradients = kept
}

// fuseActivations makes an activation part of the product or norm before it, where
// nobody else reads what it is of.
func (p *Plan) fuseActivations(ph *Phase) {
	gone := make(map[int]bool)
	for i, in := range ph.Gradients {
		if in.Op != Activate || ph.readers(in.Src[0]) != 1 {
			continue
		}
		at := ph.producer(in.Src[0])
		if at < 0 || !ph.Gradients[at].Op.rule().activation || ph.Gradients[at].Op == Activate || ph.Gradients[at].Activation != op.None {
			continue
		}
		z := &p.Buffers[in.Src[0]]
		p.Buffers[in.Dst[0]].Name = z.Name
		ph.Gradients[at].Activation, ph.Gradients[at].Dst = in.Activation, in.Dst
		gone[i] = true
	}
	ph.remove(gone)
}

// fuseLosses takes a loss from its gradient, which stands where the first of
// the two stood.
func (ph *Phase) fuseLosses() {
	gone := make(map[int]bool)
	for i, grad := range ph.Gradients {
		if grad.Op != LossGrad {
			continue
		}
		for j, loss := range ph.Gradients {
			if loss.Op != Loss || loss.Loss != grad.Loss || loss.Src[0] != grad.Src[0] || loss.Src[1] != grad.Src[1] || gone[j] {
				continue
			}
			ph.replace(loss.Dst[0], grad.Dst[0])
			first, second := min(i, j), max(i, j)
			ph.Gradients[first] = grad
			gone[second] = true
		}
	}
	ph.remove(gone)
}

// fuseSlopes makes an activation's gradient part of what computes the
// gradient by its result, where nobody else reads that one.
func (p *Plan) fuseSlopes(ph *Phase) {
	gone := make(map[int]bool)
	for i, in := range ph.Gradients {
		if in.Op != Slope || ph.readers(in.Src[0]) != 1 {
			continue
		}
		g, y := in.Src[0], in.Src[1]
		at := ph.producer(g)
		if at < 0 || ph.producer(y) >= at {
			continue
		}
		from := &ph.Gradients[at]
		if from.Slope != op.None || from.Op.rule().slope != maybe {
			continue
		}
		from.Slope = in.Slope
		from.Src = append(from.Src, y)
		from.Dst[len(from.Dst)-1] = in.Dst[0]
		p.Buffers[in.Dst[0]].Name = p.Buffers[g].Name
		gone[i] = true
	}
	ph.remove(gone)
}

// fuseBiases takes a bias's gradient from the gradient of the weights beside
// it, which reads the same dz.
func (ph *Phase) fuseBiases() error {
	gone := make(map[int]bool)
	for i, in := range ph.Gradients {
		if in.Op != biasGrad {
			continue
		}
		for _, dw := range ph.Gradients {
			if r := dw.Op.rule(); (r.isDW() || r.biased) && dw.Src[0] == in.Src[0] && !gone[i] {
				ph.replace(in.Dst[0], dw.Dst[1])
				gone[i] = true
			}
		}
		if !gone[i] {
			return fmt.Errorf("the gradient of a bias (%s of buffer %d) has no gradient of weights beside it; train both", in.Op, in.Src[0])
		}
	}
	ph.remove(gone)
	return nil
}

// mergeUpdates puts the updates of a layer's weights and bias behind their
// gradients, where nobody else reads these.
func (p *Plan) mergeUpdates(ph *Phase) {
	for i := range ph.Gradients {
		in := &ph.Gradients[i]
		if !in.Op.rule().merges {
			continue
		}
		w, b := ph.updateOf(in.Dst[0]), ph.updateOf(in.Dst[1])
		if w < 0 || b < 0 || ph.readers(in.Dst[0]) != 1 || ph.readers(in.Dst[1]) != 1 {
			continue
		}
		in.Update = true
		in.Dst = []int{ph.Update[w].Dst[0], ph.Update[b].Dst[0]}
		in.Src = append(in.Src, ph.Update[w].Src[1:]...)
		in.Src = append(in.Src, ph.Update[b].Src[1:]...)
		var rest []Instr
		for k, u := range ph.Update {
			if k != w && k != b {
				rest = append(rest, u)
			}
		}
		ph.Update = rest
	}
}

// updateOf returns the index of the update that applies a gradient, or -1.
func (ph *Phase) updateOf(g int) int {
	for i, u := range ph.Update {
		if u.Src[0] == g {
			return i
		}
	}
	return -1
}

// nameResults says which buffers are gradients and which are results.
func (p *Plan) nameResults() {
	for _, ph := range p.Phases {
		for _, u := range ph.Update {
			if g := &p.Buffers[u.Src[0]]; g.Kind == Temp && u.Op != ClipNorm {
				g.Kind, g.Of = Grad, u.Dst[0]
				g.Name = p.Buffers[u.Dst[0]].Name + ".grad"
			}
		}
		for _, out := range ph.Outputs {
			if b := &p.Buffers[out.Buffer]; b.Kind == Temp {
				b.Kind, b.Name = Result, out.Name
			}
		}
	}
}
