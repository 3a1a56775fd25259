package kernel

import "golang.org/x/sys/cpu"

// simdSets returns the sets in assembly that this machine can run, the best
// one first.
func simdSets() []*Set {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return nil
	}
	sets := []*Set{avx512Set(), avx2Set()}
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL {
		sets = sets[1:]
	}
	for _, s := range sets {
		s.tileDouble = tileDoubleSIMD
	}
	return sets
}
