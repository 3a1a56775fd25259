package cpu

import (
	"fmt"

	"aegis/data/memory"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// param is a parameter as the kernels want it, with its optimizer state.
type param struct {
	name   string
	shape  []int
	layout plan.Layout
	matrix []float32 // in that layout
	k, n   int       // of a matrix; else 0
	copied []float32 // (N,K), or nil; see plan.Plan.Scatters
	slots  []slots   // of each phase that trains it
	gap    int       // values from matrix to the first slot, and from slot to slot
}

// slots is the optimizer state that a phase keeps of a parameter.
type slots struct {
	phase   string
	names   []string
	buffers [][]float32
}

// of returns the buffers of a phase, nil where it keeps none.
func (p *param) of(phase string) [][]float32 {
	for _, s := range p.slots {
		if s.phase == phase {
			return s.buffers
		}
	}
	return nil
}

// eachSlot visits the optimizer state by its names in a program.State.
func (p *param) eachSlot(visit func(name string, buffer []float32)) {
	for _, s := range p.slots {
		for i, slot := range s.names {
			visit(program.SlotName(s.phase, slot, p.name), s.buffers[i])
		}
	}
}

// newParam makes a parameter, with what the phases that train it keep. It lies
// in memory as the plan has it.
func newParam(pool *memory.Pool, spec program.Param, layout plan.Layout, phases []*program.Phase) (*param, error) {
	p := &param{name: spec.Name}
	for _, phase := range phases {
		for _, node := range phase.Trained {
			if node.Name() == spec.Name {
				p.slots = append(p.slots, slots{phase: phase.Name, names: phase.Optimizer.Slots()})
			}
		}
	}
	p.setShape(spec.Shape, layout)
	if err := p.allocate(pool, spec.Size()); err != nil {
		return nil, fmt.Errorf("cpu: parameter %s: %w", p.name, err)
	}
	return p, nil
}

// setShape sets the shape and, for weights, the matrix's size; see
// [plan.Matrix].
func (p *param) setShape(s []int, layout plan.Layout) {
	p.shape, p.layout = s, layout
	if layout == plan.Matrix {
		p.k, p.n = program.Size(s[1:]), s[0]
	}
}

// allocate lays matrix and slots out one behind the other, so that one pointer
// and a gap lead through all. The gap is no multiple of a page: updates walk
// through all at once, and a processor takes a store for the same place as a
// load a page away.
func (p *param) allocate(pool *memory.Pool, n int) error {
	const page, apart = 1024, 272 // in floats
	p.gap = (n+page-1)/page*page + apart
	count := 0
	for _, s := range p.slots {
		count += len(s.names)
	}
	all, err := pool.Floats(n + count*p.gap)
	if err != nil {
		return err
	}
	p.matrix = all[:n:n]
	for i := range p.slots {
		for range p.slots[i].names {
			all = all[p.gap:]
			p.slots[i].buffers = append(p.slots[i].buffers, all[:n:n])
		}
	}
	return nil
}

// each calls visit with the index of each value of a convolution's weights in
// PyTorch's order and in the matrix's.
func (p *param) each(visit func(torch, matrix int)) {
	s, torch := p.shape, 0
	area := s[2] * s[3]
	for first := range s[0] {
		for second := range s[1] {
			for at := range area {
				visit(torch, (at*s[1]+second)*s[0]+first)
				torch++
			}
		}
	}
}

// pieceSize is about how many values of a tensor one worker copies at a time.
const pieceSize = 1 << 16

// pieces is how many pieces a tensor is copied in.
func (p *param) pieces() int {
	if p.layout == plan.Matrix && len(p.shape) > 2 {
		return 1
	}
	return (len(p.matrix) + pieceSize - 1) / pieceSize
}

// piece returns the values from to to-1 that a piece has of so many.
func (p *param) piece(i, values int) (from, to int) {
	n := p.pieces()
	return i * values / n, (i + 1) * values / n
}

// load reads a piece of a tensor in PyTorch's order into dst, which is in the
// layout's.
func (p *param) load(k *kernel.Set, dst, src []float32, piece int) {
	switch {
	case p.layout != plan.Matrix:
		from, to := p.piece(piece, len(p.matrix))
		copy(dst[from:to], src[from:to])
	case len(p.shape) == 2:
		from, to := p.piece(piece, p.k)
		k.Transpose(dst[from*p.n:], p.n, src[from:], p.k, p.n, to-from)
	default:
		p.each(func(torch, matrix int) { dst[matrix] = src[torch] })
	}
}

// store is the way back.
func (p *param) store(k *kernel.Set, dst, src []float32, piece int) {
	switch {
	case p.layout != plan.Matrix:
		from, to := p.piece(piece, len(p.matrix))
		copy(dst[from:to], src[from:to])
	case len(p.shape) == 2:
		from, to := p.piece(piece, p.n)
		k.Transpose(dst[from*p.k:], p.k, src[from:], p.n, p.k, to-from)
	default:
		p.each(func(torch, matrix int) { dst[torch] = src[matrix] })
	}
}
