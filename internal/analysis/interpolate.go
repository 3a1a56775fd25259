package analysis

import "math"

// Lerp writes the point at t, from 0 to 1, of the straight line from a to b
// into dst. All are of one length.
func Lerp(dst, a, b []float32, t float64) {
	for i := range dst {
		dst[i] = float32((1-t)*float64(a[i]) + t*float64(b[i]))
	}
}

// Slerp writes the point at t of the way from a to b that turns evenly:
// spherical interpolation of Shoemake, "Animating Rotation with Quaternion
// Curves" (1985), as for codes of a normal prior, whose lengths are alike.
// Where a and b point the same way, or one is 0, it is [Lerp]; where they point
// in opposite ways there is no way to prefer, and it is Lerp as well.
//
//	sin((1−t)·ω)/sin ω · a + sin(t·ω)/sin ω · b, cos ω = a·b/(|a|·|b|)
func Slerp(dst, a, b []float32, t float64) {
	var aa, bb, ab float64
	for i := range dst {
		x, y := float64(a[i]), float64(b[i])
		aa += x * x
		bb += y * y
		ab += x * y
	}
	cos := ab / math.Sqrt(aa*bb)
	if !(math.Abs(cos) < 1-1e-9) { // NaN too
		Lerp(dst, a, b, t)
		return
	}
	omega := math.Acos(cos)
	u, v := math.Sin((1-t)*omega)/math.Sin(omega), math.Sin(t*omega)/math.Sin(omega)
	for i := range dst {
		dst[i] = float32(u*float64(a[i]) + v*float64(b[i]))
	}
}
