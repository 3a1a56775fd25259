package ptxsim

import "golang.org/x/sys/cpu"

// hasFMA reports whether the processor has the instructions below.
func hasFMA() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }

// fmaAVX is
//
//	for l := range d { d[l] = b32(fma32(f32(a[l]), f32(b[l]), f32(c[l]))) }
//
//go:noescape
func fmaAVX(d, a, b, c *[warpSize]uint32)

// mulAVX is
//
//	for l := range d { d[l] = b32(f32(a[l]) * f32(b[l])) }
//
//go:noescape
func mulAVX(d, a, b *[warpSize]uint32)

// addAVX is
//
//	for l := range d { d[l] = b32(f32(a[l]) + f32(b[l])) }
//
//go:noescape
func addAVX(d, a, b *[warpSize]uint32)

// vectors returns the loops over a whole warp.
func vectors() lanesFuncs {
	if !hasFMA() {
		return generic()
	}
	return lanesFuncs{fma: fmaAVX, mul: mulAVX, add: addAVX}
}
