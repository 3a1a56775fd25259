package kernel

import (
	"fmt"
	"runtime/debug"
	"testing"
	"unsafe"
)

// TestMoveFence has operands that end where their last page does, and then start
// where their first one does: kernels must touch nothing beside them.
func TestMoveFence(t *testing.T) {
	dstFence, srcFence := newFence(t, 1<<11), newFence(t, 1<<11)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, s := range Sets() {
		for _, atEnd := range []bool{false, true} {
			try := func(dst, src int, call func(dst, src []float32), format string, args ...any) {
				defer func() {
					if fault := recover(); fault != nil {
						t.Errorf("%s: %s, at the end of its pages %t: %v", s.Name, fmt.Sprintf(format, args...), atEnd, fault)
					}
				}()
				call(dstFence.room(dst, atEnd), srcFence.room(src, atEnd))
			}
			fenceMatrices(s, try)
			fenceRuns(s, try)
			fenceDraws(s, try)
		}
	}
}

// tried calls a kernel with so many numbers of dst and of src.
type tried func(dst, src int, call func(dst, src []float32), format string, args ...any)

func fenceMatrices(s *Set, try tried) {
	for rows := range 21 {
		for cols := range 40 {
			for slack := range 2 {
				ld := cols + slack
				for _, accumulate := range []bool{false, true} {
					try(cols, extent(rows, cols, ld), func(dst, src []float32) {
						s.ColumnSum(dst, src, rows, cols, ld, accumulate)
					}, "sum of columns of %d by %d, stride %d", rows, cols, ld)
				}
				try(extent(cols, rows, rows+slack), extent(rows, cols, ld), func(dst, src []float32) {
					s.Transpose(dst, rows+slack, src, ld, rows, cols)
				}, "transpose of %d by %d, strides %d more", rows, cols, slack)
			}
		}
	}
}

func fenceRuns(s *Set, try tried) {
	for length := 1; length <= 70; length++ {
		r := Runs{Places: 2, Runs: 3, Length: length, DstPlace: 3*length + 1, DstRun: length, SrcPlace: 1, SrcRun: length + 2}
		try(r.DstPlace+2*r.DstRun+length, r.SrcPlace+2*r.SrcRun+length, func(dst, src []float32) {
			s.CopyRuns(dst, src, r)
		}, "copy of %+v", r)
		for step := 1; step <= 5; step++ {
			try(2*length*step-step+1, 2*length, func(dst, src []float32) {
				s.AddSpread(dst, src, 2, length, step, length*step, length)
			}, "%d values spread by %d", length, step)
		}
	}
}

func fenceDraws(s *Set, try tried) {
	for turns := 1; turns <= 3; turns++ {
		try(64*turns, Lanes+len(drawn), func(dst, src []float32) {
			words := unsafe.Slice((*uint32)(unsafe.Pointer(&src[0])), len(src))
			s.Words(unsafe.Slice((*uint32)(unsafe.Pointer(&dst[0])), len(dst)), (*[Lanes]uint32)(words), turns, 1, (*Draw)(words[Lanes:]))
		}, "words of %d turns", turns)
		try(2*turns, Lanes+len(drawn), func(dst, src []float32) {
			words := unsafe.Slice((*uint32)(unsafe.Pointer(&src[0])), len(src))
			s.Below(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 8*turns), (*[Lanes]uint32)(words), turns, 1, (*Draw)(words[Lanes:]), 1<<20)
		}, "bits of %d turns", turns)
	}
}
