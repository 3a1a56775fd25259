package ptxsim

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Generic addresses: shared and local memory have windows, everything else is
// global. Allocations start high and are far apart, so that an access past
// the end of one never falls into the next.
const (
	sharedWindow = 0x0001_0000_0000
	localWindow  = 0x0002_0000_0000
	windowSize   = 0x0001_0000_0000
	globalBase   = 0x7f00_0000_0000
	allocAlign   = 256
	allocGap     = 64 << 10
)

// alloc is one allocation of global memory.
type alloc struct {
	base uint64
	data []byte
	// set has 1 for every byte that was written; nil when all were.
	set      []byte
	readOnly bool
	race     [3]atomic.Pointer[raceCells] // by log2 of the bytes a cell covers
}

// raceCells says who wrote and read each cell of an allocation last. See
// race.go for the keys.
type raceCells struct{ w, r []uint64 }

// memory is a device's global memory.
type memory struct {
	mu     sync.Mutex
	allocs []*alloc // live, by address
	freed  []span
	next   uint64
	used   int64
	limit  int64
}

// span is a range of addresses.
type span struct{ base, size uint64 }

func newMemory(limit int64) *memory { return &memory{next: globalBase, limit: limit} }

// alloc makes an allocation, or returns nil where the limit is reached.
func (m *memory) alloc(n int64) *alloc {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > m.limit-m.used {
		return nil
	}
	a := &alloc{base: m.next, data: make([]byte, n), set: make([]byte, n)}
	fill(a.data, 0xff) // nothing may rely on zeros
	m.next = (m.next+uint64(n)+allocAlign-1)&^(allocAlign-1) + allocGap
	m.allocs = append(m.allocs, a) // addresses only grow
	m.used += n
	return a
}

// fill fills a slice with one byte.
func fill(b []byte, v byte) {
	if len(b) == 0 {
		return
	}
	b[0] = v
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// free ends the allocation that starts at base.
func (m *memory) free(base uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := slices.BinarySearchFunc(m.allocs, base, func(a *alloc, b uint64) int { return compare(a.base, b) })
	if !ok {
		return false
	}
	a := m.allocs[i]
	m.freed = append(m.freed, span{base: base, size: uint64(len(a.data))})
	m.used -= int64(len(a.data))
	a.data, a.set = nil, nil // a kernel may still know the allocation
	m.allocs = slices.Delete(slices.Clone(m.allocs), i, i+1)
	return true
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// find returns the allocation at or below an address; nil for none.
func (m *memory) find(addr uint64) *alloc {
	i, ok := slices.BinarySearchFunc(m.allocs, addr, func(a *alloc, b uint64) int { return compare(a.base, b) })
	if !ok {
		i--
	}
	if i < 0 {
		return nil
	}
	return m.allocs[i]
}

// span returns the n bytes at an address, all inside one allocation.
func (m *memory) span(addr uint64, n int64) (*alloc, uint64, error) {
	a := m.find(addr)
	if n < 0 || a == nil || addr-a.base > uint64(len(a.data)) || uint64(n) > uint64(len(a.data))-(addr-a.base) {
		_, what := m.describe(addr)
		return nil, 0, fmt.Errorf("%d bytes at %#x: %s", n, addr, what)
	}
	return a, addr - a.base, nil
}

// describe says what lies at an address that no access may touch.
func (m *memory) describe(addr uint64) (FaultKind, string) {
	for _, f := range m.freed {
		if addr-f.base < f.size {
			return UseAfterFree, fmt.Sprintf("%d bytes into an allocation of %d bytes that was freed", addr-f.base, f.size)
		}
	}
	a := m.find(addr)
	if a == nil {
		return OutOfBounds, "no device memory near it"
	}
	over := int64(addr-a.base) - int64(len(a.data))
	if over < 0 {
		return OutOfBounds, fmt.Sprintf("at byte %d of an allocation of %d bytes", addr-a.base, len(a.data))
	}
	if over < allocGap {
		return OutOfBounds, fmt.Sprintf("%d bytes past the end of an allocation of %d bytes", over, len(a.data))
	}
	return OutOfBounds, "no device memory near it"
}

// written marks bytes as initialized.
func (a *alloc) written(off, n uint64) {
	if a.set == nil {
		return
	}
	if off == 0 && n == uint64(len(a.data)) {
		a.set = nil
		return
	}
	fill(a.set[off:off+n], 1)
}

// copied carries over which bytes of a copy are initialized.
func (a *alloc) copied(off uint64, from *alloc, at, n uint64) {
	if from.set == nil {
		a.written(off, n)
		return
	}
	if a.set == nil {
		a.set = make([]byte, len(a.data))
		fill(a.set, 1)
	}
	copy(a.set[off:off+n], from.set[at:at+n])
}

// cells returns the race cells of 1<<shift bytes each.
func (a *alloc) cells(shift uint, mu *sync.Mutex) *raceCells {
	if c := a.race[shift].Load(); c != nil {
		return c
	}
	mu.Lock()
	defer mu.Unlock()
	if c := a.race[shift].Load(); c != nil {
		return c
	}
	n := (len(a.data) >> shift) + 1
	c := &raceCells{w: make([]uint64, n), r: make([]uint64, n)}
	a.race[shift].Store(c)
	return c
}

// forgetRaces drops all race cells, when block numbers start anew.
func (m *memory) forgetRaces() {
	for _, a := range m.allocs {
		for i := range a.race {
			a.race[i].Store(nil)
		}
	}
}
