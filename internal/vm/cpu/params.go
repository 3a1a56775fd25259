package cpu

import (
	"fmt"

	"aegis/internal/memory"
	"aegis/internal/plan"
	"aegis/internal/vm/cpu/kernel"
	"aegis/model/program"
)

// weightKind is how a parameter's shape becomes a matrix; see [plan.Matrix].
type weightKind int

const (
	vector      weightKind = iota // a bias: as it is
	linear                        // (O,I) → (I,O)
	convolution                   // (O,C,kH,kW) → (kH·kW·C, O)
)

// param is a parameter as the kernels want it, with its optimizer state.
type param struct {
	name    string
	shape   []int
	kind    weightKind
	matrix  []float32 // (K,N), or as it is
	k, n    int       // 0 for what has one dimension
	copied  []float32 // (N,K), or nil; see plan.Plan.Scatters
	slots   []slots   // of each phase that trains it
	gap     int       // values from matrix to the first slot, and from slot to slot
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

// kinds finds out what each parameter of a plan is used as.
func kinds(p *plan.Plan) (map[string]weightKind, error) {
	found := make(map[string]weightKind)
	for _, phase := range p.Phases {
		for _, in := range phase.Gradients {
			kind := vector
			switch in.Op {
			case plan.Linear:
				kind = linear
			case plan.Conv2d, plan.ConvTranspose2d:
				kind = convolution
			default:
				continue
			}
			name := p.Buffers[p.Root(in.Src[1])].Name
			if other, ok := found[name]; ok && other != kind {
				return nil, fmt.Errorf("cpu: parameter %s is a weight of two kinds of layers", name)
			}
			found[name] = kind
			found[p.Buffers[in.Src[2]].Name] = vector
		}
	}
	return found, nil
}

// eachSlot visits the optimizer state by its names in a program.State.
func (p *param) eachSlot(visit func(name string, buffer []float32)) {
	for _, s := range p.slots {
		for i, slot := range s.names {
			visit(program.SlotName(s.phase, slot, p.name), s.buffers[i])
		}
	}
}

// newParam makes a parameter with what the phases that train it keep.
func newParam(pool *memory.Pool, spec program.Param, kind weightKind, phases []*program.Phase) (*param, error) {
	p := &param{name: spec.Name, kind: kind}
	for _, phase := range phases {
		for _, node := range phase.Trained {
			if node.Name() == spec.Name {
				p.slots = append(p.slots, slots{phase: phase.Name, names: phase.Optimizer.Slots()})
			}
		}
	}
	p.setShape(spec.Shape)
	if err := p.allocate(pool, spec.Size()); err != nil {
		return nil, fmt.Errorf("cpu: parameter %s: %w", p.name, err)
	}
	return p, nil
}

// setShape sets the shape and the matrix's size.
func (p *param) setShape(s []int) {
	p.shape = s
	if len(s) > 1 {
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
	s := p.shape
	area, torch := s[2]*s[3], 0
	for first := range s[0] {
		for second := range s[1] {
			for at := range area {
				visit(torch, (at*s[1]+second)*s[0]+first)
				torch++
			}
		}
	}
}

// load reads a tensor in PyTorch's order into dst, which is in the matrix's.
func (p *param) load(k *kernel.Set, dst, src []float32) {
	if p.kind == vector {
		copy(dst, src)
		return
	}
	if p.kind == linear {
		k.Transpose(dst, p.n, src, p.k, p.n, p.k)
		return
	}
	p.each(func(torch, matrix int) { dst[matrix] = src[torch] })
}

// store is the way back.
func (p *param) store(k *kernel.Set, dst, src []float32) {
	if p.kind == vector {
		copy(dst, src)
		return
	}
	if p.kind == linear {
		k.Transpose(dst, p.k, src, p.n, p.k, p.n)
		return
	}
	p.each(func(torch, matrix int) { dst[torch] = src[matrix] })
}
