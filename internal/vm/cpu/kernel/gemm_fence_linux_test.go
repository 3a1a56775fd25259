package kernel

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"unsafe"
)

// fence is memory between two pages that nobody may touch.
type fence []float32

func newFence(t *testing.T, floats int) fence {
	t.Helper()
	page := os.Getpagesize()
	size := (floats*float + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	inside := all[page:][:size]
	if err := syscall.Mprotect(inside, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&inside[0])), size/float)
}

// room returns n floats at one end of the fence.
func (f fence) room(n int, atEnd bool) []float32 {
	if atEnd {
		return f[len(f)-n:]
	}
	return f[:n:n]
}

// hold returns a copy of values at one end of the fence.
func (f fence) hold(values []float32, atEnd bool) []float32 {
	if values == nil {
		return nil
	}
	place := f.room(len(values), atEnd)
	copy(place, values)
	return place
}

// TestGemmFence has every operand end where its last page does, and then start
// where its first one does: a product must touch nothing beside them.
func TestGemmFence(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	scratch := NewScratch()
	var fences [5]fence
	for i := range fences {
		fences[i] = newFence(t, 1<<13)
	}
	for m := 1; m <= 9; m++ {
		for n := 1; n <= 50; n += 1 + n/20 {
			for k := 1; k <= 9; k += 1 + r.IntN(3) {
				option := r.IntN(48)
				newProduct(r, m, n, k, option).testFence(t, fences, scratch, fmt.Sprintf("(%d,%d,%d), option %d", m, n, k, option))
			}
			groups, run, runs, option := 1+r.IntN(3), 1+r.IntN(5), 1+r.IntN(4), r.IntN(48)
			what := fmt.Sprintf("%d groups of %d by %d, %d runs of %d, option %d", groups, m, n, runs, run, option)
			newWalk(r, m, groups, run, runs, n, option).testFence(t, fences, scratch, what)
		}
	}
}

// testFence runs a product on every set, in every way, with its operands in
// fences.
func (p *product) testFence(t *testing.T, fences [5]fence, scratch *Scratch, what string) {
	t.Helper()
	for _, s := range Sets() {
		for way, gemm := range gemms(s, &p.Product) {
			for _, atEnd := range []bool{false, true} {
				what := fmt.Sprintf("%s, %s %s, at the end of its pages %t", what, s.Name, way, atEnd)
				q := *p
				for i, operand := range []*[]float32{&q.A, &q.B, &q.C, &q.Bias, &q.Y} {
					*operand = fences[i].hold(*operand, atEnd)
				}
				before := slices.Clone(q.C)
				q.withoutFault(t, gemm, scratch, what)
				q.check(t, before, what)
			}
		}
	}
}

// withoutFault multiplies, and fails the test at an access beside an operand.
func (p *product) withoutFault(t *testing.T, gemm func(p *Product, scratch *Scratch), scratch *Scratch, what string) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("%s: %v", what, fault)
		}
	}()
	gemm(&p.Product, scratch)
}
