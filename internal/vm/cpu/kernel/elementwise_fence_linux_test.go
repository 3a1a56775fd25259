package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
)

// TestElementwiseFence has every slice end where its last page does, and then
// start where its first one does: a kernel must touch nothing beside them.
func TestElementwiseFence(t *testing.T) {
	r := rand.New(rand.NewPCG(45, 46))
	var fences [6]fence
	for i := range fences {
		fences[i] = newFence(t, 1<<10)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, s := range Sets() {
		for _, c := range elementwiseCases() {
			for n := range 40 {
				for _, atEnd := range []bool{false, true} {
					slices := make([][]float32, len(c.operands))
					for i, v := range c.operands {
						slices[i] = fences[i].room(n, atEnd)
						fill(slices[i], v, r)
					}
					touched(t, fmt.Sprintf("%s: %s of %d values, at the end of its pages %t", s.Name, c.name, n, atEnd), func() { c.run(s, slices) })
				}
			}
		}
	}
}

// touched fails where a call touches a page that nobody may touch.
func touched(t *testing.T, what string, call func()) {
	t.Helper()
	defer func() {
		if fault := recover(); fault != nil {
			t.Errorf("%s: %v", what, fault)
		}
	}()
	call()
}
