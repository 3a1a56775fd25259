package ptxsim

import "math"

// lanesFuncs are the loops over a whole warp that take most of the time.
type lanesFuncs struct {
	fma      func(d, a, b, c *[warpSize]uint32)
	mul, add func(d, a, b *[warpSize]uint32)
}

// generic returns the loops in Go, for any processor.
func generic() lanesFuncs {
	return lanesFuncs{fma: fmaLanes, mul: mulLanes, add: addLanes}
}

// fmaLanes spells fma32's frequent path out.
func fmaLanes(d, a, b, c *[warpSize]uint32) {
	for l := range d {
		s := float64(f32(a[l]))*float64(f32(b[l])) + float64(f32(c[l]))
		u := math.Float64bits(s)
		if u&0x1fffffff != 0x10000000 && (u>>52&0x7ff > 1023-126 || s == 0) {
			d[l] = b32(float32(s))
		} else {
			d[l] = b32(fma32(f32(a[l]), f32(b[l]), f32(c[l])))
		}
	}
}

func mulLanes(d, a, b *[warpSize]uint32) {
	for l := range d {
		d[l] = b32(f32(a[l]) * f32(b[l]))
	}
}

func addLanes(d, a, b *[warpSize]uint32) {
	for l := range d {
		d[l] = b32(f32(a[l]) + f32(b[l]))
	}
}
