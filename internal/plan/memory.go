package plan

import (
	"cmp"
	"math"
	"slices"
)

// alignment of buffers in the arena, in floats: a cache line, a vector.
const alignment = 16

// place numbers the buffers that are left in the order they are used and
// gives each its place in the arena.
func (p *Plan) place() error {
	p.compact()
	lives := p.joinGradients(p.lifetimes())
	slices.SortStableFunc(lives, func(a, b lifetime) int { return cmp.Compare(b.size, a.size) })
	var placed []lifetime
	for _, l := range lives {
		l.offset = gap(placed, l)
		placed = append(placed, l)
		p.Arena = max(p.Arena, l.offset+l.size)
		p.Buffers[l.buffer].Offset = l.offset
	}
	p.spreadGradients()
	for i := range p.Buffers {
		if b := &p.Buffers[i]; b.Kind == View {
			b.Offset = p.Buffers[b.Of].Offset
		}
	}
	return nil
}

// gradients returns the buffers of a phase's gradients in the order of its
// updates.
func (p *Plan) gradients(ph *Phase) (list []int) {
	for _, u := range ph.Update {
		if g := u.Src[0]; u.Op == Update && p.Buffers[g].Kind == Grad && !slices.Contains(list, g) {
			list = append(list, u.Src[0])
		}
	}
	return list
}

// joinGradients makes one claim of those of a phase's gradients, in the first
// one's name: they lie one behind the other.
func (p *Plan) joinGradients(lives []lifetime) []lifetime {
	for i := range p.Phases {
		list := p.gradients(&p.Phases[i])
		if len(list) < 2 {
			continue
		}
		all := lifetime{buffer: list[0], from: math.MaxInt}
		lives = slices.DeleteFunc(lives, func(l lifetime) bool {
			if !slices.Contains(list, l.buffer) {
				return false
			}
			all.size, all.from, all.to = all.size+l.size, min(all.from, l.from), max(all.to, l.to)
			return true
		})
		lives = append(lives, all)
	}
	return lives
}

// spreadGradients gives each gradient its part of their memory.
func (p *Plan) spreadGradients() {
	for i := range p.Phases {
		ph := &p.Phases[i]
		list := p.gradients(ph)
		if len(list) == 0 {
			continue
		}
		at := p.Buffers[list[0]].Offset
		ph.Exchange.Offset = at
		for _, g := range list {
			p.Buffers[g].Offset = at
			at += aligned(p.Buffers[g].Size())
		}
		ph.Exchange.Size = at - ph.Exchange.Offset
	}
}

// aligned rounds a size up.
func aligned(size int) int { return (size + alignment - 1) / alignment * alignment }

// lifetime is a buffer's claim on memory, from one moment to another, both
// included.
type lifetime struct {
	buffer   int
	size     int // in floats, a multiple of alignment
	from, to int
	offset   int
}

// gap returns the lowest offset where a buffer meets none that lives with it.
func gap(placed []lifetime, l lifetime) int {
	var near []lifetime
	for _, other := range placed {
		if other.from <= l.to && l.from <= other.to {
			near = append(near, other)
		}
	}
	slices.SortFunc(near, func(a, b lifetime) int { return cmp.Compare(a.offset, b.offset) })
	at := 0
	for _, other := range near {
		if at+l.size <= other.offset {
			break
		}
		at = max(at, other.offset+other.size)
	}
	return at
}

// moments returns when each instruction runs, in the order of Plan.each: in a
// moment of its own, or with Options.Stages in its stage's.
func (p *Plan) moments() []int {
	var list []int
	now := -1
	for _, ph := range p.Phases {
		for _, section := range ph.sections() {
			for i, in := range section {
				if i == 0 || !p.Options.Stages || in.Stage != section[i-1].Stage {
					now++
				}
				list = append(list, now)
			}
		}
	}
	return list
}

// lifetimes returns what wants memory in the arena, in the order of buffers.
func (p *Plan) lifetimes() []lifetime {
	moments := p.moments()
	lives := make(map[int]*lifetime)
	k := 0
	_ = p.each(func(_ *Phase, _ int, in Instr) error {
		for _, v := range slices.Concat(in.Dst, in.Src) {
			v = p.Root(v)
			if lives[v] == nil {
				lives[v] = &lifetime{buffer: v, size: aligned(p.Buffers[v].Size()), from: moments[k]}
			}
			lives[v].to = moments[k]
		}
		k++
		return nil
	})
	var list []lifetime
	for i, b := range p.Buffers {
		l := lives[i]
		if l == nil || !b.inArena() {
			continue
		}
		if p.alone(i) {
			l.from, l.to = 0, len(moments)
		}
		list = append(list, *l)
	}
	return list
}

// inArena says that a buffer's own memory is in the arena.
func (b Buffer) inArena() bool {
	switch b.Kind {
	case Param, Slot, Copy, View:
		return false
	}
	return true
}

// compact drops buffers that no instruction has, but for the parameters and
// slots of training, and numbers the others: parameters, their copies, their slots, then the rest as it comes up.
func (p *Plan) compact() {
	used := make(map[int]int) // when a buffer is first used
	see := func(v int) {
		if _, ok := used[v]; !ok {
			used[v] = len(used)
		}
	}
	for _, ph := range p.Phases {
		for _, section := range ph.sections() {
			for _, in := range section {
				for _, v := range slices.Concat(in.Src, in.Dst) {
					see(p.Root(v))
					see(v)
				}
			}
		}
		for _, out := range ph.Outputs {
			see(out.Buffer)
		}
	}
	trains := slices.ContainsFunc(p.Phases, func(ph Phase) bool { return ph.Optimizer.Kind != "" })
	var kept []int
	for i, b := range p.Buffers {
		if _, ok := used[i]; ok || trains && (b.Kind == Param || b.Kind == Slot) {
			kept = append(kept, i)
		}
	}
	rank := map[Kind]int{Param: -3, Copy: -2, Slot: -1}
	slices.SortStableFunc(kept, func(a, b int) int {
		ra, rb := rank[p.Buffers[a].Kind], rank[p.Buffers[b].Kind]
		if ra == 0 && rb == 0 {
			return cmp.Compare(used[a], used[b])
		}
		return cmp.Compare(ra, rb)
	})
	p.renumber(kept)
}

// renumber makes kept[i] buffer i.
func (p *Plan) renumber(kept []int) {
	number := make(map[int]int)
	for i, v := range kept {
		number[v] = i
	}
	buffers := make([]Buffer, len(kept))
	for i, v := range kept {
		b := p.Buffers[v]
		if b.Of >= 0 {
			b.Of = number[b.Of]
		}
		buffers[i] = b
	}
	p.Buffers = buffers
	for i := range p.Phases {
		ph := &p.Phases[i]
		for _, section := range ph.sections() {
			for _, in := range section {
				for k := range in.Dst {
					in.Dst[k] = number[in.Dst[k]]
				}
				for k := range in.Src {
					in.Src[k] = number[in.Src[k]]
				}
			}
		}
		for k := range ph.Outputs {
			ph.Outputs[k].Buffer = number[ph.Outputs[k].Buffer]
		}
	}
}
